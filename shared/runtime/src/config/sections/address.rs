use crate::config::{kind, kind::Kind};

/// A server's address: `scheme://host[:port]` and a path that `path` takes, without user, password and query. A slash at
/// its end is dropped: to AMQP it would name the virtual host without a name.
pub(super) fn address(
    schemes: &'static [&'static str],
    example: &str,
    path: impl Fn(&str) -> bool + 'static,
) -> Kind<String> {
    let parse = move |text: &str| {
        let rest = schemes.iter().find_map(|scheme| text.strip_prefix(scheme)?.strip_prefix("://"))?;
        let (authority, below) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@?#\\".contains(c);
        let fits = text.len() <= 2048 && text.chars().all(plain) && host_and_port(authority) && path(below);
        fits.then(|| text.strip_suffix('/').unwrap_or(text).to_owned())
    };
    kind::text(&format!("an address such as {example}, without user and password"), parse, String::clone).unrepeatable()
}

/// `host`, `host:port`, or the same with an IPv6 address in brackets.
fn host_and_port(authority: &str) -> bool {
    let port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let (host, rest) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    !host.is_empty() && (rest.is_empty() || rest.strip_prefix(':').is_some_and(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        (address(&["redis", "rediss"], "redis://host", |path| path.is_empty() || path == "1").parse)(text)
    }

    #[test]
    fn an_address_is_a_scheme_a_host_a_port_and_a_path() {
        for text in ["redis://host", "rediss://10.0.0.1:6379", "redis://[::1]:6379/1", "redis://[::1]", "redis://h/1"] {
            assert_eq!(parsed(text).as_deref(), Some(text));
        }
        assert_eq!(parsed("redis://host:1/").as_deref(), Some("redis://host:1"));
    }

    #[test]
    fn nothing_else_is_one() {
        for text in [
            "host",
            "http://host",
            "redis:host",
            "redis://",
            "redis://:6379",
            "redis://host:",
            "redis://host:0",
            "redis://host:65536",
            "redis://[::1]6379",
            "redis://host/2",
            "redis://host?x",
            "redis://host#x",
            "redis://ho st",
            "redis://me:sk-hunter2@host",
            "redis://sk-hunter2@host/1",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}

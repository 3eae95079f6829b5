use std::fmt;

use crate::config::{
    kind::{self, Kind},
    origin::visible,
};

/// A server's address. `Debug` and `Display` leave out the parts that may hold a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// An address that begins with `http://` or `https://` and names a host.
    fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        let plain = text.chars().all(|c| !c.is_whitespace() && !c.is_control()) && text.len() <= 2048;
        (plain && !host.is_empty() && !host.starts_with(':')).then(|| Self(text.to_owned()))
    }

    /// The whole address, for the one who connects to it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        let (place, hidden) = match rest.find(['?', '#']) {
            Some(at) => (&rest[..at], "?***"),
            None => (rest, ""),
        };
        let authority = place.split('/').next().unwrap_or_default();
        let user = authority.rfind('@').map_or(0, |at| at + 1);
        write!(f, "{scheme}://{}{}{hidden}", if user > 0 { "***@" } else { "" }, visible(&place[user..]))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What `llm.base_url` takes.
pub(super) fn base_url() -> Kind<BaseUrl> {
    kind::text("an address such as https://host/v1", BaseUrl::parse, BaseUrl::to_string).unrepeatable()
}

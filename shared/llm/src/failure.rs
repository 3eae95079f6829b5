use std::time::Duration;

use langflix_domain::Usage;
use langflix_ports::llm::{Error, ErrorKind};

/// A wait longer than this is no rate limit but a used-up quota: Google's daily quotas answer with such delays.
pub(crate) const LONGEST_RATE_LIMIT: Duration = Duration::from_secs(300);

/// One attempt that gave no answer. Its message holds only words of this crate and [`code`]s, never outside text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
    pub(crate) usage: Usage,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), usage: Usage::default() }
    }

    /// Too many requests: a rate limit, or a used-up quota where the wait is too long to be a rate limit.
    pub(crate) fn too_many_requests(after: Option<Duration>, code: &str) -> Self {
        match after {
            Some(wait) if wait > LONGEST_RATE_LIMIT => Self::new(
                ErrorKind::QuotaExhausted,
                format!(
                    "the quota is used up{code}; the provider asks to wait {} s: go on later, or raise the quota",
                    wait.as_secs()
                ),
            ),
            _ => Self::new(
                ErrorKind::RateLimited { after },
                format!("too many requests or tokens just now{code}; lower llm.requests_per_minute if this goes on"),
            ),
        }
    }

    pub(crate) fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    pub(crate) fn into_error(self, provider: &str) -> Error {
        Error { kind: self.kind, provider: provider.to_owned(), message: self.message, usage: self.usage }
    }
}

/// An outside code such as `RESOURCE_EXHAUSTED` as ` (RESOURCE_EXHAUSTED)`, or nothing where it is not a code.
///
/// Providers' free texts may quote the key or the prompt, so that only what has the form of a code is passed on.
pub(crate) fn code(text: Option<&str>) -> String {
    let is_code = |text: &&str| {
        (1..=48).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))
    };
    text.filter(is_code).map(|text| format!(" ({text})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_are_passed_on() {
        assert_eq!(code(Some("insufficient_quota")), " (insufficient_quota)");
        assert_eq!(code(Some("I never gave it up")), "");
        assert_eq!(code(Some("")), "");
        assert_eq!(code(None), "");
    }

    #[test]
    fn a_wait_beyond_five_minutes_is_a_used_up_quota() {
        let kind = |secs| Failure::too_many_requests(Some(Duration::from_secs(secs)), "").kind;
        assert_eq!(kind(300), ErrorKind::RateLimited { after: Some(Duration::from_secs(300)) });
        assert_eq!(kind(301), ErrorKind::QuotaExhausted);
    }
}

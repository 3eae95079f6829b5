use std::fmt;

use super::Origin;

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A value that its key does not take.
    #[error("{key}: {value} (from {origin}) is not allowed: {allowed}")]
    NotAllowed {
        /// The key.
        key: String,
        /// What was given, quoted and shortened; described instead where it may hold a secret.
        value: String,
        /// Where it was given.
        origin: Origin,
        /// What is allowed.
        allowed: String,
    },
    /// A key that there is not.
    #[error("{key}: no such key (from {origin}){}", suggested(.nearest))]
    UnknownKey {
        /// The key.
        key: String,
        /// Where it was given.
        origin: Origin,
        /// The known key that comes nearest, written as its source writes it.
        nearest: Option<String>,
    },
    /// A key given twice in one file, where it is not plain which one is meant.
    #[error("{key}: given twice, by {first} and by {second}")]
    GivenTwice {
        /// The key.
        key: String,
        /// Where it was given first.
        first: Origin,
        /// Where it was given again.
        second: Origin,
    },
    /// A secret where anyone who reads the configuration would see it.
    #[error("{key}: a secret does not stand here (from {origin}): {instead}")]
    Secret {
        /// The key.
        key: String,
        /// Where it was given.
        origin: Origin,
        /// Where such a secret is taken from.
        instead: &'static str,
    },
    /// A value that the program cannot do without.
    #[error("{key}: not set: {how}")]
    Missing {
        /// The key.
        key: String,
        /// How it is set, or what it is needed for.
        how: String,
    },
    /// A file that cannot be used as a whole.
    #[error("{place}: {problem}")]
    File {
        /// The file, with the line where one is known.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl Fault {
    /// Whether it concerns a key of `section`.
    pub(super) fn concerns(&self, section: &str) -> bool {
        let place = match self {
            Self::NotAllowed { key, .. }
            | Self::UnknownKey { key, .. }
            | Self::GivenTwice { key, .. }
            | Self::Secret { key, .. }
            | Self::Missing { key, .. } => key,
            Self::File { place, .. } => place,
        };
        place.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

fn suggested(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|key| format!("; did you mean {key}?")).unwrap_or_default()
}

/// Everything that is wrong with the configuration; one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

use std::time::Duration;

use langflix_domain::Failure;

/// Which try of a task this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try<'a> {
    /// Whether the task may have its outcome already, which is looked for before the work begins.
    pub repeated: bool,
    /// Whether a failure is recorded even if it may pass.
    pub last: bool,
    /// Whether nobody else could take the task instead.
    pub alone: bool,
    /// The span that it is made in, in the form of W3C's `traceparent`, where there is one.
    pub trace: Option<&'a str>,
}

impl Try<'_> {
    /// There is no other try that knows of this one.
    pub const ONLY: Self = Self { repeated: true, last: true, alone: true, trace: None };

    /// The span, for the outcome.
    pub(crate) fn trace(&self) -> Option<String> {
        self.trace.map(str::to_owned)
    }
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The task has its outcome; the failure, where it failed for good.
    Recorded(Option<Failure>),
    /// It failed, may succeed later, and nothing is recorded.
    Later {
        /// Why it failed.
        failure: Failure,
        /// The wait that was asked for.
        after: Option<Duration>,
    },
    /// It could not be tried here, and another worker may take it: no try is counted, and nothing is recorded.
    HandedBack(Failure),
}

impl Ended {
    /// Why it failed, if it did.
    pub fn failure(self) -> Option<Failure> {
        match self {
            Self::Recorded(failure) => failure,
            Self::Later { failure, .. } | Self::HandedBack(failure) => Some(failure),
        }
    }
}

use std::borrow::Cow;

use langflix_domain::FailureKind;
use langflix_ports::queue::{Name, Place};
use metrics::SharedString;

use crate::label::Label;

/// Defines labels whose values are texts of the code.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $key:literal { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub enum $name {
                $($(#[$variant_doc])* $variant,)+
            }

            impl $name {
                /// All of them.
                pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

                /// The label's value.
                pub const fn as_str(self) -> &'static str {
                    match self {
                        $(Self::$variant => $word,)+
                    }
                }
            }

            impl Label for $name {
                const KEY: &'static str = $key;

                fn value(&self) -> SharedString {
                    SharedString::const_str(self.as_str())
                }
            }
        )+
    };
}

words! {
    /// What sort of work a queue's tasks are.
    Work = "stage" {
        /// Chunks.
        Analysis = "analysis",
        /// Clips.
        Encoding = "encoding",
        /// Steps of the dispatcher.
        Dispatch = "dispatch",
    }

    /// How a task's message was settled.
    End = "end" {
        /// Its task has its outcome.
        Done = "done",
        /// To be tried again.
        Retry = "retry",
        /// Given to others, untried.
        HandedBack = "handed_back",
        /// Given to others, and no other is begun here for a while.
        Paused = "paused",
        /// Set aside for good.
        Buried = "buried",
        /// The broker did not take the settlement: it comes again.
        Unsettled = "unsettled",
    }

    /// Why a task did not simply end.
    Reason = "reason" {
        /// It did.
        None = "none",
        /// The provider's rate limit.
        RateLimited = "rate_limited",
        /// The provider, or its limiter, could not be reached.
        Unavailable = "unavailable",
        /// The provider declines the text.
        Refused = "refused",
        /// The answer was cut off.
        Truncated = "truncated",
        /// No usable answer.
        Malformed = "malformed",
        /// Wrong credentials.
        Auth = "auth",
        /// The provider's quota is used up.
        QuotaExhausted = "quota_exhausted",
        /// The input itself.
        Input = "input",
        /// The encoder.
        Encoder = "encoder",
        /// Not done in time.
        TimedOut = "timed_out",
        /// A server or a disk failed.
        Store = "store",
        /// Its worker ended while it worked on it, again and again.
        Crashed = "crashed",
        /// Somebody cancelled the run.
        Cancelled = "cancelled",
        /// The message cannot be read, or another queue is for it.
        Message = "message",
        /// The handler panicked.
        Panicked = "panicked",
        /// The process was told to end.
        Draining = "draining",
    }

    /// What a duration is one of.
    Operation = "operation" {
        /// From a message's publication until its task begins.
        QueueWait = "queue_wait",
        /// Waiting for leave to ask the model.
        LimiterWait = "limiter_wait",
        /// One request to the model.
        LlmCall = "llm_call",
        /// Looking into the cache.
        CacheGet = "cache_get",
        /// Writing to the cache.
        CachePut = "cache_put",
        /// Making a source readable: a copy, or an address for ranges of it.
        Source = "source",
        /// From an encoder's start until its first frame: seeking and decoding up to the clip.
        Seek = "seek",
        /// One clip from the encoder's start to its end, seeking included.
        Encode = "encode",
        /// A clip's files to the store.
        Upload = "upload",
        /// Recording how a task ended.
        Outcome = "outcome",
        /// The step that ends a stage, up to the next plan or the manifest.
        FanIn = "fan_in",
        /// Planning an episode.
        Plan = "plan",
    }

    /// Whether an operation succeeded.
    Ended = "result" {
        /// It did.
        Ok = "ok",
        /// It did not.
        Failed = "failed",
    }

    /// What came of a request to a model.
    Reply = "result" {
        /// An answer.
        Answered = "answered",
        /// One too many.
        RateLimited = "rate_limited",
        /// Not reached, timed out, or a server error.
        Unavailable = "unavailable",
        /// Declined.
        Refused = "refused",
        /// Cut off.
        Truncated = "truncated",
        /// Not what the protocol promises.
        Malformed = "malformed",
        /// Wrong credentials.
        Auth = "auth",
        /// The quota is used up.
        QuotaExhausted = "quota_exhausted",
    }

    /// Where an answer came from.
    Found = "result" {
        /// The cache.
        Hit = "hit",
        /// The model: no cache has it.
        Miss = "miss",
    }

    /// Which way tokens went.
    Direction = "direction" {
        /// In prompts.
        Input = "input",
        /// In answers.
        Output = "output",
    }

    /// A server of the fleet.
    Server = "server" {
        /// The broker.
        RabbitMq = "rabbitmq",
        /// The cache.
        Redis = "redis",
    }

    /// What is asked of the dispatcher's page.
    Asked = "route" {
        /// One of the page's files.
        Page = "page",
        /// A file of a clip.
        Clips = "clips",
        /// The stream of events.
        Events = "events",
        /// Anything else of the API.
        Api = "api",
        /// What is not there.
        Other = "other",
    }

    /// Why an intake takes nothing.
    Closed = "why" {
        /// It was told to end.
        Draining = "draining",
        /// It has no slots now.
        NoSlots = "no_slots",
        /// A server, a quota or a disk: nothing is begun for a while.
        Paused = "paused",
        /// Too many tasks failed in a row.
        Breaker = "breaker",
        /// Memory is short.
        Memory = "memory",
        /// Where clips are made there is no room for another one.
        Scratch = "scratch",
    }
}

impl Work {
    /// What the tasks of `place` are.
    pub fn of(place: Place) -> Self {
        match place.name() {
            Name::AnalysisInteractive | Name::AnalysisBulk => Self::Analysis,
            Name::EncodingInteractive | Name::EncodingBulk => Self::Encoding,
            Name::Episodes | Name::Stages => Self::Dispatch,
        }
    }
}

impl From<FailureKind> for Reason {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::RateLimited => Self::RateLimited,
            FailureKind::Unavailable => Self::Unavailable,
            FailureKind::Refused => Self::Refused,
            FailureKind::Truncated => Self::Truncated,
            FailureKind::Malformed => Self::Malformed,
            FailureKind::Auth => Self::Auth,
            FailureKind::QuotaExhausted => Self::QuotaExhausted,
            FailureKind::Input => Self::Input,
            FailureKind::Encoder => Self::Encoder,
            FailureKind::TimedOut => Self::TimedOut,
            FailureKind::Store => Self::Store,
            FailureKind::Crashed => Self::Crashed,
            FailureKind::Cancelled => Self::Cancelled,
        }
    }
}

/// Labels whose values come from the configuration, of which a process has one.
macro_rules! configured {
    ($($(#[$doc:meta])* $name:ident = $key:literal)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name(pub Cow<'static, str>);

            impl<T: Into<Cow<'static, str>>> From<T> for $name {
                fn from(text: T) -> Self {
                    Self(text.into())
                }
            }

            impl Label for $name {
                const KEY: &'static str = $key;

                fn value(&self) -> SharedString {
                    match &self.0 {
                        Cow::Borrowed(text) => SharedString::const_str(text),
                        Cow::Owned(text) => text.clone().into(),
                    }
                }
            }
        )+
    };
}

configured! {
    /// A service.
    Service = "name"
    /// A program's version.
    Version = "version"
    /// The model that is asked, as `provider/model`.
    Model = "model"
    /// What prices are in.
    Currency = "currency"
    /// An intake of a service.
    Intake = "intake"
    /// A part that a service needs to be ready.
    Part = "part"
    /// A state that a GPU is in.
    State = "state"
    /// What came of a request to the store.
    RequestOutcome = "outcome"
    /// The status of an answer over HTTP.
    Status = "status"
    /// Why software stood in for a GPU.
    Fallback = "reason"
    /// What a server was asked to do.
    Command = "operation"
}

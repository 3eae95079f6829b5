use langflix_domain::RunId;
use langflix_ports::{queue, store};

use crate::fleet::Unreadable;

/// Why a use case could not go on. A task that failed for good is an outcome and no error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] queue::Error),
    /// A message cannot be read or written.
    #[error(transparent)]
    Message(#[from] Unreadable),
    /// There is no such run in the store.
    #[error(
        "run {run}: there is no such run in this bucket: was it removed, or does this service look at another one?"
    )]
    NoRun {
        /// Its name.
        run: RunId,
    },
    /// A record in the store cannot be read.
    #[error("record {key}: {reason}: is it whole, and of this version?")]
    Record {
        /// Its key.
        key: String,
        /// Why not.
        reason: String,
    },
    /// A task of a plan has no outcome yet.
    #[error("task {task} has no outcome yet")]
    Unfinished {
        /// The task.
        task: langflix_domain::TaskId,
    },
    /// A folder for work in progress cannot be made.
    #[error("no folder for work in progress can be made")]
    Scratch(#[from] std::io::Error),
    /// A clip cannot be written, through no fault of its own or of its source.
    #[error("{0}")]
    Unwritable(String),
}

impl Error {
    /// Whether the same may succeed later, since it is the store, the queue or the disk that failed.
    pub fn passes(&self) -> bool {
        match self {
            Self::Store(error) => error.kind != store::ErrorKind::InvalidKey,
            Self::Queue(_) | Self::Scratch(_) | Self::Unwritable(_) | Self::Unfinished { .. } => true,
            Self::Message(_) | Self::NoRun { .. } | Self::Record { .. } => false,
        }
    }
}

use langflix_ports::store;

/// Why a use case could not go on. A task that failed for good is an outcome and no error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A record in the store cannot be read.
    #[error("record {key}: {reason}: was it written by another version? Give another --out")]
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

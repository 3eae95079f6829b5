use langflix_ports::queue::{Error, ErrorKind};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

/// What a failure of lapin means for `queue`.
pub(crate) fn failed(queue: &str, error: &lapin::Error) -> Error {
    let (kind, message) = match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => (kind_of(error.kind()), error.get_message().as_str().to_owned()),
        lapin::ErrorKind::IOError(error) => (ErrorKind::Unavailable, error.to_string()),
        lapin::ErrorKind::MissingHeartbeatError => (ErrorKind::Unavailable, "the broker fell silent".to_owned()),
        _ => (ErrorKind::Unavailable, "the connection is lost".to_owned()),
    };
    Error { kind, queue: queue.to_owned(), message: advised(kind, &message) }
}

fn kind_of(kind: &AMQPErrorKind) -> ErrorKind {
    match kind {
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND | AMQPSoftError::PRECONDITIONFAILED) => ErrorKind::Missing,
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => {
            ErrorKind::Denied
        }
        _ => ErrorKind::Unavailable,
    }
}

fn advised(kind: ErrorKind, message: &str) -> String {
    match kind {
        ErrorKind::Missing => format!("{message}: run `langflix topology apply`"),
        ErrorKind::Denied => format!("{message}: check rabbitmq.username, its password and its permissions"),
        ErrorKind::Unavailable => message.to_owned(),
    }
}

pub(crate) fn unavailable(queue: &str, message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::Unavailable, queue: queue.to_owned(), message: message.into() }
}

pub(crate) fn missing(queue: &str, message: &str) -> Error {
    Error { kind: ErrorKind::Missing, queue: queue.to_owned(), message: advised(ErrorKind::Missing, message) }
}

use langflix_ports::queue::{Error, ErrorKind};
use lapin::protocol::{AMQPErrorKind, AMQPHardError, AMQPSoftError};

/// What a failure of lapin means for `queue`.
pub(crate) fn failed(queue: &str, error: &lapin::Error) -> Error {
    match error.kind() {
        lapin::ErrorKind::ProtocolError(error) => refused(queue, error.kind(), error.get_message().as_str()),
        lapin::ErrorKind::IOError(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            unavailable(queue, "nobody listens there: is it running, and is rabbitmq.url its address?")
        }
        lapin::ErrorKind::IOError(error) => {
            unavailable(queue, format!("{error}: is rabbitmq.url right, from amqp or amqps to its port?"))
        }
        lapin::ErrorKind::MissingHeartbeatError => unavailable(queue, "the broker fell silent"),
        _ => unavailable(queue, "the connection is lost"),
    }
}

fn refused(queue: &str, kind: &AMQPErrorKind, says: &str) -> Error {
    match kind {
        AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) if says.contains("vhost") && says.contains("not found") => {
            let message = format!("{says}: create it, or correct rabbitmq.url");
            Error { kind: ErrorKind::Denied, queue: queue.to_owned(), message }
        }
        // So RabbitMQ also calls a queue that another program declares at this moment: it is known, and not there yet.
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) if says.contains("is down or inaccessible") => {
            unavailable(queue, says)
        }
        AMQPErrorKind::Soft(AMQPSoftError::NOTFOUND) => missing(queue, says),
        AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED) | AMQPErrorKind::Hard(AMQPHardError::NOTALLOWED) => {
            let message = format!("{says}: check rabbitmq.username, its password and its permissions");
            Error { kind: ErrorKind::Denied, queue: queue.to_owned(), message }
        }
        _ => unavailable(queue, says),
    }
}

/// Whether something of that name is there and is not what was declared.
pub(crate) fn differs(error: &lapin::Error) -> bool {
    let lapin::ErrorKind::ProtocolError(error) = error.kind() else { return false };
    matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::PRECONDITIONFAILED))
}

/// Whether a queue is another's for now: another connection's, or gone in this moment with its last consumer.
pub(crate) fn is_anothers(error: &lapin::Error) -> bool {
    let lapin::ErrorKind::ProtocolError(error) = error.kind() else { return false };
    matches!(error.kind(), AMQPErrorKind::Soft(AMQPSoftError::RESOURCELOCKED | AMQPSoftError::NOTFOUND))
}

pub(crate) fn unavailable(queue: &str, message: impl Into<String>) -> Error {
    Error { kind: ErrorKind::Unavailable, queue: queue.to_owned(), message: message.into() }
}

pub(crate) fn missing(queue: &str, says: &str) -> Error {
    let message = format!("{says}: start a dispatcher, or run `langflix topology apply`");
    Error { kind: ErrorKind::Missing, queue: queue.to_owned(), message }
}

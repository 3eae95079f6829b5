//! How a message travels: what the port knows of it beside its body is in headers.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use langflix_ports::queue::Message;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

const ATTEMPT: &str = "langflix-attempt";
const REASON: &str = "langflix-reason";
const TRACE: &str = "traceparent";
/// Milliseconds since 1970: the timestamp that AMQP knows has seconds.
const PUBLISHED: &str = "langflix-published-ms";
/// Kept on disk.
const PERSISTENT: u8 = 2;
/// RabbitMQ refuses headers that fill a frame.
const LONGEST_REASON: usize = 2000;

pub(crate) fn properties(message: &Message) -> BasicProperties {
    let mut headers = FieldTable::default();
    if message.attempt > 0 {
        headers.insert(ATTEMPT.into(), AMQPValue::LongUInt(message.attempt));
    }
    let mut text = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            let short: String = value.chars().take(LONGEST_REASON).collect();
            headers.insert(ShortString::from(name), AMQPValue::LongString(LongString::from(short)));
        }
    };
    text(REASON, &message.reason);
    text(TRACE, &message.trace);
    if let Ok(now) = i64::try_from(now_ms()) {
        headers.insert(PUBLISHED.into(), AMQPValue::LongLongInt(now));
    }
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    properties.with_content_type("application/msgpack".into()).with_headers(headers)
}

pub(crate) fn message(delivery: &mut lapin::message::Delivery) -> Message {
    let headers = delivery.properties.headers().as_ref();
    let value = |name: &str| headers.and_then(|headers| headers.inner().get(name));
    let text = |name: &str| match value(name) {
        Some(AMQPValue::LongString(text)) => Some(String::from_utf8_lossy(text.as_bytes()).into_owned()),
        _ => None,
    };
    let attempt = match value(ATTEMPT) {
        Some(AMQPValue::LongUInt(attempt)) => *attempt,
        _ => 0,
    };
    let (reason, trace) = (text(REASON), text(TRACE));
    Message { body: std::mem::take(&mut delivery.data), attempt, reason, trace }
}

/// How long ago a message was published. Clocks that differ do not make it less than nothing.
pub(crate) fn waited(delivery: &lapin::message::Delivery) -> Option<Duration> {
    let headers = delivery.properties.headers().as_ref()?;
    let Some(AMQPValue::LongLongInt(published)) = headers.inner().get(PUBLISHED) else { return None };
    let published = u128::try_from(*published).ok()?;
    Some(Duration::from_millis(u64::try_from(now_ms().saturating_sub(published)).ok()?))
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()
}

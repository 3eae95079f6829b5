//! What a broker says of itself before anybody has said who they are. lapin reads it and does not tell.

use std::{io, time::Duration};

use async_rs::Runtime;
use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use langflix_ports::queue::Error;
use lapin::{
    tcp::AMQPUriTcpExt as _,
    types::{AMQPValue, FieldTable, parsing::parse_field_table},
};
use tokio::time::timeout;

use crate::{failure::unavailable, settings::Endpoint};

const WITHIN: Duration = Duration::from_secs(10);
/// By this a client of AMQP 0-9-1 begins.
const HEADER: &[u8] = b"AMQP\0\0\x09\x01";
/// What the answer begins with: a method's frame on channel 0, whose length follows.
const FRAME: [u8; 3] = [1, 0, 0];
/// Then the method `connection.start` of version 0-9.
const START: [u8; 6] = [0, 10, 0, 10, 0, 9];
/// RabbitMQ's has 500 bytes.
const LONGEST: usize = 64 * 1024;

/// Product and version.
pub(crate) async fn product(endpoint: &Endpoint) -> Result<String, Error> {
    let queue = crate::topology::WORK;
    let failed = |what: &str| unavailable(queue, endpoint.says(what));
    let properties = timeout(WITHIN, properties(endpoint)).await.map_err(|_| failed("no answer"))?;
    let properties = properties.map_err(|error| failed(&error.to_string()))?;
    let text = |name: &str| match properties.inner().get(name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        _ => None,
    };
    let words: Vec<String> = ["product", "version"].into_iter().filter_map(text).collect();
    Ok(if words.is_empty() { "a server that does not say what it is".to_owned() } else { words.join(" ") })
}

async fn properties(endpoint: &Endpoint) -> io::Result<FieldTable> {
    let tls = endpoint.tls();
    let mut stream = endpoint.uri().connect_with_config_async(tls.as_ref(), &Runtime::tokio_current()).await?;
    stream.write_all(HEADER).await?;
    stream.flush().await?;
    let mut head = [0; 7];
    stream.read_exact(&mut head).await?;
    let [kind @ .., a, b, c, d] = head;
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let strange = || io::Error::new(io::ErrorKind::InvalidData, "it does not speak AMQP 0-9-1");
    if kind != FRAME || length > LONGEST {
        return Err(strange());
    }
    let mut frame = vec![0; length];
    stream.read_exact(&mut frame).await?;
    let table = frame.strip_prefix(&START).ok_or_else(strange)?;
    let (_, properties) = parse_field_table(table).map_err(|_| strange())?;
    Ok(properties)
}

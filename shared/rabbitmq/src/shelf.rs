use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use langflix_ports::queue::{Error, ErrorKind, Message, Place};
use lapin::{
    Channel,
    options::{BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::time::sleep;

use crate::{
    connection::{Connected, within},
    failure::{failed, is_anothers, unavailable},
    link::Link,
    properties::message,
    publisher::publish,
    topology::WORK,
};

/// The queue that is there while somebody goes through shelves.
const LOCK: &str = "langflix.shelves";
/// How long others may take.
const OTHERS_TAKE: Duration = Duration::from_secs(30);
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// What becomes of a shelved message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep,
    /// It goes back to its work queue, as if it had never been tried.
    Republish,
    /// It is thrown away.
    Drop,
}

/// How many messages met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handled {
    /// Messages that stay.
    pub kept: usize,
    /// Messages that went back to work.
    pub republished: usize,
    /// Messages that are gone.
    pub dropped: usize,
}

/// Goes through at most `most` messages of `place`, and through none that comes while it does. Those that stay are held until
/// the end, and so are not met twice; broken off anywhere, all that were not dealt with are still there.
pub(crate) async fn go_through(
    link: &Arc<Link>,
    place: Place,
    most: usize,
    mut decide: impl FnMut(&Message) -> Fate,
) -> Result<Handled, Error> {
    let (queue, mut handled) = (place.to_string(), Handled::default());
    let connected = link.consuming(&queue).await?;
    let alone = alone(&connected).await?;
    let channel = connected.channel(&queue).await?;
    let (mut left, mut is_first) = (most, true);
    while left > 0 {
        let get = channel.basic_get((&*queue).into(), BasicGetOptions::default());
        let Some(mut got) = within(&queue, get).await? else { break };
        left -= 1;
        if std::mem::take(&mut is_first) {
            // What goes back to work may be set aside again at once, and would be met for ever.
            left = left.min(usize::try_from(got.message_count).unwrap_or(usize::MAX));
        }
        let message = message(&mut got.delivery);
        match decide(&message) {
            Fate::Keep => {
                handled.kept += 1;
                continue;
            }
            Fate::Republish => {
                let afresh = Message { attempt: 0, reason: None, ..message };
                publish(link, WORK, place.name().as_str(), &afresh).await?;
                handled.republished += 1;
            }
            Fate::Drop => handled.dropped += 1,
        }
        got.delivery.acker.ack(BasicAckOptions::default()).await.map_err(|error| failed(&queue, &error))?;
    }
    if handled.kept > 0 {
        // A channel that is closed gives back what it holds some time after the answer that it is.
        let back = BasicNackOptions { multiple: true, requeue: true };
        channel.basic_nack(0, back).await.map_err(|error| failed(&queue, &error))?;
    }
    // Neither of these waits for an answer; closing does.
    within(&queue, channel.close(200, "done".into())).await?;
    if let Some(alone) = alone {
        within(LOCK, alone.channel.close(200, "done".into())).await?;
    }
    Ok(handled)
}

/// Others wait for as long as this is there.
struct Alone {
    channel: Channel,
    _consumer: lapin::Consumer,
}

/// Waits until no other program goes through shelves: each holds what it has looked at, and the other would not see that.
/// `None` where this user may not declare what others wait for.
async fn alone(connected: &Connected) -> Result<Option<Alone>, Error> {
    let began = Instant::now();
    loop {
        let channel = connected.channel(LOCK).await?;
        match connected.see_through(LOCK, lock(channel)).await? {
            Ok(alone) => return Ok(Some(alone)),
            Err(error) if is_anothers(&error) && began.elapsed() < OTHERS_TAKE => sleep(BETWEEN_TRIES).await,
            Err(error) if is_anothers(&error) => {
                let message = "another program goes through what is set aside: try again when it has ended";
                return Err(unavailable(LOCK, message));
            }
            Err(error) => {
                return match failed(LOCK, &error) {
                    Error { kind: ErrorKind::Denied, .. } => Ok(None),
                    error => Err(error),
                };
            }
        }
    }
}

/// Declares a queue that is this connection's alone, and gone with its consumer.
async fn lock(channel: Channel) -> lapin::Result<Alone> {
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(LOCK.into(), options, FieldTable::default()).await?;
    let options = BasicConsumeOptions::default();
    let consume = channel.basic_consume(LOCK.into(), ShortString::default(), options, FieldTable::default());
    let consumer = consume.await?;
    Ok(Alone { channel, _consumer: consumer })
}

use std::{
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use langflix_ports::queue::Error;
use lapin::{Channel, options::BasicAckOptions};
use tokio::{sync::oneshot, time::timeout};

use crate::failure::{failed, unavailable};

/// An acknowledgement that goes out alone wakes two threads, and has the broker send the next message alone, which wakes
/// three more.
const TOGETHER: usize = 8;
/// How long one waits for others.
const AT_LATEST: Duration = Duration::from_millis(10);

/// The acknowledgements of a channel: those of messages that are worked on at the same time go out together.
#[derive(Default)]
pub(crate) struct Acks {
    waiting: Mutex<Vec<Ack>>,
    /// Deliveries that are not settled yet.
    held: AtomicUsize,
}

struct Ack {
    tag: u64,
    sent: oneshot::Sender<Result<(), Error>>,
}

impl Acks {
    /// One more delivery is given out.
    pub(crate) fn hold(&self) {
        self.held.fetch_add(1, Ordering::Relaxed);
    }

    /// A delivery is settled, or dropped.
    pub(crate) fn let_go(&self) {
        self.held.fetch_sub(1, Ordering::Relaxed);
    }

    /// Acknowledges a delivery that is held.
    pub(crate) async fn ack(&self, channel: &Channel, queue: &str, tag: u64) -> Result<(), Error> {
        let (sent, mut is_sent) = oneshot::channel();
        let waiting = {
            let mut waiting = self.waiting();
            waiting.push(Ack { tag, sent });
            waiting.len()
        };
        // Where all that are held wait, no other comes.
        let others_come = waiting < self.held.load(Ordering::Relaxed).min(TOGETHER);
        let by_others = if others_come { timeout(AT_LATEST, &mut is_sent).await.ok() } else { None };
        let sent = match by_others {
            Some(sent) => sent,
            None => {
                self.send(channel, queue).await;
                is_sent.await
            }
        };
        sent.unwrap_or_else(|_| Err(unavailable(queue, "whoever was to acknowledge it was stopped")))
    }

    async fn send(&self, channel: &Channel, queue: &str) {
        let waiting = mem::take(&mut *self.waiting());
        let sending = waiting.into_iter().map(async |Ack { tag, sent }| {
            let ack = channel.basic_ack(tag, BasicAckOptions::default()).await;
            // Whoever does not wait any more finds out when the message comes again.
            let _told = sent.send(ack.map_err(|error| failed(queue, &error)));
        });
        join_all(sending).await;
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Ack>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

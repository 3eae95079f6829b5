//! Work that waits for whoever can do it.

use std::{fmt, time::Duration};

use async_trait::async_trait;

/// The queues of the fleet. Each has wait queues before it, and a `dead` and a `parked` queue behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Name {
    /// Episodes to plan.
    Episodes,
    /// Chunks that somebody waits for.
    AnalysisInteractive,
    /// Chunks of seasons.
    AnalysisBulk,
    /// Clips that somebody waits for.
    EncodingInteractive,
    /// Clips of seasons.
    EncodingBulk,
    /// What happened in a stage.
    Stages,
}

impl Name {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Episodes,
        Self::AnalysisInteractive,
        Self::AnalysisBulk,
        Self::EncodingInteractive,
        Self::EncodingBulk,
        Self::Stages,
    ];

    /// The name at the broker. A changed argument of a queue makes a new version of the name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Episodes => "episodes.v1",
            Self::AnalysisInteractive => "analysis.interactive.v1",
            Self::AnalysisBulk => "analysis.bulk.v1",
            Self::EncodingInteractive => "encoding.interactive.v1",
            Self::EncodingBulk => "encoding.bulk.v1",
            Self::Stages => "stages.v1",
        }
    }

    /// The queue of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is left of a work queue that a message went wrong in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shelf {
    /// Messages that the broker gave up: delivered too often.
    Dead,
    /// Messages that were set aside with a reason, for a person to look at.
    Parked,
}

impl Shelf {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Dead, Self::Parked];

    /// What a queue's name is followed by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Parked => "parked",
        }
    }
}

/// Where messages are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// A work queue.
    Work(Name),
    /// What is shelved behind one.
    Shelf(Name, Shelf),
}

impl Place {
    /// The work queue concerned.
    pub fn name(self) -> Name {
        match self {
            Self::Work(name) | Self::Shelf(name, _) => name,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work(name) => f.write_str(name.as_str()),
            Self::Shelf(name, shelf) => write!(f, "{name}.{}", shelf.as_str()),
        }
    }
}

/// A message and what travels beside its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The body as it was published.
    pub body: Vec<u8>,
    /// How often it was tried before; 0 at first.
    pub attempt: u32,
    /// Why it is where it is, where it is shelved.
    pub reason: Option<String>,
    /// The span that it belongs to, in the form of W3C's `traceparent`.
    pub trace: Option<String>,
}

impl Message {
    /// A message that was not tried before.
    pub fn new(body: Vec<u8>) -> Self {
        Self { body, ..Self::default() }
    }
}

/// Queues of a broker. Every adapter passes `langflix_testkit::queue::queue_contract`.
///
/// A message is delivered at least once, and again where its consumer is gone before it settled it.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Publishes to a work queue; when this returns, the message outlives a crash of the broker.
    ///
    /// # Errors
    /// See [`ErrorKind`]. The message may have arrived all the same.
    async fn publish(&self, to: Name, message: &Message) -> Result<(), Error>;

    /// Begins to take messages, of which at most `prefetch`, and at least one, are held unsettled.
    ///
    /// # Errors
    /// See [`ErrorKind`].
    async fn consume(&self, from: Place, prefetch: u16) -> Result<Box<dyn Consumer>, Error>;
}

/// Takes messages from one queue. Dropping it ends that; what was delivered may still be settled.
#[async_trait]
pub trait Consumer: Send {
    /// The next message; waits for it. Safe to drop while it waits: no message is lost by that.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where the connection or the channel is lost: consume anew. What was delivered
    /// before and is not settled comes again.
    async fn next(&mut self) -> Result<Delivery, Error>;

    /// Takes no more messages. Gives those that had come in and were not given out by [`Self::next`] yet.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`] where the connection is lost, which ends it as well.
    async fn cancel(self: Box<Self>) -> Result<Vec<Delivery>, Error>;
}

/// A message that waits to be settled, exactly once. Dropped unsettled, it comes again at once, and that counts towards
/// the deliveries after which the broker gives a message up.
#[must_use = "a delivery is settled, or comes again"]
pub struct Delivery {
    /// The message.
    pub message: Message,
    /// Whether it was delivered before and not settled: its work may be done already.
    pub redelivered: bool,
    /// How long ago it was published, by the clocks of both sides, where that is known.
    pub waited: Option<Duration>,
    settle: Box<dyn Settle>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("bytes", &self.message.body.len())
            .field("attempt", &self.message.attempt)
            .finish()
    }
}

impl Delivery {
    /// For adapters: a delivery of `message` that is settled by `settle`.
    pub fn new(message: Message, redelivered: bool, settle: Box<dyn Settle>) -> Self {
        Self { message, redelivered, waited: None, settle }
    }

    /// For adapters: the delivery of a message that was published so long ago.
    pub fn after(self, waited: Option<Duration>) -> Self {
        Self { waited, ..self }
    }

    /// The work is done.
    ///
    /// # Errors
    /// [`ErrorKind::Unavailable`]: the message comes again.
    pub async fn ack(self) -> Result<(), Error> {
        self.settle.settle(Settled::Done).await
    }

    /// The work failed and may succeed later: the message comes again after about `after`, its attempt counted.
    ///
    /// # Errors
    /// [`Error`]: the message comes again, its attempt perhaps not counted.
    pub async fn retry(self, after: Duration) -> Result<(), Error> {
        let message = Message { attempt: self.message.attempt.saturating_add(1), ..self.message };
        self.settle.settle(Settled::Later { message, after }).await
    }

    /// The work was not tried, and somebody else may take it: the message comes again soon, its attempt not counted.
    ///
    /// # Errors
    /// [`Error`]: the message comes again.
    pub async fn hand_back(self) -> Result<(), Error> {
        self.settle.settle(Settled::Later { message: self.message, after: Duration::ZERO }).await
    }

    /// The work will never succeed: the message is parked with the reason, for a person to look at.
    ///
    /// # Errors
    /// [`Error`]: the message comes again.
    pub async fn bury(self, why: &str) -> Result<(), Error> {
        let message = Message { reason: Some(why.to_owned()), ..self.message };
        self.settle.settle(Settled::Parked { message }).await
    }
}

/// How a delivery is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// Forgotten.
    Done,
    /// Published to the wait queue with the shortest wait that is not shorter than `after`, or else with the longest, and
    /// then forgotten.
    Later {
        /// The message as it comes again.
        message: Message,
        /// How long it waits.
        after: Duration,
    },
    /// Published to the parked queue, and then forgotten.
    Parked {
        /// The message with its reason.
        message: Message,
    },
}

/// An adapter's half of [`Delivery`].
#[async_trait]
pub trait Settle: Send + Sync {
    /// Settles. What is published is confirmed before the delivery is forgotten.
    ///
    /// # Errors
    /// [`Error`]: the delivery is not settled and comes again.
    async fn settle(self: Box<Self>, how: Settled) -> Result<(), Error>;
}

/// Why the queue failed.
#[derive(Debug, thiserror::Error)]
#[error("queue {queue}: {message}")]
pub struct Error {
    /// What sort of error.
    pub kind: ErrorKind,
    /// The queue concerned.
    pub queue: String,
    /// What happened and what to do, in one line, without any secret.
    pub message: String,
}

/// Sorts of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Not reached, connection lost, or the broker takes nothing now: try again.
    Unavailable,
    /// There is no such queue, or it has other properties than this version needs: somebody has to declare it.
    Missing,
    /// Not permitted, or wrong credentials.
    Denied,
}

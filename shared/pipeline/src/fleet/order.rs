//! What travels through the queues.

use langflix_domain::{Footage, Lane, RunId, Stage};
use langflix_ports::queue::{Message, Name};
use serde::{Deserialize, Serialize};

use crate::{AnalysisTask, EncodingTask};

/// The version of the messages that this program writes, the newest one that it reads.
const VERSION: u16 = 1;
/// The oldest one that is still read.
const OLDEST: u16 = 1;

/// What one message asks for: MessagePack with named fields, in an envelope that tells its version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Plan the chunks of a run, or go on where it stands.
    PlanEpisode {
        /// The run.
        run: RunId,
    },
    /// Analyse a chunk.
    AnalyseChunk(TaskOrder<AnalysisTask>),
    /// Encode a clip.
    EncodeClip(Box<TaskOrder<EncodingTask>>),
    /// Every task of a stage seems to have its outcome.
    StageDone {
        /// The run.
        run: RunId,
        /// The stage.
        stage: Stage,
    },
    /// Publish more tasks of a stage.
    Advance {
        /// The run.
        run: RunId,
        /// The stage.
        stage: Stage,
        /// Position in the plan of the first task that was not published yet.
        from: u32,
    },
    /// End a run: what has no outcome gets one that says so.
    Cancel {
        /// The run.
        run: RunId,
    },
}

/// One task of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskOrder<T> {
    /// The run.
    pub run: RunId,
    /// How many tasks the stage has in all.
    pub tasks: u32,
    /// The task.
    pub task: T,
    /// Where publishing goes on when this task has its outcome; `None` where another task sees to that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<u32>,
    /// What all clips of the stage are together, where they are clips: how a source is read depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub footage: Option<Footage>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    version: u16,
    order: &'a Order,
}

#[derive(Deserialize)]
#[serde(expecting = "a message of LangFlix")]
struct Head {
    version: u16,
}

#[derive(Deserialize)]
struct Body {
    order: Order,
}

/// Why a message cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not one of ours.
    #[error("the message cannot be read: {0}: `langflix dead drop` removes it")]
    Garbage(String),
    /// It was written by a newer program.
    #[error(
        "the message has version {found}, and this program reads up to {VERSION}: update this service, then `langflix dead retry`"
    )]
    Newer {
        /// Its version.
        found: u16,
    },
    /// It was written by an older program, and means nothing to this one any more.
    #[error(
        "the message has version {found}, and this program reads from {OLDEST} on: `langflix dead drop` it, and `langflix retry` its run"
    )]
    Older {
        /// Its version.
        found: u16,
    },
}

impl Order {
    /// The message that carries this, and the span that it belongs to, in the form of W3C's `traceparent`.
    ///
    /// # Errors
    /// Only if a field cannot be written as MessagePack, which none of these types can fail to.
    pub fn message(&self, trace: Option<&str>) -> Result<Message, Unreadable> {
        let envelope = Envelope { version: VERSION, order: self };
        let body = rmp_serde::to_vec_named(&envelope).map_err(|error| Unreadable::Garbage(error.to_string()))?;
        Ok(Message { trace: trace.map(str::to_owned), ..Message::new(body) })
    }

    /// Reads a message's body.
    ///
    /// # Errors
    /// [`Unreadable`], in words that tell an operator what to do.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        let garbage = |error: rmp_serde::decode::Error| Unreadable::Garbage(error.to_string());
        let Head { version } = rmp_serde::from_slice(body).map_err(garbage)?;
        if version > VERSION {
            return Err(Unreadable::Newer { found: version });
        }
        if version < OLDEST {
            return Err(Unreadable::Older { found: version });
        }
        rmp_serde::from_slice(body).map(|Body { order }| order).map_err(garbage)
    }

    /// The run concerned.
    pub fn run(&self) -> &RunId {
        match self {
            Self::PlanEpisode { run }
            | Self::StageDone { run, .. }
            | Self::Advance { run, .. }
            | Self::Cancel { run }
            | Self::AnalyseChunk(TaskOrder { run, .. }) => run,
            Self::EncodeClip(order) => &order.run,
        }
    }

    /// What people call it: `plan`, `chunk-0007`, `clip 1f2e3d4c`, `end of analysis`.
    pub fn label(&self) -> String {
        match self {
            Self::PlanEpisode { .. } => "plan".to_owned(),
            Self::AnalyseChunk(order) => order.task.id.to_string(),
            Self::EncodeClip(order) => format!("clip {}", order.task.id.as_str().get(..8).unwrap_or_default()),
            Self::StageDone { stage, .. } => format!("end of {}", stage.as_str()),
            Self::Advance { stage, .. } => format!("more of {}", stage.as_str()),
            Self::Cancel { .. } => "cancel".to_owned(),
        }
    }
}

/// The queue of a stage's tasks.
pub fn work_queue(stage: Stage, lane: Lane) -> Name {
    match (stage, lane) {
        (Stage::Analysis, Lane::Interactive) => Name::AnalysisInteractive,
        (Stage::Analysis, Lane::Bulk) => Name::AnalysisBulk,
        (Stage::Encoding, Lane::Interactive) => Name::EncodingInteractive,
        (Stage::Encoding, Lane::Bulk) => Name::EncodingBulk,
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::{Digest, EpisodeId};

    use super::*;

    fn run() -> RunId {
        RunId::new(&EpisodeId { show: "Show".to_owned(), season: 1, episode: 2 }, &Digest::of_bytes(b""))
    }

    #[test]
    fn an_order_comes_back_as_it_was_sent() {
        let orders = [
            Order::PlanEpisode { run: run() },
            Order::StageDone { run: run(), stage: Stage::Encoding },
            Order::Advance { run: run(), stage: Stage::Analysis, from: 21 },
            Order::Cancel { run: run() },
        ];
        for order in orders {
            assert_eq!(Order::read(&order.message(None).unwrap().body).unwrap(), order);
        }
    }

    #[test]
    fn a_field_of_a_later_program_is_passed_over() {
        #[derive(Serialize)]
        struct Later {
            version: u16,
            order: LaterOrder,
            colour: &'static str,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "snake_case")]
        enum LaterOrder {
            PlanEpisode { run: RunId, urgency: u8 },
        }
        let later = Later { version: 1, order: LaterOrder::PlanEpisode { run: run(), urgency: 3 }, colour: "red" };
        let body = rmp_serde::to_vec_named(&later).unwrap();
        assert_eq!(Order::read(&body).unwrap(), Order::PlanEpisode { run: run() });
    }

    #[test]
    fn another_version_is_refused_by_its_number_alone() {
        #[derive(Serialize)]
        struct Other {
            version: u16,
            something: &'static str,
        }
        let read = |version| {
            let body = rmp_serde::to_vec_named(&Other { version, something: "else" }).unwrap();
            Order::read(&body)
        };
        assert!(matches!(read(VERSION + 1), Err(Unreadable::Newer { found }) if found == VERSION + 1));
        assert!(matches!(read(OLDEST - 1), Err(Unreadable::Older { found }) if found == OLDEST - 1));
    }

    #[test]
    fn garbage_is_told_and_never_panics() {
        for body in [&b""[..], b"\xc1", b"hello", &[0xff; 64], &[0x81; 9]] {
            assert!(matches!(Order::read(body), Err(Unreadable::Garbage(_))), "{body:?}");
        }
    }
}

//! From when on something is short, and until when.

use std::{io, time::Duration};

use langflix_measures::Closed;
use tokio::time::Instant;

use super::{Room, Short, Usage};

/// Memory is short above the first, until it is below the second; above the third nothing is begun at all where the kernel
/// would end it. In percent.
pub(super) const SHORT: u64 = 80;
const ENOUGH: u64 = 70;
const ALL_BUT_GONE: u64 = 95;
/// How long others may hold memory while nothing runs here, until one task is begun all the same.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a clip takes at most while it is made, in bytes: a minute of 1080p at 8 Mbit/s, and its poster.
const CLIP: u64 = 64 << 20;

impl Room {
    /// Whether so many clips may be written there.
    pub fn holds(&self, clips: u64) -> bool {
        self.free >= self.clip().saturating_mul(clips)
    }

    /// What a clip may take: a small file system is for small ones.
    fn clip(&self) -> u64 {
        CLIP.min(self.size / 4)
    }
}

/// Whether memory is short.
#[derive(Debug, Default)]
pub(super) struct MemoryLimit {
    short: Option<(Instant, Short)>,
}

impl MemoryLimit {
    pub(super) fn short(&mut self, now: Instant, Usage { used, limit, enforced }: Usage) -> Option<Short> {
        let above = |percent: u64| u128::from(used) * 100 > u128::from(limit) * u128::from(percent);
        if !above(if self.short.is_some() { ENOUGH } else { SHORT }) {
            self.short = None;
            return None;
        }
        let since = self.short.as_ref().map_or(now, |(since, _)| *since);
        let most = u16::from(now >= since + PATIENCE && !(enforced && above(ALL_BUT_GONE)));
        // Its figures stay as they were: each new text would be one more line in the log.
        if self.short.as_ref().is_none_or(|(_, short)| short.most != most) {
            let takes = if most == 0 { "no new task" } else { "one task at a time" };
            let (used, limit) = (megabytes(used), megabytes(limit));
            let why = format!("memory: {used} of {limit} MB are used; {takes} is taken above {SHORT} %");
            self.short = Some((since, Short { most, closed: Closed::Memory, why }));
        }
        self.short.as_ref().map(|(_, short)| short.clone())
    }
}

/// Whether room is short.
#[derive(Debug, Default)]
pub(super) struct RoomLimit {
    short: Option<Short>,
}

impl RoomLimit {
    pub(super) fn short(&mut self, room: io::Result<Room>) -> Option<Short> {
        let why = match room {
            Err(error) => Some(format!("fleet.scratch_dir: {error}; no new clip is taken")),
            Ok(room) => (!room.holds(if self.short.is_some() { 2 } else { 1 })).then(|| {
                let (free, clip) = (megabytes(room.free), megabytes(room.clip()));
                format!("fleet.scratch_dir: {free} MB are free, and a clip may take {clip}; no new clip is taken")
            }),
        };
        match (why, &self.short) {
            (None, _) => self.short = None,
            // As of memory.
            (Some(_), Some(_)) => {}
            (Some(why), None) => self.short = Some(Short { most: 0, closed: Closed::Scratch, why }),
        }
        self.short.clone()
    }
}

/// Bytes as whole MB, with a comma after the thousands.
pub(super) fn megabytes(bytes: u64) -> String {
    let digits = (bytes / 1_000_000).to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

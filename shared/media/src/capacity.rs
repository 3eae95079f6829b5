//! How many clips are cut at once, and with how many threads each.

use std::{
    num::{NonZeroU8, NonZeroUsize},
    sync::{Arc, Mutex, PoisonError},
};

use langflix_domain::VideoCodec;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Above this, threads of one x264 encode wait for each other more than they help.
const MOST_THREADS: usize = 8;
/// Memory of one encode: what the program itself takes, and what each thread adds, in MB.
const PROCESS_MB: u64 = 100;
/// x264 keeps about this many frames of 1.5 bytes a pixel for looking ahead, each with its half-pixel planes.
const FRAMES: u64 = 100;
const FRAMES_A_THREAD: u64 = 8;

/// What a machine gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Processors that may be used.
    pub cores: NonZeroUsize,
    /// Memory that encoding may take, in MB.
    pub memory_mb: u64,
}

/// What the user asks for; 0 leaves it open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Clips that are cut at once; memory may allow fewer.
    pub slots: usize,
    /// Threads of each.
    pub threads: u8,
}

/// How a machine is shared out among clips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Clips that are cut at once.
    pub slots: NonZeroUsize,
    /// Threads of each.
    pub threads: NonZeroU8,
}

impl Machine {
    /// Shares the machine out among clips of `width` times `height` pixels. The same for every clip of a run, whatever
    /// else runs: threads are part of what names a clip.
    ///
    /// x264 keeps a core busy with one and a half threads, and with two also where a clip begins and ends. One clip gets as
    /// many as all cores take, up to eight, since its frames ahead are in memory once however many threads work on them;
    /// only where cores are left over do more clips run at once, as far as memory goes.
    pub fn share(self, codec: VideoCodec, asked: Asked, (width, height): (u32, u32)) -> Capacity {
        let [least, most] = [3, 4].map(|half_threads| self.cores.get().saturating_mul(half_threads).div_ceil(2));
        let given = usize::from(asked.threads).min(MOST_THREADS);
        let threads = match (given, codec) {
            (0, VideoCodec::Libx264) => most.div_ceil(asked.slots.max(least.div_ceil(MOST_THREADS))).min(MOST_THREADS),
            // The GPU encodes; the threads decode.
            (0, _) => self.cores.get().min(2),
            (given, _) => given,
        };
        let slots = match (asked.slots, codec) {
            (0, VideoCodec::Libx264) => least.div_ceil(threads),
            // An encode cannot use more than one of a GPU's engines, and the cheapest cards open two sessions.
            (0, _) => 2,
            (asked, _) => asked,
        };
        let slots = slots.min(usize::try_from(self.memory_mb / clip_mb(threads, width, height)).unwrap_or(usize::MAX));
        Capacity {
            slots: NonZeroUsize::new(slots).unwrap_or(NonZeroUsize::MIN),
            threads: u8::try_from(threads).ok().and_then(NonZeroU8::new).unwrap_or(NonZeroU8::MIN),
        }
    }
}

/// Memory of one encode, in MB; never 0.
fn clip_mb(threads: usize, width: u32, height: u32) -> u64 {
    let frame = u64::from(width) * u64::from(height) * 3 / 2;
    PROCESS_MB + frame * (FRAMES + FRAMES_A_THREAD * threads as u64) / 1_000_000
}

/// Lets so many clips be cut at once.
///
/// A clip's end leaves cores idle: it is encoded, and its file is only put in order, looked at and stored. So the next
/// one may begin before that; any earlier, and two encoders' frames would be in memory at once.
#[derive(Clone, Debug)]
pub struct Slots {
    free: Arc<Semaphore>,
    ending: Arc<Semaphore>,
}

/// One clip's place; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    place: Mutex<Place>,
    ending: Arc<Semaphore>,
}

#[derive(Debug)]
enum Place {
    Running(#[expect(dead_code, reason = "gives its place back when dropped")] OwnedSemaphorePermit),
    Ending(#[expect(dead_code, reason = "gives its place back when dropped")] OwnedSemaphorePermit),
}

impl Slots {
    /// `count` places.
    pub fn new(count: NonZeroUsize) -> Self {
        let places = || Arc::new(Semaphore::new(count.get().min(Semaphore::MAX_PERMITS)));
        Self { free: places(), ending: places() }
    }

    /// Waits for a place.
    pub async fn take(&self) -> Option<Slot> {
        let running = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(Slot { place: Mutex::new(Place::Running(running)), ending: Arc::clone(&self.ending) })
    }
}

impl Slot {
    /// Is told which part of a clip is encoded, 0 to 1, and lets the next one begin when all of it is.
    pub fn reached(&self, part: f32) {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*place, Place::Running(_))
            && part >= 1.0
            && let Ok(ending) = Arc::clone(&self.ending).try_acquire_owned()
        {
            *place = Place::Ending(ending);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL_HD: (u32, u32) = (1920, 1080);

    fn share(cores: usize, memory_mb: u64, threads: u8) -> (usize, u8) {
        let cores = NonZeroUsize::new(cores).unwrap();
        asking(cores, memory_mb, Asked { slots: 0, threads })
    }

    fn asking(cores: NonZeroUsize, memory_mb: u64, asked: Asked) -> (usize, u8) {
        let capacity = Machine { cores, memory_mb }.share(VideoCodec::Libx264, asked, FULL_HD);
        (capacity.slots.get(), capacity.threads.get())
    }

    #[test]
    fn one_clip_has_all_cores_up_to_eight_threads_and_more_clips_the_rest() {
        let shares: Vec<_> = [1, 2, 4, 6, 8, 16, 64].map(|cores| share(cores, 64_000, 0)).into();
        assert_eq!(shares, [(1, 2), (1, 4), (1, 8), (2, 6), (2, 8), (3, 8), (12, 8)]);
    }

    #[test]
    fn threads_asked_for_are_given_but_never_more_than_eight() {
        assert_eq!(share(4, 64_000, 2), (3, 2));
        assert_eq!(share(4, 64_000, 200), (1, 8));
    }

    #[test]
    fn clips_asked_for_share_the_cores_as_far_as_memory_goes() {
        let eight = NonZeroUsize::new(8).unwrap();
        assert_eq!(asking(eight, 64_000, Asked { slots: 4, threads: 0 }), (4, 4));
        assert_eq!(asking(eight, 64_000, Asked { slots: 64, threads: 0 }), (64, 1));
        assert_eq!(asking(eight, 1_000, Asked { slots: 64, threads: 0 }), (2, 1));
    }

    #[test]
    fn memory_bounds_the_clips_at_once_and_one_is_always_cut() {
        assert_eq!(share(64, 2_000, 0), (3, 8));
        assert_eq!(share(64, 10, 0), (1, 8));
    }

    #[tokio::test]
    async fn the_next_clip_begins_when_one_is_encoded_and_no_third_beside_them() {
        let slots = Slots::new(NonZeroUsize::MIN);
        let free = || slots.free.available_permits();
        let first = slots.take().await.unwrap();
        first.reached(0.995);
        assert_eq!(free(), 0);
        first.reached(1.0);
        first.reached(1.0);
        assert_eq!(free(), 1);
        let second = slots.take().await.unwrap();
        second.reached(1.0);
        assert_eq!(free(), 0, "the first one has not ended yet");
        drop(first);
        second.reached(1.0);
        assert_eq!(free(), 1);
    }
}

//! How quick one way of encoding is.

use std::{
    path::Path,
    sync::Mutex,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use langflix_domain::{ClipSpec, EncodedClip, MediaTime, Span};
use langflix_media::{Ffmpeg, Slot, Slots};
use langflix_ports::media::{ClipEncoder as _, Error, Source};

use super::{trials::Trial, usage};

/// How far a cut may move to reach silence, as for the clips of an episode.
const REACH: MediaTime = MediaTime::from_millis(300);

/// What clips are cut from, and how.
pub(super) struct Workbench<'a> {
    pub(super) ffmpeg: &'a Ffmpeg,
    pub(super) source: Source<'a>,
    pub(super) language: &'a str,
    /// The scenes, each of the same length.
    pub(super) scenes: Vec<Span>,
    pub(super) scratch: &'a Path,
    /// Clips are begun for so long.
    pub(super) lasting: Duration,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) clips: u32,
    /// From the first one's begin to the last one's end.
    pub(super) took: Duration,
    /// How long the clips are together.
    pub(super) encoded: MediaTime,
    pub(super) bytes: u64,
    /// CPU time of ffmpeg and ffprobe, where the system tells it.
    pub(super) cpu: Option<Duration>,
    /// The most memory that they had together.
    pub(super) peak: Option<u64>,
}

impl Measured {
    pub(super) fn clips_a_second(&self) -> f64 {
        f64::from(self.clips) / self.took.as_secs_f64()
    }

    /// Seconds of picture in a second.
    pub(super) fn speed(&self) -> f64 {
        self.minutes() * 60.0 / self.took.as_secs_f64()
    }

    pub(super) fn bytes_a_minute(&self) -> f64 {
        self.bytes as f64 / self.minutes()
    }

    pub(super) fn cpu_a_clip(&self) -> Option<f64> {
        self.cpu.map(|cpu| cpu.as_secs_f64() / f64::from(self.clips))
    }

    fn minutes(&self) -> f64 {
        self.encoded.as_millis() as f64 / 60_000.0
    }
}

/// Why there is no measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unmeasured {
    /// No clip came to its end within the time.
    TooSlow,
    /// It failed, for this reason.
    Failed(String),
}

/// A clip, and when it was done.
type Done = (EncodedClip, Duration);

impl Workbench<'_> {
    /// Encodes clips for a while, and lets those end that were begun, all within `limit`.
    pub(super) async fn measure(&self, trial: &Trial, limit: Duration) -> Result<Measured, Unmeasured> {
        let (began, before) = (Instant::now(), usage::cpu());
        let peak = Mutex::new(None);
        let done = tokio::select! {
            done = self.encode(trial, began, limit) => done,
            () = watch(&peak) => Ok((Vec::new(), false)),
        };
        let (done, all) = done.map_err(|error| Unmeasured::Failed(error.message))?;
        let Some((_, took)) = done.last() else { return Err(Unmeasured::TooSlow) };
        // What clips took that did not come to their end says nothing.
        let cpu = usage::cpu().filter(|_| all).zip(before).map(|(after, before)| after.saturating_sub(before));
        let lengths = done.iter().map(|(clip, _)| clip.bounds.duration());
        Ok(Measured {
            clips: u32::try_from(done.len()).unwrap_or(u32::MAX),
            took: *took,
            encoded: lengths.fold(MediaTime::ZERO, |sum, length| sum + length),
            bytes: done.iter().filter_map(|(clip, _)| Some(clip.blobs.get("clip.mp4")?.bytes)).sum(),
            cpu,
            peak: peak.into_inner().unwrap_or_default(),
        })
    }

    /// The clips that came to their end, each with the time until then, and whether all did.
    async fn encode(&self, trial: &Trial, began: Instant, limit: Duration) -> Result<(Vec<Done>, bool), Error> {
        let (slots, limit) = (Slots::new(trial.slots), tokio::time::Instant::from_std(began + limit));
        let (mut running, mut begun, mut done) = (FuturesUnordered::new(), 0, Vec::new());
        loop {
            // At least one in each place: fewer would say nothing of so many at once.
            let more = begun < trial.slots.get() || began.elapsed() < self.lasting;
            if !more && running.is_empty() {
                return Ok((done, true));
            }
            tokio::select! {
                Some(slot) = slots.take(), if more => {
                    running.push(self.one(trial, begun, slot));
                    begun += 1;
                }
                Some(clip) = running.next(), if !running.is_empty() => done.push((clip?, began.elapsed())),
                () = tokio::time::sleep_until(limit) => return Ok((done, false)),
            }
        }
    }

    async fn one(&self, trial: &Trial, number: usize, slot: Slot) -> Result<EncodedClip, Error> {
        let scene = self.scenes.iter().cycle().nth(number).copied().unwrap_or(Span::from_millis(0, 0));
        let within = |time: MediaTime| time.max(MediaTime::ZERO).min(self.source.info.duration);
        let spec = ClipSpec {
            source: String::new(),
            scene,
            bounds: Span { start: within(scene.start - REACH), end: within(scene.end + REACH) },
            audio_language: Some(self.language.to_owned()),
            encode: trial.encode.clone(),
            burn: None,
        };
        let unusable = |error: std::io::Error| Error {
            kind: langflix_domain::FailureKind::Store,
            transient: false,
            fault: None,
            message: format!("{}: {error}", self.scratch.display()),
        };
        let dir = tempfile::tempdir_in(self.scratch).map_err(unusable)?;
        self.ffmpeg.encode(self.source, &spec, dir.path(), &|part| slot.reached(part)).await
    }
}

/// Keeps the most memory that was seen. Never ends.
async fn watch(peak: &Mutex<Option<u64>>) {
    loop {
        tokio::time::sleep(usage::BETWEEN_LOOKS).await;
        if let Ok(mut peak) = peak.lock() {
            *peak = (*peak).max(usage::memory());
        }
    }
}

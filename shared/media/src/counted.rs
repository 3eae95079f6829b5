use std::{
    path::Path,
    sync::OnceLock,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use langflix_domain::{ClipSpec, EncodedClip};
use langflix_measures::{CLIP_RATE, CLIP_SECONDS, Ended, Operation};
use langflix_ports::media::{ClipEncoder, Error, Source};

/// Counts and times the clips of an encoder.
pub struct Counted<E> {
    inner: E,
}

impl<E: ClipEncoder> Counted<E> {
    /// Wraps `inner`.
    pub fn new(inner: E) -> Self {
        Self { inner }
    }
}

#[async_trait]
impl<E: ClipEncoder> ClipEncoder for Counted<E> {
    async fn encode(
        &self,
        source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        let (began, first) = (Instant::now(), OnceLock::new());
        let seen = |fraction: f32| {
            if fraction > 0.0 {
                first.get_or_init(|| began.elapsed());
            }
            progress(fraction);
        };
        let encoded = Operation::Encode.time(self.inner.encode(source, spec, dir, &seen)).await;
        let took = began.elapsed();
        if let Some(first) = first.get() {
            Operation::Seek.took(*first, Ended::Ok);
        }
        if let Ok(clip) = &encoded {
            tell(clip, source.info.video.frame_rate, took);
        }
        encoded
    }
}

fn tell(clip: &EncodedClip, (frames, seconds): (u32, u32), took: Duration) {
    let length = Duration::from_millis(clip.bounds.duration().as_millis().unsigned_abs());
    CLIP_SECONDS.took((clip.encoder,), length);
    let rate = f64::from(frames) / f64::from(seconds.max(1));
    let frames_per_second = length.as_secs_f64() * rate / took.as_secs_f64();
    if frames_per_second.is_finite() {
        CLIP_RATE.record((clip.encoder,), frames_per_second);
    }
}

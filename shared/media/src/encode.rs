use std::{collections::BTreeMap, path::Path, time::Duration};

use async_trait::async_trait;
use langflix_domain::{Blob, ClipSpec, Digest, EncodedClip, FailureKind, MediaInfo, MediaTime, Span, VideoCodec};
use langflix_ports::media::{ClipEncoder, Error, MediaProbe as _, Source};

use crate::{
    args,
    runner::{self, Ffmpeg, Limits, permanent},
    silence,
};

/// Half of RabbitMQ's default consumer timeout: no clip may take longer anywhere.
const ENCODE: Limits = Limits { total: Duration::from_secs(15 * 60), stall: Duration::from_secs(60) };
const SHORT: Limits = Limits { total: Duration::from_secs(60), stall: Duration::from_secs(60) };

/// Whether `codec` works here, found by encoding one frame.
///
/// # Errors
/// What ffmpeg says against it.
pub async fn usable(ffmpeg: &Ffmpeg, codec: VideoCodec) -> Result<(), Error> {
    let args =
        ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "color=c=black:s=512x512:d=1:r=30", "-frames:v", "1", "-c:v"];
    let mut args: Vec<_> = args.map(Into::into).into();
    args.extend([codec.as_str().into(), "-f".into(), "null".into(), "-".into()]);
    let tried = runner::run(&ffmpeg.ffmpeg, &args, None, &SHORT, None).await;
    tried.map(|_| ()).map_err(|error| Error {
        message: format!("{} cannot be used here ({}): give another video.codec", codec.as_str(), error.message),
        kind: FailureKind::Encoder,
        ..error
    })
}

#[async_trait]
impl ClipEncoder for Ffmpeg {
    async fn encode(
        &self,
        source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(MediaTime) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        let info = source.info;
        let bounds = self.bounds(source.location, spec, info).await;
        let stored = |error: std::io::Error| permanent(FailureKind::Store, format!("{}: {error}", dir.display()));
        let burn = dir.join(args::BURN_FILE);
        if let Some(script) = &spec.burn {
            tokio::fs::write(&burn, script).await.map_err(stored)?;
        }
        let source = absolute(source.location)?;
        runner::run(&self.ffmpeg, &args::cut(&source, spec, info, bounds), Some(dir), &ENCODE, Some(progress)).await?;
        if spec.burn.is_some() {
            tokio::fs::remove_file(&burn).await.map_err(stored)?;
        }
        let middle = MediaTime::from_millis((spec.scene.start.as_millis() + spec.scene.end.as_millis()) / 2);
        runner::run(&self.ffmpeg, &args::poster(&source, spec, info, middle), Some(dir), &SHORT, None).await?;
        let made = self.verified(&dir.join("clip.mp4"), bounds, info).await?;
        let mut blobs = BTreeMap::new();
        for name in ["clip.mp4", "poster.jpg"] {
            let content = tokio::fs::read(dir.join(name)).await.map_err(stored)?;
            blobs.insert(name.to_owned(), Blob { sha256: Digest::of_bytes(&content), bytes: content.len() as u64 });
        }
        Ok(EncodedClip {
            bounds,
            width: made.video.width,
            height: made.video.height,
            has_audio: !made.audio.is_empty(),
            blobs,
        })
    }
}

impl Ffmpeg {
    /// Where to cut. Without a sound track, or where it cannot be read, the scene's own bounds stand.
    async fn bounds(&self, source: &str, spec: &ClipSpec, info: &MediaInfo) -> Span {
        let Some(track) = args::audio_track(info, spec.audio_language.as_deref()) else { return spec.scene };
        let mut silences = Vec::new();
        let stretches = [
            Span { start: spec.bounds.start, end: spec.scene.start },
            Span { start: spec.scene.end, end: spec.bounds.end },
        ];
        for stretch in stretches.into_iter().filter(|stretch| stretch.duration() > MediaTime::ZERO) {
            let args = args::silences(source, track.index, stretch);
            if let Ok(output) = runner::run(&self.ffmpeg, &args, None, &SHORT, None).await {
                silences.extend(silence::read(&output.stderr, stretch.start, stretch.end));
            }
        }
        silence::bounds(spec.scene, spec.bounds, &silences)
    }

    /// Probes what was made: the right length, to within two frames, and a picture.
    async fn verified(&self, clip: &Path, bounds: Span, source: &MediaInfo) -> Result<MediaInfo, Error> {
        let made = self.probe(&clip.to_string_lossy()).await?;
        let (frames, per) = source.video.frame_rate;
        let slack = (2000 * i64::from(per) / i64::from(frames)).max(100);
        let off = (made.duration - bounds.duration()).as_millis().abs();
        if off > slack {
            return Err(permanent(
                FailureKind::Input,
                format!(
                    "the clip came out {} long instead of {}: the source cannot be read to {}; is it cut off?",
                    made.duration,
                    bounds.duration(),
                    bounds.end
                ),
            ));
        }
        Ok(made)
    }
}

/// ffmpeg runs in the clip's folder, so the source's path must not depend on ours.
fn absolute(source: &str) -> Result<String, Error> {
    let path =
        std::path::absolute(source).map_err(|error| permanent(FailureKind::Input, format!("{source}: {error}")))?;
    Ok(path.to_string_lossy().into_owned())
}

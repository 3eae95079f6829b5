use std::{path::Path, sync::Arc, time::Instant};

use async_trait::async_trait;
use langflix_domain::{ClipSpec, EncodedClip, FailureKind, Load, VideoCodec};
use langflix_media::{Ffmpeg, Prepared, in_software};
use langflix_ports::media::{ClipEncoder, EncoderFault, Error, Source};
use langflix_runtime::config::Fallback;

use super::{
    desk::{Desk, Encodes, OnGpu},
    measures,
    place::Place,
};

/// Encodes each clip with what its spec asks for, and in software where that cannot and the configuration lets it.
pub struct Encoders {
    desk: Arc<Desk>,
    ffmpeg: Ffmpeg,
    fallback: Fallback,
}

/// A clip to encode.
#[derive(Clone, Copy)]
struct Clip<'a> {
    prepared: &'a Prepared<'a>,
    spec: &'a ClipSpec,
    dir: &'a Path,
    progress: &'a (dyn Fn(f32) + Send + Sync),
}

impl Encoders {
    /// Clips of `ffmpeg`, on the GPU as far as `desk` admits them.
    pub fn new(desk: Arc<Desk>, ffmpeg: Ffmpeg, fallback: Fallback) -> Self {
        Self { desk, ffmpeg, fallback }
    }

    async fn on_gpu(&self, clip: Clip<'_>, load: Load) -> Result<EncodedClip, Error> {
        let (OnGpu { uuid, lookahead }, place) = match self.desk.encodes(load).await? {
            Encodes::Gpu(gpu, place) => (gpu, place),
            Encodes::Software(state, place) => return self.instead(clip, place, state.name()).await,
        };
        let ffmpeg = self.ffmpeg.clone().on_gpu(&uuid).with_lookahead(lookahead);
        let encoded = finish(&ffmpeg, clip, place).await;
        if let Err(Error { fault: Some(fault), message, .. }) = &encoded {
            self.desk.failed(*fault, message);
        }
        self.or_instead(clip, encoded).await
    }

    /// What an encode came to, and where the device or the input was at fault, the same in software. An encoder that is
    /// only full is left to be waited for.
    async fn or_instead(&self, clip: Clip<'_>, encoded: Result<EncodedClip, Error>) -> Result<EncodedClip, Error> {
        use EncoderFault as Fault;
        let reason = match (&encoded, self.fallback) {
            (Err(Error { fault: Some(Fault::NoSession | Fault::OutOfMemory), .. }), _) | (_, Fallback::None) => None,
            (Err(Error { fault: Some(fault), message, .. }), Fallback::Software) => {
                tracing::info!(why = message, "the clip is encoded in software");
                Some(fault.name())
            }
            _ => None,
        };
        let Some(reason) = reason else { return encoded };
        empty(clip.dir).await?;
        self.instead(clip, self.desk.in_software()?, reason).await
    }

    async fn instead(&self, clip: Clip<'_>, place: Place, reason: &'static str) -> Result<EncodedClip, Error> {
        let spec = ClipSpec { encode: in_software(&clip.spec.encode), ..clip.spec.clone() };
        let encoded = finish(&self.ffmpeg, Clip { spec: &spec, ..clip }, place).await?;
        measures::fallback(reason);
        Ok(encoded)
    }
}

#[async_trait]
impl ClipEncoder for Encoders {
    async fn encode(
        &self,
        source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        let began = Instant::now();
        let prepared = self.ffmpeg.prepare(source, spec).await?;
        self.desk.found(began.elapsed());
        let clip = Clip { prepared: &prepared, spec, dir, progress };
        match spec.encode.codec {
            VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => self.on_gpu(clip, Load::of(&source.info.video)).await,
            VideoCodec::Libx264 => finish(&self.ffmpeg, clip, self.desk.in_software()?).await,
            VideoCodec::H264Qsv | VideoCodec::H264Vaapi => {
                let encoded = finish(&self.ffmpeg, clip, self.desk.in_software()?).await;
                self.or_instead(clip, encoded).await
            }
        }
    }
}

/// Encodes a clip at its place.
async fn finish(ffmpeg: &Ffmpeg, clip: Clip<'_>, place: Place) -> Result<EncodedClip, Error> {
    let Clip { prepared, spec, dir, progress } = clip;
    let told = |part| {
        place.reached(part);
        progress(part);
    };
    ffmpeg.finish(prepared, spec, dir, &told).await
}

/// Removes what an encode left behind that failed.
async fn empty(dir: &Path) -> Result<(), Error> {
    let gone = async {
        let mut files = tokio::fs::read_dir(dir).await?;
        while let Some(file) = files.next_entry().await? {
            tokio::fs::remove_file(file.path()).await?;
        }
        Ok::<_, std::io::Error>(())
    };
    let message = |error| format!("{}: {error}", dir.display());
    gone.await.map_err(|error| Error {
        kind: FailureKind::Store,
        transient: false,
        fault: None,
        message: message(error),
    })
}

use std::{
    collections::BTreeMap,
    io,
    num::NonZeroU8,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use langflix_domain::{
    AudioStream, Blob, ClipSpec, CutMethod, Digest, EncodeSpec, EncodedClip, FailureKind, MediaTime, Quality, Span,
    VideoCodec,
};
use langflix_ports::media::{ClipEncoder, EncoderFault, Error, Source};

use crate::{
    args::{self, Job},
    audio,
    decode::Decoder,
    encoders,
    failure::{self, failed},
    filters,
    loudness::Loudness,
    probe, quality, remote,
    runner::{self, Ffmpeg, Limits},
    silence,
};

/// What ffmpeg calls its version, such as `5.1.9-0+deb12u1`.
///
/// # Errors
/// Where it does not start or says nothing.
pub async fn version(ffmpeg: &Ffmpeg) -> Result<String, Error> {
    let limits = Limits { memory: None, ..Limits::SHORT };
    let said = runner::run(&ffmpeg.ffmpeg, &["-version".into()], None, &limits, None).await?.stdout;
    let said = String::from_utf8_lossy(&said);
    // "ffmpeg version 5.1.9-0+deb12u1 Copyright (c) …"
    let version = said.split_whitespace().nth(2).map(|version| version.chars().take(60).collect());
    version.ok_or_else(|| failed(FailureKind::Encoder, "ffmpeg does not say which version it is".to_owned()))
}

/// Whether `codec` works here, found by encoding one frame with the arguments of a clip.
///
/// # Errors
/// What ffmpeg says against it.
pub async fn usable(ffmpeg: &Ffmpeg, codec: VideoCodec) -> Result<(), Error> {
    let (preset, crf) = quality::settings(codec, Quality::default());
    let encode = EncodeSpec {
        codec,
        method: CutMethod::Reencode,
        preset: preset.to_owned(),
        crf,
        threads: NonZeroU8::MIN,
        normalize_loudness: false,
    };
    let args = encoders::trial(&encode, &ffmpeg.hardware);
    let limits = Limits { memory: None, ..Limits::SHORT };
    let tried = runner::run(&ffmpeg.ffmpeg, &args, None, &limits, None).await;
    tried.map(|_| ()).map_err(|error| Error {
        message: format!("{} cannot be used here: {}", codec.as_str(), error.message),
        kind: FailureKind::Encoder,
        // An encoder that does not take the plainest of pictures takes none.
        fault: error.fault.map(|fault| if fault == EncoderFault::Input { EncoderFault::NoEncoder } else { fault }),
        ..error
    })
}

/// 1024 samples at 48 kHz, rounded up: AAC has no shorter ones, and the last is filled with silence.
const SOUND_FRAME_MS: i64 = 22;

/// A frame of the clip, rounded up.
fn frame_ms(job: &Job<'_>) -> i64 {
    let (frames, per) = filters::rate(&job.info.video);
    (1000 * i64::from(per)).div_euclid(i64::from(frames)) + 1
}

/// Which part of a clip is encoded.
fn part(done: MediaTime, length: MediaTime) -> f32 {
    if done >= length { 1.0 } else { done.as_millis().max(0) as f32 / length.as_millis() as f32 }
}

/// A clip that is found in its source: all but the encoder's work. There is no `Debug`, as there is none for a source.
pub struct Prepared<'a> {
    source: Source<'a>,
    /// The source's absolute path, or its URL.
    path: String,
    audio: Option<&'a AudioStream>,
    bounds: Span,
    lead: MediaTime,
    loudness: Option<Loudness>,
}

#[async_trait]
impl ClipEncoder for Ffmpeg {
    async fn encode(
        &self,
        source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        self.finish(&self.prepare(source, spec).await?, spec, dir, progress).await
    }
}

impl Ffmpeg {
    /// Finds the clip of `spec` in `source`: bounds, keyframe and loudness. The first half of an encode, which needs no
    /// session of an encoder.
    ///
    /// # Errors
    /// As [`ClipEncoder::encode`].
    pub async fn prepare<'a>(&self, source: Source<'a>, spec: &ClipSpec) -> Result<Prepared<'a>, Error> {
        let Source { location, info } = source;
        let path = absolute(location)?;
        let audio = audio::track(info, spec.audio_language.as_deref());
        let bounds = match audio {
            Some(track) => self.bounds(&path, spec, track.index).await?,
            None => spec.scene,
        };
        let lead = self.lead(&path, &spec.source, info, bounds.start).await?;
        let mut prepared = Prepared { source, path, audio, bounds, lead, loudness: None };
        if let Some(track) = audio.filter(|_| spec.encode.normalize_loudness) {
            prepared.loudness = self.loudness(&self.job(&prepared, spec), track.index).await?;
        }
        Ok(prepared)
    }

    /// Encodes the clip of `spec`, which was found before, into the empty folder `dir`. The second half of an encode;
    /// `spec` may name another encoder than the one at the first.
    ///
    /// # Errors
    /// As [`ClipEncoder::encode`].
    pub async fn finish(
        &self,
        prepared: &Prepared<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        let mut job = self.job(prepared, spec);
        let location = remote::shown(prepared.source.location);
        let mut cut = self.cut_whole(location, &job, dir, progress).await;
        if job.decoder == Decoder::Cuda && cut.as_ref().is_err_and(is_of_the_picture) {
            job.decoder = Decoder::Cpu;
            cut = self.cut_whole(location, &job, dir, progress).await;
        }
        let (width, height) = cut?;
        let mut blobs = BTreeMap::new();
        for name in [args::CLIP, args::POSTER] {
            blobs.insert(name.to_owned(), blob(dir.join(name)).await?);
        }
        let (encoder, bounds) = (spec.encode.codec, job.bounds);
        Ok(EncodedClip { encoder, bounds, width, height, has_audio: job.audio.is_some(), blobs })
    }

    fn job<'a>(&'a self, prepared: &'a Prepared<'_>, spec: &'a ClipSpec) -> Job<'a> {
        let Prepared { source, path, audio, bounds, lead, loudness } = prepared;
        let (bounds, lead, loudness) = (*bounds, *lead, *loudness);
        let decoder = Decoder::of(&source.info.video, spec);
        let (source, info) = (self.input(path), source.info);
        Job { source, spec, info, audio: *audio, bounds, lead, loudness, decoder, hardware: &self.hardware }
    }
}

/// ffmpeg runs in the clip's folder, so the source's path must not depend on ours.
fn absolute(location: &str) -> Result<String, Error> {
    if remote::is_url(location) {
        return Ok(location.to_owned());
    }
    let path = std::path::absolute(location);
    let path = path.map_err(|error| failed(FailureKind::Input, format!("{location}: {error}")))?;
    Ok(path.to_string_lossy().into_owned())
}

/// Names the source in what went wrong with it.
fn at(location: &str, error: Error) -> Error {
    match error.kind {
        FailureKind::Input | FailureKind::TimedOut => {
            Error { message: format!("{location}: {}", error.message), ..error }
        }
        _ => error,
    }
}

/// Whether an encode failed by what was decoded or how: GPUs differ in what they decode, and some files only the processor
/// makes something of.
fn is_of_the_picture(error: &Error) -> bool {
    let device = error.fault.is_some_and(EncoderFault::is_of_device);
    !device && !error.transient && matches!(error.kind, FailureKind::Encoder | FailureKind::Input)
}

fn stored(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    |error| failed(FailureKind::Store, format!("{}: {error}", path.display()))
}

async fn blob(path: PathBuf) -> Result<Blob, Error> {
    let content = tokio::fs::read(&path).await.map_err(stored(&path))?;
    let bytes = content.len() as u64;
    // Some megabytes take long enough to hold up whatever else this thread would do.
    let sha256 = tokio::task::spawn_blocking(move || Digest::of_bytes(&content)).await;
    let sha256 = sha256.map_err(|error| stored(&path)(io::Error::other(error)))?;
    Ok(Blob { sha256, bytes })
}

impl Ffmpeg {
    /// Where to cut. Where the sound cannot be read the scene's own bounds stand.
    ///
    /// # Errors
    /// What may pass: the bounds must not depend on it.
    async fn bounds(&self, source: &str, spec: &ClipSpec, track: u32) -> Result<Span, Error> {
        let mut silences = Vec::new();
        let stretches = [
            Span { start: spec.bounds.start, end: spec.scene.start },
            Span { start: spec.scene.end, end: spec.bounds.end },
        ];
        for stretch in stretches.into_iter().filter(|stretch| stretch.duration() > MediaTime::ZERO) {
            let args = args::silences(self.input(source), track, stretch);
            match runner::run(&self.ffmpeg, &args, None, &Limits::SHORT, None).await {
                Ok(output) => silences.extend(silence::read(&output.stderr, stretch.start, stretch.end)),
                Err(error) if error.transient => return Err(error),
                Err(_) => {}
            }
        }
        Ok(silence::bounds(spec.scene, spec.bounds, &silences))
    }

    async fn loudness(&self, job: &Job<'_>, track: u32) -> Result<Option<Loudness>, Error> {
        let args = args::loudness(job, track);
        let output = runner::run(&self.ffmpeg, &args, None, &Limits::LONG, None).await?;
        Ok(Loudness::read(&output.stderr))
    }

    /// Cuts the clip and looks at it. Gives width and height.
    async fn cut_whole(
        &self,
        location: &str,
        job: &Job<'_>,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<(u32, u32), Error> {
        self.cut(job, dir, progress).await.map_err(|error| at(location, error))?;
        self.verified(location, dir, job).await
    }

    async fn cut(&self, job: &Job<'_>, dir: &Path, progress: &(dyn Fn(f32) + Send + Sync)) -> Result<(), Error> {
        let burn = dir.join(args::BURN_FILE);
        if let Some(script) = &job.spec.burn {
            tokio::fs::write(&burn, script).await.map_err(stored(&burn))?;
        }
        let software = job.spec.encode.codec == VideoCodec::Libx264 && job.decoder == Decoder::Cpu;
        let memory = Limits::ENCODE.memory.filter(|_| software);
        let limits = Limits { stall: self.stall, memory, ..Limits::ENCODE };
        let tell = |done| progress(part(done, job.length()));
        let ran = runner::run(&self.ffmpeg, &args::cut(job), Some(dir), &limits, Some(&tell)).await?;
        // ffmpeg 5 ends well although what it wrote last, the index, found no room.
        if let Some(error) = failure::full(&ran.stderr) {
            return Err(error);
        }
        if job.spec.burn.is_some() {
            tokio::fs::remove_file(&burn).await.map_err(stored(&burn))?;
        }
        Ok(())
    }

    /// Probes what was made: the picture and the sound that were asked for, each as long as the bounds to within one
    /// frame of its own. Gives width and height.
    async fn verified(&self, location: &str, dir: &Path, job: &Job<'_>) -> Result<(u32, u32), Error> {
        let wanted = job.bounds.duration();
        let fits = |length: MediaTime, frame: i64| (length - wanted).as_millis().abs() <= frame;
        let made = probe::made(self, &dir.join(args::CLIP)).await.ok();
        let whole = made.as_ref().and_then(|made| {
            let picture = made.picture?;
            let poster = dir.join(args::POSTER).exists();
            let sound = match made.sound {
                Some(length) => job.audio.is_some() && fits(length, SOUND_FRAME_MS),
                None => job.audio.is_none(),
            };
            (fits(picture, frame_ms(job)) && sound && poster).then_some((made.width, made.height))
        });
        whole.ok_or_else(|| {
            let length = made.and_then(|made| made.picture).unwrap_or_default();
            let Span { start, end } = job.bounds;
            let message = match length > wanted {
                true => {
                    format!("{location}: {start} to {end} came out as {length}, or its sound did not come out right")
                }
                false => {
                    format!(
                        "{location}: of {start} to {end} only {length} could be read: is the file damaged or cut off?"
                    )
                }
            };
            failed(FailureKind::Input, message)
        })
    }
}

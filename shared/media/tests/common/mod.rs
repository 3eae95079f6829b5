//! What the tests against the real ffmpeg share.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::{
    env,
    num::NonZeroU8,
    path::{Path, PathBuf},
};

use langflix_domain::{ClipSpec, CutMethod, EncodeSpec, EncodedClip, MediaInfo, Span, VideoCodec};
use langflix_media::Ffmpeg;
use langflix_ports::media::{ClipEncoder as _, Error, MediaProbe as _, Source};
use langflix_testkit::video::{self, Clip, Recipe};

pub(crate) fn ffmpeg() -> Ffmpeg {
    Ffmpeg::locate(env::var_os("PATH").as_deref()).unwrap()
}

/// The synthetic source, built once for all test programs.
pub(crate) fn source(recipe: &Recipe) -> PathBuf {
    video::build(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("videos"), recipe)
}

pub(crate) fn spec(source: &Path, scene: Span) -> ClipSpec {
    let encode = EncodeSpec {
        codec: VideoCodec::Libx264,
        method: CutMethod::Reencode,
        preset: "veryfast".to_owned(),
        crf: 23,
        threads: NonZeroU8::MIN,
        normalize_loudness: false,
    };
    ClipSpec {
        source: source.to_string_lossy().into_owned(),
        scene,
        bounds: scene,
        audio_language: None,
        encode,
        burn: None,
    }
}

/// A clip, cut and decoded.
pub(crate) struct Cut {
    pub(crate) info: MediaInfo,
    pub(crate) made: EncodedClip,
    pub(crate) read: Clip,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) async fn cut(source: &Path, spec: &ClipSpec) -> Result<Cut, Error> {
    let (ffmpeg, location) = (ffmpeg(), source.to_string_lossy());
    let info = ffmpeg.probe(&location).await?;
    let dir = tempfile::tempdir().unwrap();
    let made = ffmpeg.encode(Source { location: &location, info: &info }, spec, dir.path(), &|_| ()).await?;
    let read = Clip::read(dir.path(), "clip.mp4").unwrap();
    Ok(Cut { info, made, read, dir })
}

/// When the picture's first frame stands on the timeline, in seconds.
pub(crate) fn first_frame(source: &Path, info: &MediaInfo) -> f64 {
    let first = |what: &[&str]| -> f64 {
        let args: Vec<&str> = what.iter().copied().chain(["-of", "csv=p=0", source.to_str().unwrap()]).collect();
        let said = video::ffprobe(Path::new("/"), &args).unwrap();
        said.lines().find_map(|line| line.trim_end_matches(',').parse().ok()).unwrap()
    };
    let shown = "frame=best_effort_timestamp_time";
    let index = info.video.index.to_string();
    first(&["-select_streams", &index, "-read_intervals", "%+#4", "-show_entries", shown])
        - first(&["-show_entries", "format=start_time"])
}

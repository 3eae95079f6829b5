//! What clips are cut from.

use std::{path::Path, time::Duration};

use anyhow::bail;
use langflix_domain::{MediaInfo, MediaTime, Span};
use langflix_media::{Ffmpeg, Sample};
use langflix_ports::media::Source;
use langflix_runtime::config::Config;

use super::{measure::Workbench, told::Told};
use crate::run::prepare::{OnDisk, Video, Videos as _, file_name};

/// The film that is made where none is given.
const SAMPLE: Sample = Sample { size: (1920, 1080), seconds: 12 };
/// Scenes are taken from so many places of the source.
const PLACES: i64 = 6;
/// A source must be this long: a second around the clip and a second of clip.
const SHORTEST: MediaTime = MediaTime::from_secs(2);

/// The video that clips are cut from, and what it is called.
pub(super) async fn open(
    ffmpeg: &Ffmpeg,
    given: Option<&Path>,
    scratch: &Path,
    told: &Told,
) -> anyhow::Result<(Video, String)> {
    let videos = OnDisk { media: ffmpeg, cache: None };
    if let Some(path) = given {
        return Ok((videos.open(path).await?, file_name(path)));
    }
    told.doing("making a film to cut from".to_owned());
    let path = scratch.join("sample.mkv");
    ffmpeg.make_sample(SAMPLE, &path).await?;
    Ok((videos.open(&path).await?, "a made-up film".to_owned()))
}

pub(super) fn workbench<'a>(
    ffmpeg: &'a Ffmpeg,
    video: &'a Video,
    config: &'a Config,
    scratch: &'a Path,
    clip: MediaTime,
    lasting: Duration,
) -> anyhow::Result<Workbench<'a>> {
    let duration = video.info.duration;
    if duration < SHORTEST {
        bail!("{}: {duration} is too short to cut clips from: give a video of some minutes, or none", video.source);
    }
    Ok(Workbench {
        ffmpeg,
        source: Source { location: &video.location, info: &video.info },
        language: config.run.source_language.primary(),
        scenes: scenes(duration, clip),
        scratch,
        lasting,
    })
}

/// Where clips are cut: spread over the video, and never at its very ends.
fn scenes(duration: MediaTime, clip: MediaTime) -> Vec<Span> {
    let clip = clip.min(duration - MediaTime::from_secs(1));
    let room = (duration - clip).as_millis();
    let start = |place: i64| MediaTime::from_millis(room * (2 * place + 1) / (2 * PLACES));
    (0..PLACES).map(start).map(|start| Span { start, end: start + clip }).collect()
}

/// Frames a second of the picture.
pub(super) fn rate(info: &MediaInfo) -> f64 {
    let (frames, seconds) = info.video.frame_rate;
    f64::from(frames) / f64::from(seconds.max(1))
}

use std::{io, path::Path};

use async_trait::async_trait;
use langflix_domain::{FailureKind, MediaInfo, MediaTime, VideoStream};
use langflix_ports::media::{Error, MediaProbe, Source};

use crate::{
    args,
    failure::failed,
    packets, remote,
    report::{self, Report, Stream, millis},
    runner::{self, Ffmpeg, Limits},
};

#[async_trait]
impl MediaProbe for Ffmpeg {
    async fn probe(&self, source: &str) -> Result<MediaInfo, Error> {
        let shown = remote::shown(source);
        let input = |message: String| failed(FailureKind::Input, format!("{shown}: {message}"));
        let size = size(source).await.map_err(input)?;
        let report = read(self, source).await.map_err(|error| match error.transient {
            true => Error { message: format!("{shown}: {}", error.message), ..error },
            false => input(format!("not a video that can be read, or cut off ({})", error.message)),
        })?;
        let size = size.or(report.size()).unwrap_or_default();
        let (mut info, nominal) = report::info(report, size).map_err(input)?;
        let args = args::packets(self.input(source), info.video.index, &packets::sampled(&info));
        match runner::run(&self.ffprobe, &args, None, &Limits::SHORT, None).await {
            Ok(listed) => {
                let sample = packets::sample(&packets::read(&listed.stdout));
                refine(&mut info.video, nominal, sample.frames);
                info.keyframe_interval = sample.keyframe_interval;
            }
            Err(error) if error.transient => {
                return Err(Error { message: format!("{shown}: {}", error.message), ..error });
            }
            Err(_) => {}
        }
        Ok(info)
    }

    async fn extract_subtitles(&self, source: Source<'_>, track: u32) -> Result<Vec<u8>, Error> {
        let Source { location, info } = source;
        let source = remote::shown(location);
        let stream = info.subtitles.iter().find(|stream| stream.index == track);
        let format = match stream {
            Some(stream) if !stream.text => {
                let message = format!("{source}: track {track} holds pictures of text ({})", stream.codec);
                return Err(failed(FailureKind::Input, message));
            }
            Some(stream) if matches!(stream.codec.as_str(), "ass" | "ssa") => "ass",
            Some(_) => "srt",
            None => {
                let message = format!("{source}: track {track} is no subtitle track");
                return Err(failed(FailureKind::Input, message));
            }
        };
        let args = args::subtitles(self.input(location), track, format);
        Ok(runner::run(&self.ffmpeg, &args, None, &Limits::LONG, None).await?.stdout)
    }
}

/// The size of a file; `None` of a URL, of which ffprobe tells it.
async fn size(source: &str) -> Result<Option<u64>, String> {
    if remote::is_url(source) {
        return Ok(None);
    }
    let file = tokio::fs::metadata(Path::new(source)).await.map_err(|error| plain(&error))?;
    match file.len() {
        _ if !file.is_file() => Err("this is no file: give a video file".to_owned()),
        0 => Err("the file is empty".to_owned()),
        size => Ok(Some(size)),
    }
}

/// An error of the operating system without its number.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "this file may not be read".to_owned(),
        _ => error.to_string(),
    }
}

async fn read(ffmpeg: &Ffmpeg, source: &str) -> Result<Report, Error> {
    let output = runner::run(&ffmpeg.ffprobe, &args::streams(ffmpeg.input(source)), None, &Limits::SHORT, None).await?;
    Report::read(&output.stdout, &output.stderr)
        .map_err(|error| failed(FailureKind::Input, format!("ffprobe's answer cannot be read: {error}")))
}

/// What a clip turned out to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Length of the picture; `None` without one.
    pub(crate) picture: Option<MediaTime>,
    /// Length of the sound; `None` without one.
    pub(crate) sound: Option<MediaTime>,
}

/// Reads a clip of our own.
pub(crate) async fn made(ffmpeg: &Ffmpeg, clip: &Path) -> Result<Made, Error> {
    let report = read(ffmpeg, &clip.to_string_lossy()).await?;
    let of = |kind: &str| report.streams.iter().find(|stream| stream.codec_type.as_deref() == Some(kind));
    let length = |stream: &Stream| stream.duration.as_deref().and_then(millis).map(MediaTime::from_millis);
    Ok(Made {
        width: of("video").and_then(|stream| stream.width).unwrap_or_default(),
        height: of("video").and_then(|stream| stream.height).unwrap_or_default(),
        picture: of("video").and_then(length),
        sound: of("audio").and_then(length),
    })
}

/// Headers are guesses where rates are concerned; packets are not. A constant rate is the nominal one, exact where the
/// average is spoilt by a last frame of odd length, unless that counts fields.
fn refine(video: &mut VideoStream, nominal: Option<(u32, u32)>, frames: Option<(i64, bool)>) {
    let Some((step, variable)) = frames else { return };
    video.variable_frame_rate = variable;
    let fits = |(a, b): &(u32, u32)| (f64::from(*b) * 1000.0 / f64::from(*a) - step as f64).abs() <= 1.0;
    if let Some(nominal) = nominal.filter(|nominal| !variable && !video.interlaced && fits(nominal)) {
        video.frame_rate = nominal;
    }
}

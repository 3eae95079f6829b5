use std::{collections::BTreeMap, io, path::Path};

use async_trait::async_trait;
use langflix_domain::{AudioStream, FailureKind, MediaInfo, MediaTime, OtherStream, SubtitleStream, VideoStream};
use langflix_ports::media::{Error, MediaProbe, Source};
use serde::Deserialize;

use crate::{
    args,
    failure::failed,
    packets, remote,
    runner::{self, Ffmpeg, Limits},
};

/// Subtitle codecs that hold text.
const TEXT_CODECS: [&str; 7] = ["subrip", "ass", "ssa", "webvtt", "mov_text", "text", "srt"];

/// Containers whose length is that from the time zero to their end, wherever the first frame stands.
const FROM_ZERO: [&str; 3] = ["matroska", "mov", "flv"];

#[derive(Deserialize)]
struct Report {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Option<Container>,
}

#[derive(Deserialize)]
struct Container {
    format_name: Option<String>,
    duration: Option<String>,
    start_time: Option<String>,
    size: Option<String>,
}

impl Report {
    fn size(&self) -> Option<u64> {
        self.format.as_ref()?.size.as_ref()?.parse().ok()
    }
}

#[derive(Deserialize)]
struct Stream {
    index: u32,
    codec_type: Option<String>,
    codec_name: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    pix_fmt: Option<String>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    field_order: Option<String>,
    color_transfer: Option<String>,
    channels: Option<u32>,
    sample_rate: Option<String>,
    duration: Option<String>,
    start_time: Option<String>,
    #[serde(default)]
    disposition: BTreeMap<String, i32>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    side_data_list: Vec<BTreeMap<String, serde_json::Value>>,
}

#[async_trait]
impl MediaProbe for Ffmpeg {
    async fn probe(&self, source: &str) -> Result<MediaInfo, Error> {
        let shown = remote::shown(source);
        let input = |message: String| failed(FailureKind::Input, format!("{shown}: {message}"));
        let size = size(source).await.map_err(input)?;
        let report = report(self, source).await.map_err(|error| match error.transient {
            true => Error { message: format!("{shown}: {}", error.message), ..error },
            false => input(format!("not a video that can be read, or cut off ({})", error.message)),
        })?;
        let size = size.or(report.size()).unwrap_or_default();
        let (mut info, nominal) = info(report, size).map_err(input)?;
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
        Ok(runner::run(&self.ffmpeg, &args, None, &Limits::ENCODE, None).await?.stdout)
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

async fn report(ffmpeg: &Ffmpeg, source: &str) -> Result<Report, Error> {
    let output = runner::run(&ffmpeg.ffprobe, &args::streams(ffmpeg.input(source)), None, &Limits::SHORT, None).await?;
    serde_json::from_slice(&output.stdout)
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
    let report = report(ffmpeg, &clip.to_string_lossy()).await?;
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

/// What the report says, and the picture's nominal rate.
fn info(report: Report, bytes: u64) -> Result<(MediaInfo, Option<(u32, u32)>), String> {
    let container = report.format.ok_or("ffprobe names no container")?;
    let of =
        |kind: &'static str| report.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(kind));
    let flag = |stream: &Stream, name: &str| stream.disposition.get(name).is_some_and(|&value| value == 1);
    let pictures: Vec<&Stream> = of("video").filter(|stream| !flag(stream, "attached_pic")).collect();
    let picture = pictures.iter().find(|stream| flag(stream, "default")).or(pictures.first());
    let picture = picture.ok_or("there is no video stream in it: give a video file")?;
    let start = container.start_time.as_deref().and_then(millis).unwrap_or_default();
    let name = container.format_name.unwrap_or_default();
    let zero = if name.split(',').any(|name| FROM_ZERO.contains(&name)) { start } else { 0 };
    // The container's length is that of its longest track.
    let ends =
        [container.duration.as_deref().and_then(millis).map(|end| end - zero), end(picture).map(|end| end - start)];
    let duration = ends.into_iter().flatten().min();
    let duration = duration.filter(|&d| d > 0).ok_or("its duration cannot be read: is it cut off?")?;
    let language = |stream: &Stream| stream.tags.get("language").filter(|l| *l != "und").cloned();
    let title = |stream: &Stream| stream.tags.get("title").cloned();
    let info = MediaInfo {
        container: name,
        duration: MediaTime::from_millis(duration),
        start_time: MediaTime::from_millis(start),
        bytes,
        video: video(picture)?,
        audio: of("audio")
            .filter(|stream| stream.channels.is_some_and(|channels| channels > 0))
            .map(|stream| AudioStream {
                index: stream.index,
                codec: stream.codec_name.clone().unwrap_or_default(),
                channels: stream.channels.unwrap_or_default(),
                sample_rate: stream.sample_rate.as_deref().and_then(|rate| rate.parse().ok()).unwrap_or_default(),
                language: language(stream),
                default: flag(stream, "default"),
                secondary: flag(stream, "comment")
                    || flag(stream, "visual_impaired")
                    || title(stream).is_some_and(|title| title.to_lowercase().contains("commentary")),
            })
            .collect(),
        subtitles: of("subtitle")
            .map(|stream| SubtitleStream {
                index: stream.index,
                codec: stream.codec_name.clone().unwrap_or_default(),
                language: language(stream),
                title: title(stream),
                text: TEXT_CODECS.contains(&stream.codec_name.as_deref().unwrap_or_default()),
                forced: flag(stream, "forced"),
            })
            .collect(),
        others: others(&report.streams, picture.index),
        keyframe_interval: None,
    };
    Ok((info, picture.r_frame_rate.as_deref().and_then(|rate| ratio(rate, '/'))))
}

/// When the picture ends on the container's clock, in milliseconds. Matroska says so in a tag: from zero where ffmpeg
/// wrote it, from the picture's beginning where mkvmerge did, so that the later one is taken.
fn end(picture: &Stream) -> Option<i64> {
    let starts = picture.start_time.as_deref().and_then(millis).unwrap_or_default();
    let lasts = picture.duration.as_deref().and_then(millis);
    let tagged = picture.tags.iter().find(|(name, _)| name.starts_with("DURATION")).and_then(|(_, time)| clock(time));
    lasts.or(tagged).map(|lasts| starts + lasts)
}

/// `00:22:10.120000000` in milliseconds.
fn clock(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, ':');
    let mut whole = || parts.next()?.parse::<i64>().ok();
    let (hours, minutes) = (whole()?, whole()?);
    Some((hours * 60 + minutes) * 60_000 + millis(parts.next()?)?)
}

fn others(streams: &[Stream], picture: u32) -> Vec<OtherStream> {
    let kind = |stream: &Stream| stream.codec_type.clone().unwrap_or_else(|| "unknown".to_owned());
    let left = streams.iter().filter(|stream| match stream.codec_type.as_deref() {
        Some("video") => stream.index != picture,
        Some("audio") => stream.channels.is_none_or(|channels| channels == 0),
        Some("subtitle") => false,
        _ => true,
    });
    let other = |stream: &Stream| OtherStream {
        index: stream.index,
        kind: kind(stream),
        codec: stream.codec_name.clone().unwrap_or_default(),
    };
    left.map(other).collect()
}

fn video(stream: &Stream) -> Result<VideoStream, String> {
    let (width, height) =
        stream.width.zip(stream.height).filter(|(w, h)| *w > 0 && *h > 0).ok_or("its picture has no size")?;
    let average = stream.avg_frame_rate.as_deref().and_then(|rate| ratio(rate, '/'));
    let nominal = stream.r_frame_rate.as_deref().and_then(|rate| ratio(rate, '/'));
    let rotation = stream.side_data_list.iter().find_map(|data| data.get("rotation")?.as_i64()).unwrap_or_default();
    let differs = |(a, b): ((u32, u32), (u32, u32))| {
        let (left, right) = (u64::from(a.0) * u64::from(b.1), u64::from(b.0) * u64::from(a.1));
        left.abs_diff(right) * 100 > left
    };
    Ok(VideoStream {
        index: stream.index,
        codec: stream.codec_name.clone().unwrap_or_default(),
        width,
        height,
        pixel_format: stream.pix_fmt.clone().unwrap_or_default(),
        sample_aspect_ratio: stream.sample_aspect_ratio.as_deref().and_then(|text| ratio(text, ':')).unwrap_or((1, 1)),
        frame_rate: average.or(nominal).ok_or("its frame rate cannot be read")?,
        variable_frame_rate: average.zip(nominal).is_some_and(differs),
        interlaced: stream.field_order.as_deref().is_some_and(|order| !matches!(order, "progressive" | "unknown")),
        rotation: -(rotation as i32),
        color_transfer: stream.color_transfer.clone(),
    })
}

fn ratio(text: &str, by: char) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(by)?;
    let pair = (a.parse().ok()?, b.parse().ok()?);
    (pair.0 > 0 && pair.1 > 0).then_some(pair)
}

/// Decimal seconds, as ffprobe writes them, in milliseconds.
pub(crate) fn millis(text: &str) -> Option<i64> {
    text.trim().parse::<f64>().ok().filter(|s| s.is_finite() && s.abs() < 1e9).map(|s| (s * 1000.0).round() as i64)
}

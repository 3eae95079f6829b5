//! What ffprobe reports of a file, read as what is known of a source.

use std::collections::BTreeMap;

use langflix_domain::{AudioStream, MediaInfo, MediaTime, OtherStream, SubtitleStream, VideoStream};
use serde::Deserialize;

use crate::args;

/// Subtitle codecs that hold text.
const TEXT_CODECS: [&str; 7] = ["subrip", "ass", "ssa", "webvtt", "mov_text", "text", "srt"];

/// Most video tracks: for each one a decoder is opened whenever the file is.
const MOST_PICTURES: usize = 16;

/// Most characters of a track's title or language that are kept.
const LONGEST_TAG: usize = 200;

/// Containers whose length is that from the time zero to their end, wherever the first frame stands.
const FROM_ZERO: [&str; 3] = ["matroska", "mov", "flv"];

#[derive(Deserialize)]
pub(crate) struct Report {
    #[serde(default)]
    pub(crate) streams: Vec<Stream>,
    format: Option<Container>,
    /// Whether a picture was not decoded because of its size.
    #[serde(skip)]
    too_large: bool,
}

#[derive(Deserialize)]
struct Container {
    format_name: Option<String>,
    duration: Option<String>,
    start_time: Option<String>,
    size: Option<String>,
}

impl Report {
    /// What ffprobe wrote, and what it complained of.
    pub(crate) fn read(stdout: &[u8], stderr: &str) -> serde_json::Result<Self> {
        let report: Self = serde_json::from_slice(stdout)?;
        // What goes on: exceeds the bound, or is invalid where not even its bytes can be counted.
        Ok(Self { too_large: stderr.contains("] Picture size "), ..report })
    }

    /// The file's size in bytes.
    pub(crate) fn size(&self) -> Option<u64> {
        self.format.as_ref()?.size.as_ref()?.parse().ok()
    }
}

#[derive(Deserialize)]
pub(crate) struct Stream {
    index: u32,
    pub(crate) codec_type: Option<String>,
    codec_name: Option<String>,
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pix_fmt: Option<String>,
    sample_aspect_ratio: Option<String>,
    avg_frame_rate: Option<String>,
    r_frame_rate: Option<String>,
    field_order: Option<String>,
    color_transfer: Option<String>,
    channels: Option<u32>,
    sample_rate: Option<String>,
    pub(crate) duration: Option<String>,
    start_time: Option<String>,
    #[serde(default)]
    disposition: BTreeMap<String, i32>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    side_data_list: Vec<BTreeMap<String, serde_json::Value>>,
}

/// What the report says, and the picture's nominal rate.
pub(crate) fn info(report: Report, bytes: u64) -> Result<(MediaInfo, Option<(u32, u32)>), String> {
    let container = report.format.ok_or("ffprobe names no container")?;
    let of =
        |kind: &'static str| report.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(kind));
    let flag = |stream: &Stream, name: &str| stream.disposition.get(name).is_some_and(|&value| value == 1);
    let pictures: Vec<&Stream> = of("video").filter(|stream| !flag(stream, "attached_pic")).collect();
    let picture = pictures.iter().find(|stream| flag(stream, "default")).or(pictures.first());
    let picture = picture.ok_or("there is no video stream in it: give a video file")?;
    if pictures.len() > MOST_PICTURES {
        return Err(format!("it has {} video tracks, and a film has one: give the video itself", pictures.len()));
    }
    let start = container.start_time.as_deref().and_then(millis).unwrap_or_default();
    let name = container.format_name.unwrap_or_default();
    let zero = if name.split(',').any(|name| FROM_ZERO.contains(&name)) { start } else { 0 };
    // The container's length is that of its longest track.
    let ends =
        [container.duration.as_deref().and_then(millis).map(|end| end - zero), end(picture).map(|end| end - start)];
    let duration = ends.into_iter().flatten().min();
    let duration = duration.filter(|&d| d > 0).ok_or("its duration cannot be read: is it cut off?")?;
    let tag = |stream: &Stream, name: &str| -> Option<String> {
        stream.tags.get(name).map(|text| text.chars().take(LONGEST_TAG).collect())
    };
    let language = |stream: &Stream| tag(stream, "language").filter(|language| language != "und");
    let title = |stream: &Stream| tag(stream, "title");
    let info = MediaInfo {
        container: name,
        duration: MediaTime::from_millis(duration),
        start_time: MediaTime::from_millis(start),
        bytes,
        video: video(picture, report.too_large)?,
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

fn video(stream: &Stream, too_large: bool) -> Result<VideoStream, String> {
    let (width, height) = stream.width.zip(stream.height).filter(|(w, h)| *w > 0 && *h > 0).ok_or_else(|| {
        let (most, high) = args::LARGEST;
        if too_large {
            format!("its picture is larger than {most}x{high}")
        } else {
            "its picture has no size".to_owned()
        }
    })?;
    let sample_aspect_ratio = stream.sample_aspect_ratio.as_deref().and_then(|text| ratio(text, ':')).unwrap_or((1, 1));
    fits(width, height, sample_aspect_ratio)?;
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
        sample_aspect_ratio,
        frame_rate: average.or(nominal).ok_or("its frame rate cannot be read")?,
        variable_frame_rate: average.zip(nominal).is_some_and(differs),
        interlaced: stream.field_order.as_deref().is_some_and(|order| !matches!(order, "progressive" | "unknown")),
        rotation: rotation.wrapping_neg() as i32,
        color_transfer: stream.color_transfer.clone(),
    })
}

/// Whether a picture is decoded, and stays as large as that once its pixels are square: a header may claim any shape of them.
fn fits(width: u32, height: u32, (across, down): (u32, u32)) -> Result<(), String> {
    let (most, high) = args::LARGEST;
    let pixels = |width: u64| width.saturating_mul(u64::from(height));
    let square = u64::from(width) * u64::from(across) / u64::from(down);
    if pixels(square.max(u64::from(width))) <= u64::from(most) * u64::from(high) {
        return Ok(());
    }
    Err(format!("its picture is {width}x{height} with pixels of {across}:{down}, larger than {most}x{high}"))
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

use std::{collections::BTreeMap, path::Path, time::Duration};

use async_trait::async_trait;
use langflix_domain::{AudioStream, FailureKind, MediaInfo, MediaTime, SubtitleStream, VideoStream};
use langflix_ports::media::{Error, MediaProbe};
use serde::Deserialize;

use crate::runner::{self, Ffmpeg, Limits, file_url, permanent};

const LIMITS: Limits = Limits { total: Duration::from_secs(120), stall: Duration::from_secs(120) };
/// Subtitle codecs that hold text.
const TEXT_CODECS: [&str; 7] = ["subrip", "ass", "ssa", "webvtt", "mov_text", "text", "srt"];

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
        let input = |message: String| permanent(FailureKind::Input, format!("{source}: {message}"));
        let file = tokio::fs::metadata(Path::new(source)).await.map_err(|error| input(error.to_string()))?;
        if !file.is_file() {
            return Err(input("this is no file".to_owned()));
        }
        let mut args: Vec<_> =
            ["-v", "error", "-protocol_whitelist", "file", "-of", "json", "-show_streams", "-show_format"]
                .map(Into::into)
                .into();
        args.push(file_url(source));
        let output = runner::run(&self.ffprobe, &args, None, &LIMITS, None).await.map_err(|error| Error {
            message: format!("{source}: not a video that can be read, or cut off ({})", error.message),
            kind: if error.kind == FailureKind::TimedOut { error.kind } else { FailureKind::Input },
            ..error
        })?;
        let report =
            serde_json::from_slice(&output.stdout).map_err(|error| input(format!("ffprobe's answer: {error}")))?;
        info(report, file.len()).map_err(input)
    }

    async fn extract_subtitles(&self, source: &str, track: u32) -> Result<Vec<u8>, Error> {
        let mut args: Vec<_> =
            ["-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe", "-i"].map(Into::into).into();
        args.push(file_url(source));
        args.extend(["-map".into(), format!("0:{track}").into(), "-f".into(), "srt".into(), "pipe:1".into()]);
        let output = runner::run(&self.ffmpeg, &args, None, &LIMITS, None).await?;
        Ok(output.stdout)
    }
}

fn info(report: Report, bytes: u64) -> Result<MediaInfo, String> {
    let container = report.format.ok_or("ffprobe names no container")?;
    let of =
        |kind: &'static str| report.streams.iter().filter(move |stream| stream.codec_type.as_deref() == Some(kind));
    let flag = |stream: &Stream, name: &str| stream.disposition.get(name).is_some_and(|&value| value == 1);
    let pictures: Vec<&Stream> = of("video").filter(|stream| !flag(stream, "attached_pic")).collect();
    let picture = pictures.iter().find(|stream| flag(stream, "default")).or(pictures.first());
    let picture = picture.ok_or("there is no video stream in it: give a video file")?;
    let start = container.start_time.as_deref().and_then(millis).unwrap_or_default();
    let duration =
        container.duration.as_deref().and_then(millis).or_else(|| picture.duration.as_deref().and_then(millis));
    let duration = duration.filter(|&d| d > 0).ok_or("its duration cannot be read: is it cut off?")?;
    let language = |stream: &Stream| stream.tags.get("language").filter(|l| *l != "und").cloned();
    let title = |stream: &Stream| stream.tags.get("title").cloned();
    Ok(MediaInfo {
        container: container.format_name.unwrap_or_default(),
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
        keyframe_interval: None,
    })
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

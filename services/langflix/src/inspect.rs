//! `langflix inspect`: what the program understands of a file.

use std::path::Path;

use anyhow::bail;
use langflix_domain::{EpisodeStatus, MediaInfo, MediaTime, is_subtitle, is_video};
use langflix_media::Ffmpeg;
use langflix_ports::media::MediaProbe as _;
use langflix_runtime::config::Config;
use langflix_subtitles::{Diagnostic, parse};
use serde::{Serialize, Serializer};

use crate::{
    cli::InspectArgs,
    counted,
    run::{file_name, read, utf8},
    say,
};

#[derive(Serialize)]
struct Report {
    file: String,
    #[serde(flatten)]
    content: Content,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content {
    Subtitles {
        format: String,
        encoding: String,
        language: Option<String>,
        cues: usize,
        first_ms: MediaTime,
        last_ms: MediaTime,
        diagnostics: Vec<Diagnostic>,
    },
    Video {
        #[serde(flatten)]
        info: MediaInfo,
        /// Its name, or why none is usable.
        #[serde(serialize_with = "name")]
        encoder: Result<&'static str, String>,
    },
    Unusable {
        error: String,
    },
}

/// Prints what is known of each file; failed where one cannot be used.
///
/// # Errors
/// Where standard output cannot be written.
pub(crate) async fn inspect(args: &InspectArgs, config: &Config) -> anyhow::Result<EpisodeStatus> {
    let mut usable = 0;
    for path in &args.files {
        let content = understood(path, config).await;
        let content = content.unwrap_or_else(|error| Content::Unusable { error: format!("{error:#}") });
        usable += usize::from(!matches!(content, Content::Unusable { .. }));
        let report = Report { file: path.display().to_string(), content };
        if args.json {
            say::out!("{}", serde_json::to_string(&report)?)?;
        } else {
            print(&report)?;
        }
    }
    Ok(match usable {
        all if all == args.files.len() => EpisodeStatus::Complete,
        0 => EpisodeStatus::Failed,
        _ => EpisodeStatus::Partial,
    })
}

/// A file that its name does not tell is tried as both.
async fn understood(path: &Path, config: &Config) -> anyhow::Result<Content> {
    if path.is_dir() {
        bail!("{}: this is a folder: give a subtitle or video file", path.display());
    }
    if is_video(path) {
        return video(path, config).await;
    }
    match subtitles(path) {
        Err(error) if !is_subtitle(path) => video(path, config).await.map_err(|_| error),
        content => content,
    }
}

fn subtitles(path: &Path) -> anyhow::Result<Content> {
    let parsed = parse(&file_name(path), &read(path)?)?;
    let cues = &parsed.transcript.cues;
    Ok(Content::Subtitles {
        format: parsed.format.to_string(),
        encoding: parsed.encoding,
        language: parsed.transcript.language.map(|language| language.to_string()),
        cues: cues.len(),
        first_ms: cues.iter().map(|cue| cue.span.start).min().unwrap_or_default(),
        last_ms: cues.iter().map(|cue| cue.span.end).max().unwrap_or_default(),
        diagnostics: parsed.diagnostics,
    })
}

async fn video(path: &Path, config: &Config) -> anyhow::Result<Content> {
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    let info = ffmpeg.probe(utf8(path)?).await?;
    let codec = crate::run::codec(&ffmpeg, &config.video).await;
    let encoder = codec.map(|codec| codec.as_str()).map_err(|error| format!("{error:#}"));
    Ok(Content::Video { info, encoder })
}

fn name<S: Serializer>(encoder: &Result<&str, String>, to: S) -> Result<S::Ok, S::Error> {
    encoder.as_ref().ok().serialize(to)
}

fn print(report: &Report) -> anyhow::Result<()> {
    match &report.content {
        Content::Unusable { error } => say::error(error),
        Content::Subtitles { format, encoding, language, cues, first_ms, last_ms, diagnostics } => {
            say::out!("{}", report.file)?;
            say::out!("  {format}, {encoding}, language {}", language.as_deref().unwrap_or("unknown"))?;
            say::out!("  {} from {first_ms} to {last_ms}", counted(*cues, "cue"))?;
            for Diagnostic { line, kind, detail } in diagnostics {
                say::out!("  line {line}: {kind} {detail}")?;
            }
        }
        Content::Video { info, encoder } => {
            say::out!("{}", report.file)?;
            print_video(info)?;
            match encoder {
                Ok(encoder) => say::out!("  clips would be encoded with {encoder}")?,
                Err(why) => say::out!("  no clip could be encoded: {why}")?,
            }
        }
    }
    Ok(())
}

fn print_video(info: &MediaInfo) -> anyhow::Result<()> {
    let video = &info.video;
    let rate = f64::from(video.frame_rate.0) / f64::from(video.frame_rate.1);
    say::out!("  {}, {} long, starts at {}, {} bytes", info.container, info.duration, info.start_time, info.bytes)?;
    let mut notes = vec![format!("{rate:.3} frames a second")];
    notes.extend(video.variable_frame_rate.then(|| "variable frame rate".to_owned()));
    notes.extend(video.interlaced.then(|| "interlaced".to_owned()));
    notes.push(match info.keyframe_interval {
        Some(interval) => format!("keyframes every {interval}"),
        None => "distance of its keyframes unknown".to_owned(),
    });
    say::out!(
        "  track {}: video, {} {}x{} {}, {}",
        video.index,
        video.codec,
        video.width,
        video.height,
        video.pixel_format,
        notes.join(", ")
    )?;
    for audio in &info.audio {
        let language = audio.language.as_deref().unwrap_or("language unknown");
        say::out!(
            "  track {}: audio, {language}, {} {} channels {} Hz{}",
            audio.index,
            audio.codec,
            audio.channels,
            audio.sample_rate,
            if audio.secondary { ", commentary" } else { "" }
        )?;
    }
    for subtitles in &info.subtitles {
        let language = subtitles.language.as_deref().unwrap_or("language unknown");
        let kind = if subtitles.text { "text" } else { "pictures, which cannot be read" };
        let forced = if subtitles.forced { ", forced" } else { "" };
        say::out!("  track {}: subtitles, {language}, {} ({kind}){forced}", subtitles.index, subtitles.codec)?;
    }
    for other in &info.others {
        say::out!("  track {}: {} {}, left aside", other.index, other.kind, other.codec)?;
    }
    Ok(())
}

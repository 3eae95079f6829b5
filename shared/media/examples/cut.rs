//! Cuts many clips from one video, for measuring: `cut SOURCE SPANS.json OUTDIR [SLOTS THREADS]`.
//!
//! `SPANS.json` is a list of `[start, end]` in milliseconds; clip `n` of it ends up in `OUTDIR/<n>/clip.mp4`. The
//! longest clip comes first, so that no long one is left alone at the end. `SLOTS` clips are cut at once, each with
//! `THREADS` threads; if not given, as many as the machine is best shared out among.

use std::{cmp::Reverse, env, error::Error, fs, num::NonZeroU8, path::PathBuf, sync::Arc, thread};

use langflix_domain::{ClipSpec, CutMethod, EncodeSpec, MediaInfo, Quality, Span, VideoCodec};
use langflix_media::{Asked, Capacity, Ffmpeg, Machine, Slots, settings};
use langflix_ports::media::{ClipEncoder as _, MediaProbe as _, Source};
use tokio::task::JoinSet;

fn spec(source: &str, scene: Span, threads: NonZeroU8) -> ClipSpec {
    let codec = VideoCodec::Libx264;
    let (preset, crf) = settings(codec, Quality::Balanced);
    let encode = EncodeSpec {
        codec,
        method: CutMethod::Reencode,
        preset: preset.to_owned(),
        crf,
        threads,
        normalize_loudness: false,
    };
    ClipSpec { source: source.to_owned(), scene, bounds: scene, audio_language: None, encode, burn: None }
}

/// What is asked for, else what suits the machine.
fn capacity(asked: &[String], info: &MediaInfo) -> Result<Capacity, Box<dyn Error + Send + Sync>> {
    let machine = Machine { cores: thread::available_parallelism()?, memory_mb: 4096 };
    let size = (info.video.width, info.video.height);
    Ok(match asked {
        [slots, threads] => Capacity { slots: slots.parse()?, threads: threads.parse()? },
        _ => machine.share(VideoCodec::Libx264, Asked::default(), size),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [source, spans, out, rest @ ..] = args.as_slice() else {
        return Err("usage: cut SOURCE SPANS.json OUTDIR [SLOTS THREADS]".into());
    };
    let spans: Vec<(i64, i64)> = serde_json::from_slice(&fs::read(spans)?)?;
    let mut wanted: Vec<_> = spans.iter().map(|(start, end)| Span::from_millis(*start, *end)).enumerate().collect();
    wanted.sort_by_key(|(_, span)| Reverse(span.duration()));
    let ffmpeg = Ffmpeg::locate(env::var_os("PATH").as_deref())?;
    let info = Arc::new(ffmpeg.probe(source).await?);
    let Capacity { slots, threads } = capacity(rest, &info)?;
    let slots = Slots::new(slots);
    let mut clips = JoinSet::new();
    for (number, span) in wanted {
        // Taken here, not in the task: the clips start in this order.
        let slot = slots.take().await.ok_or("no slot")?;
        let (ffmpeg, source, info) = (ffmpeg.clone(), source.clone(), Arc::clone(&info));
        let dir = PathBuf::from(out).join(format!("{number:02}"));
        clips.spawn(async move {
            fs::create_dir_all(&dir)?;
            let (video, spec) = (Source { location: &source, info: &info }, spec(&source, span, threads));
            ffmpeg.encode(video, &spec, &dir, &|part| slot.reached(part)).await?;
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        });
    }
    while let Some(clip) = clips.join_next().await {
        clip??;
    }
    Ok(())
}

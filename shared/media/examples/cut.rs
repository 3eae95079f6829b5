//! Cuts many clips from one video, for measuring: `cut SOURCE SPANS.json OUTDIR [SLOTS THREADS]`.
//!
//! `SPANS.json` is a list of `[start, end]` in milliseconds; clip `n` of it ends up in `OUTDIR/<n>/clip.mp4`. The
//! longest clip comes first, so that no long one is left alone at the end. `SLOTS` clips are cut at once (1 if not
//! given), each with `THREADS` threads (as many as there are cores if not given).

use std::{cmp::Reverse, env, error::Error, fs, num::NonZeroU8, path::PathBuf, sync::Arc, thread};

use langflix_domain::{ClipSpec, CutMethod, EncodeSpec, Span, VideoCodec};
use langflix_media::{Ffmpeg, Quality, settings};
use langflix_ports::media::{ClipEncoder as _, MediaProbe as _, Source};
use tokio::{sync::Semaphore, task::JoinSet};

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let [source, spans, out, rest @ ..] = args.as_slice() else {
        return Err("usage: cut SOURCE SPANS.json OUTDIR [SLOTS THREADS]".into());
    };
    let spans: Vec<(i64, i64)> = serde_json::from_slice(&fs::read(spans)?)?;
    let slots = rest.first().map_or(Ok(1), |slots| slots.parse())?;
    let cores = u8::try_from(thread::available_parallelism()?.get()).unwrap_or(u8::MAX);
    let threads = rest.get(1).map_or(Ok(cores), |threads| threads.parse())?;
    let threads = NonZeroU8::new(threads.min(8)).ok_or("a clip takes at least one thread")?;

    let mut wanted: Vec<_> = spans.iter().map(|(start, end)| Span::from_millis(*start, *end)).enumerate().collect();
    wanted.sort_by_key(|(_, span)| Reverse(span.duration()));
    let (ffmpeg, slots) = (Ffmpeg::locate(env::var_os("PATH").as_deref())?, Arc::new(Semaphore::new(slots)));
    let info = Arc::new(ffmpeg.probe(source).await?);
    let mut clips = JoinSet::new();
    for (number, span) in wanted {
        // Taken here, not in the task: the clips start in this order.
        let slot = Arc::clone(&slots).acquire_owned().await?;
        let (ffmpeg, source, info) = (ffmpeg.clone(), source.clone(), Arc::clone(&info));
        let dir = PathBuf::from(out).join(format!("{number:02}"));
        clips.spawn(async move {
            fs::create_dir_all(&dir)?;
            let video = Source { location: &source, info: &info };
            ffmpeg.encode(video, &spec(&source, span, threads), &dir, &|_| ()).await?;
            drop(slot);
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        });
    }
    while let Some(clip) = clips.join_next().await {
        clip??;
    }
    Ok(())
}

//! Clips from every kind of source, held against the frame numbers and tones in them.
#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod common;

use common::{Cut, cut, first_frame, source, spec};
use langflix_domain::Span;
use langflix_ports::media::MediaProbe as _;
use langflix_testkit::video::{Recipe, ffprobe};

/// From the first frame on; between frames; and over the frame that lasts two seconds in the source of mixed ones.
const SCENES: [(i64, i64); 3] = [(0, 1700), (1234, 2777), (4010, 6100)];

/// Seconds.
fn secs(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

/// Every frame and every tone stands where it stood in the source, to within one frame, and so do both ends.
fn holds_what_was_asked_for(recipe: &Recipe, source: &std::path::Path, cut: &Cut) {
    let name = recipe.file;
    let frame = f64::from(recipe.rate.1) / f64::from(recipe.rate.0);
    let begin = first_frame(source, &cut.info);
    let bounds = cut.made.bounds;
    let (start, length) = (secs(bounds.start.as_millis()), secs(bounds.duration().as_millis()));
    let frames = &cut.read.frames;
    let (first, last) = (frames.first().unwrap(), frames.last().unwrap());
    assert!(first.at.abs() < 1e-6, "{name}: the first frame is shown at {}", first.at);
    // The last frame is the one that stands at the end, so that the picture is never shorter, and less than it longer.
    let over = last.at + (frames[1].at - first.at) - length;
    assert!((-0.001..frames[1].at - first.at).contains(&over), "{name}: ends {over} behind {length}");
    for shown in frames {
        let now = start + shown.at - begin;
        // The frame that stands at this moment, in a source whose frames last differently long one of those before.
        let numbered = f64::from(shown.number) * frame;
        let late = if cut.info.video.variable_frame_rate { 2.0 + frame } else { 1.01 * frame };
        assert!(
            numbered - now < 1.01 * frame && now - numbered < late,
            "{name}: at {:.3} of the clip from {start} stands frame {}, that is {:.3}",
            shown.at,
            shown.number,
            numbered + begin
        );
    }
    assert!(frames.windows(2).all(|pair| pair[0].at < pair[1].at && pair[0].number <= pair[1].number), "{name}");
    if cut.made.has_audio {
        tones_stand_right(name, cut, start - begin, length, frame);
    }
}

fn tones_stand_right(name: &str, cut: &Cut, start: f64, length: f64, frame: f64) {
    // AAC comes in frames of 1024 samples, and the last one is filled up.
    let over = cut.read.sound - length;
    assert!((-0.001..=1024.0 / 48_000.0 + 0.001).contains(&over), "{name}: {} s of sound in {length}", cut.read.sound);
    let from = if name == "late_sound.mkv" { 2.0 } else { 0.0 };
    let expected: Vec<f64> = (0..30)
        .map(f64::from)
        .filter(|second| *second >= from && second - start > 0.15 && second - start < length - 0.1)
        .collect();
    for second in &expected {
        let tone = cut.read.bursts.iter().find(|tone| (tone.at - (second - start)).abs() < frame);
        let tone = tone.unwrap_or_else(|| panic!("{name} from {start}: no tone {second} in {:?}", cut.read.bursts));
        assert!((tone.pitch - (400.0 + 100.0 * second)).abs() <= 45.0, "{name}: {tone:?} is not that of {second}");
    }
    let silent = from - start > length - 0.1;
    assert!(silent || !expected.is_empty(), "{name}: nothing to hear in {start} + {length}");
}

async fn cuts_right(recipe: Recipe) {
    let source = source(&recipe);
    let scale = i64::from(recipe.seconds) / 8;
    for (start, end) in SCENES {
        // In the longer ones far behind the only keyframe, too.
        let (start, end) = (start * scale.max(1), (end * scale.max(1)).min(i64::from(recipe.seconds) * 1000 - 200));
        let scene = Span::from_millis(start.min(end - 1500), end);
        let cut = cut(&source, &spec(&source, scene)).await.unwrap();
        assert_eq!(cut.made.bounds, scene, "{}", recipe.file);
        holds_what_was_asked_for(&recipe, &source, &cut);
        plays_anywhere(&cut);
    }
}

/// A clip up to the end of the film holds its last frame, wherever the film's other tracks end.
async fn cuts_to_the_end(recipe: &Recipe) {
    let source = source(recipe);
    let info = common::ffmpeg().probe(source.to_str().unwrap()).await.unwrap();
    let (end, last) = (info.duration.as_millis(), recipe.seconds * recipe.rate.0 / recipe.rate.1 - 1);
    let cut = cut(&source, &spec(&source, Span::from_millis(end - 1500, end))).await.unwrap();
    let frames = &cut.read.frames;
    let behind = last.abs_diff(frames[frames.len() - 1].number);
    assert!(behind <= 2, "{}: {behind} frames before the last", recipe.file);
    let over = frames[frames.len() - 1].at + (frames[1].at - frames[0].at) - 1.5;
    assert!(over.abs() < frames[1].at - frames[0].at + 0.001, "{}: ends {over} behind the end", recipe.file);
}

/// H.264 High 4:2:0 8 bit, AAC, the index first, square pixels and an even size.
fn plays_anywhere(cut: &Cut) {
    let shown = "stream=codec_name,profile,pix_fmt,sample_aspect_ratio,start_time:format=start_time";
    let said = ffprobe(cut.dir.path(), &["-show_entries", shown, "-of", "default=nw=1", "clip.mp4"]).unwrap();
    for line in ["codec_name=h264", "profile=High", "pix_fmt=yuv420p", "sample_aspect_ratio=1:1", "start_time=0.000000"]
    {
        assert!(said.lines().any(|given| given == line), "{line}: {said}");
    }
    assert!(!cut.made.has_audio || said.contains("codec_name=aac"), "{said}");
    assert!(!said.lines().any(|line| line.starts_with("start_time=") && line != "start_time=0.000000"), "{said}");
    let bytes = std::fs::read(cut.dir.path().join("clip.mp4")).unwrap();
    let find = |name: &[u8]| bytes.windows(4).position(|four| four == name).unwrap();
    assert!(find(b"moov") < find(b"mdat"));
    assert_eq!((cut.made.width % 2, cut.made.height % 2), (0, 0));
    let poster = std::fs::read(cut.dir.path().join("poster.jpg")).unwrap();
    assert!(poster.starts_with(b"\xff\xd8\xff") && poster.ends_with(b"\xff\xd9"));
    let size = ffprobe(cut.dir.path(), &["-show_entries", "stream=width,height", "-of", "csv=p=0", "poster.jpg"]);
    assert_eq!(size.unwrap().trim(), format!("{},{}", cut.made.width, cut.made.height));
}

macro_rules! cuts_right {
    ($($name:ident: $recipe:expr;)*) => {
        $(#[tokio::test]
        async fn $name() {
            cuts_right($recipe).await;
            cuts_to_the_end(&$recipe).await;
        })*
    };
}

cuts_right! {
    a_long_way_behind_the_only_keyframe: Recipe::long_gop();
    from_hevc_of_10_bit: Recipe::hevc_10_bit();
    from_frames_that_last_differently_long: Recipe::variable_rate();
    from_a_transport_stream_whose_clock_starts_late: Recipe::transport_stream();
    from_an_mp4_whose_clock_starts_late: Recipe::late_clock("late.mp4");
    from_a_matroska_whose_clock_starts_late: Recipe::late_clock("late.mkv");
    from_an_interlaced_picture: Recipe::interlaced();
    from_pixels_that_are_not_square: Recipe::anamorphic();
    from_six_channels: Recipe::surround();
    from_a_film_without_sound: Recipe::no_audio();
    from_vp9_in_webm: Recipe::webm();
    from_mpeg4_in_avi: Recipe::avi();
    from_quicktime: Recipe::mov();
    from_m4v: Recipe::m4v();
    from_flash_video: Recipe::flv();
    from_behind_a_cover_picture: Recipe::cover();
    from_a_picture_that_lies_on_its_side: Recipe::rotated();
    from_an_odd_size: Recipe::odd_size();
    from_sound_that_begins_late: Recipe::late_sound();
}

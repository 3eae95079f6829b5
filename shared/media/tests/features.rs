//! What a clip's spec may ask for beside the stretch: silence to cut in, a language, subtitles drawn in, loudness.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod common;

use std::path::Path;

use common::{Cut, cut, source, spec};
use langflix_domain::{ClipSpec, Span};
use langflix_subtitles::{BurnLine, Picture, write_ass};
use langflix_testkit::video::{Recipe, ffmpeg};

#[tokio::test]
async fn cuts_move_into_silence_between_scene_and_window() {
    let film = source(&Recipe::m4v());
    // Tones stand at 2.00 to 2.06 and 5.00 to 5.06; the scene touches both, so that silence lies beyond them only.
    let mut wanted = spec(&film, Span::from_millis(2030, 4900));
    wanted.bounds = Span::from_millis(1600, 5500);
    let cut = cut(&film, &wanted).await.unwrap();
    let Span { start, end } = cut.made.bounds;
    assert!((1600..2000).contains(&start.as_millis()), "{start}");
    assert!((4900..5000).contains(&end.as_millis()), "{end}");
    let frame = |ms: i64| (ms * 24 / 1000) as u32;
    let (first, last) = (cut.read.frames.first().unwrap().number, cut.read.frames.last().unwrap().number);
    assert!(first.abs_diff(frame(start.as_millis())) <= 1 && last.abs_diff(frame(end.as_millis())) <= 1);
}

#[tokio::test]
async fn the_track_of_the_language_is_taken_and_never_a_commentary() {
    let film = source(&Recipe::three_tracks());
    for (language, base) in [(Some("en"), 400.0), (Some("ko"), 1700.0), (None, 1700.0), (Some("fr"), 1700.0)] {
        let mut wanted = spec(&film, Span::from_millis(500, 1900));
        wanted.audio_language = language.map(str::to_owned);
        let tones = cut(&film, &wanted).await.unwrap().read.bursts;
        assert!((tones[0].pitch - base - 100.0).abs() <= 45.0, "{language:?}: {tones:?}");
    }
}

/// Brightness of the lower half, at 8 frames a second.
fn lower_half(cut: &Cut) -> Vec<Vec<u8>> {
    let filter = "fps=8,crop=iw:ih/2:0:ih/2,scale=80:45,format=gray";
    let pixels = ffmpeg(cut.dir.path(), &["-i", "clip.mp4", "-vf", filter, "-f", "rawvideo", "pipe:1"]).unwrap();
    pixels.chunks(80 * 45).map(<[u8]>::to_vec).collect()
}

/// Eighths of a second in which the two clips differ there.
fn drawn(plain: &Cut, burnt: &Cut) -> Vec<usize> {
    let (plain, burnt) = (lower_half(plain), lower_half(burnt));
    assert_eq!(plain.len(), burnt.len());
    let differs = |at: &usize| {
        let strong = plain[*at].iter().zip(&burnt[*at]).filter(|(a, b)| a.abs_diff(**b) > 60).count();
        strong > 15
    };
    (0..plain.len()).filter(differs).collect()
}

async fn burnt(film: &Path, lines: &[BurnLine<'_>], scene: Span) -> Cut {
    let (source, target) = ("en".parse().unwrap(), "ja".parse().unwrap());
    let picture = Picture { shape: (320, 180), source: &source, target: &target };
    let wanted = ClipSpec { burn: Some(write_ass(picture, lines)), ..spec(film, scene) };
    cut(film, &wanted).await.unwrap()
}

#[tokio::test]
async fn subtitles_are_drawn_at_their_time_on_the_timeline() {
    for recipe in [Recipe::transport_stream(), Recipe::avi(), Recipe::late_clock("late.mkv")] {
        let film = source(&recipe);
        let scene = Span::from_millis(3010, 5010);
        let line =
            BurnLine { span: Span::from_millis(3510, 4260), source: Some("Take it easy"), target: Some("진정해") };
        let plain = cut(&film, &spec(&film, scene)).await.unwrap();
        let burnt = burnt(&film, &[line], scene).await;
        assert_eq!(drawn(&plain, &burnt), [4, 5, 6, 7, 8, 9], "{}", recipe.file);
        assert_eq!(plain.read.frames, burnt.read.frames, "{}", recipe.file);
        let stray: Vec<_> = burnt.dir.path().read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(stray.len(), 2, "{stray:?}");
    }
}

#[tokio::test]
async fn drawn_subtitles_make_no_clip_longer() {
    let film = source(&Recipe::no_audio());
    // A frame lasts 41.7 ms: ends within one whose own end is rounded up, within one whose end is rounded down, and at one.
    for length in [1013, 1050, 1125] {
        let scene = Span::from_millis(1000, 1000 + length);
        let line = BurnLine { span: scene, source: Some("Take it easy"), target: None };
        let plain = cut(&film, &spec(&film, scene)).await.unwrap();
        assert_eq!(burnt(&film, &[line], scene).await.read.frames, plain.read.frames, "{scene:?}");
    }
}

#[tokio::test]
async fn text_of_any_characters_is_drawn_as_it_is() {
    let film = source(&Recipe::no_audio());
    let scene = Span::from_millis(1000, 1500);
    let plain = cut(&film, &spec(&film, scene)).await.unwrap();
    for text in [
        "it's 100%: \\N {\\fs1} a,b",
        "{\\alpha&HFF&}hidden?",
        "{\\pos(-900,-900)}gone?",
        "막차를 또 놓쳤어",
        "終電を逃した",
        "فاتنا القطار",
        "two\nlines",
    ] {
        let line = BurnLine { span: scene, source: Some(text), target: None };
        assert_eq!(drawn(&plain, &burnt(&film, &[line], scene).await).len(), 4, "{text}");
    }
}

#[tokio::test]
async fn a_text_without_spaces_stays_within_the_picture() {
    let film = source(&Recipe::no_audio());
    let scene = Span::from_millis(1000, 1500);
    let text = "昨日の夜はずっと雨が降っていたので私たちは家で映画を見てそれから温かいお茶を飲みながら長い話をしました";
    let line = BurnLine { span: scene, source: None, target: Some(text) };
    let (plain, burnt) = (cut(&film, &spec(&film, scene)).await.unwrap(), burnt(&film, &[line], scene).await);
    let (plain, burnt) = (lower_half(&plain), lower_half(&burnt));
    let differs = |at: usize| plain[0][at].abs_diff(burnt[0][at]) > 60;
    let reached: Vec<usize> = (0..80).filter(|column| (0..45).any(|row| differs(row * 80 + column))).collect();
    let (first, last) = (reached.first().unwrap(), reached.last().unwrap());
    assert!((3..20).contains(first) && (60..77).contains(last), "{reached:?}");
}

/// Integrated loudness in LUFS.
fn loudness(cut: &Cut) -> f64 {
    let said = std::process::Command::new("ffmpeg")
        .args([
            "-hide_banner",
            "-nostats",
            "-i",
            "clip.mp4",
            "-vn",
            "-af",
            "ebur128=framelog=verbose",
            "-f",
            "null",
            "-",
        ])
        .current_dir(cut.dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    let line = text.lines().rev().find_map(|line| line.trim().strip_prefix("I:")).unwrap();
    line.trim().trim_end_matches("LUFS").trim().parse().unwrap()
}

#[tokio::test]
async fn loudness_is_brought_to_the_target_and_the_sound_stays_in_its_place() {
    for recipe in [Recipe::avi(), Recipe::surround(), Recipe::transport_stream()] {
        let film = source(&recipe);
        let mut wanted = spec(&film, Span::from_millis(1500, 6500));
        let before = cut(&film, &wanted).await.unwrap();
        wanted.encode.normalize_loudness = true;
        let after = cut(&film, &wanted).await.unwrap();
        let (was, is) = (loudness(&before), loudness(&after));
        assert!((was + 16.0).abs() > 1.5, "{}: already at {was} LUFS", recipe.file);
        assert!((is + 16.0).abs() <= 1.0, "{}: from {was} to {is} LUFS", recipe.file);
        assert_eq!(before.read.bursts.len(), after.read.bursts.len());
        for (a, b) in before.read.bursts.iter().zip(&after.read.bursts) {
            assert!((a.at - b.at).abs() < 0.01 && (a.pitch - b.pitch).abs() <= 20.0, "{}: {a:?} {b:?}", recipe.file);
        }
    }
}

#[tokio::test]
async fn silence_is_not_made_loud() {
    let film = source(&Recipe::late_sound());
    let mut wanted = spec(&film, Span::from_millis(200, 1700));
    wanted.encode.normalize_loudness = true;
    let cut = cut(&film, &wanted).await.unwrap();
    assert!(cut.made.has_audio && cut.read.bursts.is_empty());
}

#[tokio::test]
async fn the_poster_shows_the_middle_of_the_scene_without_subtitles() {
    let film = source(&Recipe::no_audio());
    let scene = Span::from_millis(2000, 4000);
    let line = BurnLine { span: scene, source: Some("Take it easy"), target: None };
    let burnt = burnt(&film, &[line], scene).await;
    let still = langflix_testkit::video::Clip::read(burnt.dir.path(), "poster.jpg").unwrap();
    assert!(still.frames[0].number.abs_diff(90) <= 1, "{:?}", still.frames);
    let plain = cut(&film, &spec(&film, scene)).await.unwrap();
    assert_eq!(plain.made.blobs["poster.jpg"], burnt.made.blobs["poster.jpg"]);
    assert_ne!(plain.made.blobs["clip.mp4"], burnt.made.blobs["clip.mp4"]);
}

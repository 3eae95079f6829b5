//! What is no video, what is only half of one, what has a hostile name, and real videos that are odd.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod common;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use common::{cut, ffmpeg, source, spec};
use langflix_domain::{FailureKind, MediaTime, Span};
use langflix_ports::media::{Error, MediaProbe as _};
use langflix_testkit::video::{self, Recipe};

async fn refused(file: &Path) -> Error {
    let name = file.to_str().unwrap();
    let error = ffmpeg().probe(name).await.unwrap_err();
    assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{error}");
    assert!(error.message.starts_with(name) && !error.message.contains('\n'), "{error}");
    error
}

#[tokio::test]
async fn what_is_no_video_is_refused_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let make = |name: &str, args: &[&str]| {
        let args: Vec<&str> = ["-f", "lavfi", "-i"].iter().chain(args).copied().chain([name]).collect();
        video::ffmpeg(dir.path(), &args).unwrap();
    };
    make("picture.png", &["color=s=64x64", "-frames:v", "1"]);
    make("song.mp3", &["sine=d=1"]);
    make("sound.m4a", &["sine=d=1"]);
    fs::rename(dir.path().join("picture.png"), dir.path().join("picture.mp4")).unwrap();
    fs::rename(dir.path().join("song.mp3"), dir.path().join("song.mkv")).unwrap();
    fs::write(dir.path().join("text.mkv"), "Once upon a time\n".repeat(1000)).unwrap();
    fs::write(dir.path().join("empty.mkv"), "").unwrap();
    fs::write(dir.path().join("zeros.mp4"), vec![0; 100_000]).unwrap();
    for (name, said) in [
        ("picture.mp4", "give the video itself"),
        ("song.mkv", "give the video itself"),
        ("sound.m4a", "no video stream"),
        ("text.mkv", "not a video"),
        ("empty.mkv", "the file is empty"),
        ("zeros.mp4", "not a video"),
        ("missing.mkv", "there is no such file"),
        (".", "this is no file"),
    ] {
        let error = refused(&dir.path().join(name)).await;
        assert!(error.message.contains(said), "{error}");
    }
}

#[tokio::test]
async fn scripts_and_playlists_open_no_other_file() {
    let dir = tempfile::tempdir().unwrap();
    symlink(source(&Recipe::no_audio()), dir.path().join("secret.mp4")).unwrap();
    for (name, text) in [
        ("script.mkv", "ffconcat version 1.0\nfile secret.mp4\n"),
        ("playlist.ts", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:8,\nsecret.mp4\n#EXT-X-ENDLIST\n"),
        ("manifest.mp4", "<?xml version=\"1.0\"?><MPD><Period/></MPD>"),
        ("description.mkv", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
        refused(&dir.path().join(name)).await;
    }
}

#[tokio::test]
async fn a_name_of_any_characters_is_only_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let film = source(&Recipe::no_audio());
    for name in [
        "a'b:c%d\\e,f [x];=@#$.mkv",
        "-i.mp4",
        "file:x.mp4",
        "concat:a|b.mp4",
        "two\nlines.mp4",
        "%03d.mp4",
        "드라마 \u{202e}1화.mp4",
        " $(touch gone) `x` .mp4",
    ] {
        let named = dir.path().join(name);
        symlink(&film, &named).unwrap();
        let mut spec = spec(&named, Span::from_millis(1000, 1500));
        spec.burn = Some(String::from("[Events]\n"));
        let cut = cut(&named, &spec).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(cut.read.frames[0].number, 30, "{name}");
    }
}

#[tokio::test]
async fn a_relative_name_is_read_from_our_folder_although_ffmpeg_works_elsewhere() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let film = up.join(source(&Recipe::no_audio()).strip_prefix("/").unwrap());
    std::env::set_current_dir(here).unwrap();
    let cut = cut(&film, &spec(&film, Span::from_millis(1000, 1500))).await.unwrap();
    assert_eq!(cut.read.frames[0].number, 30);
}

/// The first half of the file, under the same ending.
fn half_of(dir: &Path, film: &Path) -> PathBuf {
    cut_off(dir, film, fs::metadata(film).unwrap().len() as usize / 2)
}

/// The first so many bytes.
fn cut_off(dir: &Path, film: &Path, bytes: usize) -> PathBuf {
    let part = dir.join(film.file_name().unwrap());
    fs::write(&part, &fs::read(film).unwrap()[..bytes]).unwrap();
    part
}

#[tokio::test]
async fn half_a_film_gives_the_clips_of_its_half_and_one_line_for_each_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    for recipe in [Recipe::hevc_10_bit(), Recipe::webm(), Recipe::transport_stream()] {
        let half = half_of(dir.path(), &source(&recipe));
        let early = cut(&half, &spec(&half, Span::from_millis(500, 1500))).await.unwrap();
        let rate = recipe.rate.0 / recipe.rate.1;
        assert!(early.read.frames[0].number.abs_diff(rate / 2) <= 1, "{}", recipe.file);
        let end = i64::from(recipe.seconds) * 1000;
        let late = cut(&half, &spec(&half, Span::from_millis(end - 2000, end - 500))).await.err();
        let late = late.unwrap_or_else(|| panic!("{}: a clip of what is not there", recipe.file));
        assert_eq!((late.kind, late.transient), (FailureKind::Input, false), "{late}");
        let said = [half.to_str().unwrap(), "cut off?"];
        assert!(said.iter().all(|said| late.message.contains(said)) && !late.message.contains('\n'), "{late}");
    }
}

// Else a worker would take it for its encoder's failure, and pause.
#[tokio::test]
async fn a_film_of_which_hardly_anything_is_there_fails_by_its_own_fault() {
    let dir = tempfile::tempdir().unwrap();
    for recipe in [Recipe::hevc_10_bit(), Recipe::webm(), Recipe::long_gop(), Recipe::transport_stream()] {
        for bytes in (500..8000).step_by(1500) {
            let part = cut_off(dir.path(), &source(&recipe), bytes);
            let error = cut(&part, &spec(&part, Span::from_millis(3000, 4000))).await.err();
            let error = error.unwrap_or_else(|| panic!("{}: a clip of what is not there", recipe.file));
            assert_eq!((error.kind, error.transient), (FailureKind::Input, false), "{}, {bytes}: {error}", recipe.file);
        }
    }
}

#[tokio::test]
async fn half_an_mp4_whose_index_stood_at_the_end_cannot_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let half = half_of(dir.path(), &source(&Recipe::long_gop()));
    let error = refused(&half).await;
    assert!(error.message.contains("moov atom not found"), "{error}");
}

#[tokio::test]
async fn the_distance_of_keyframes_and_the_rate_are_measured() {
    let probe = async |recipe: Recipe| ffmpeg().probe(source(&recipe).to_str().unwrap()).await.unwrap();
    let film = probe(Recipe::long_gop()).await;
    let gap = film.keyframe_interval.unwrap();
    assert!((gap - MediaTime::from_millis(10_427)).as_millis().abs() <= 1, "{gap}");
    assert_eq!((film.video.frame_rate, film.video.variable_frame_rate), ((24_000, 1001), false));
    let mixed = probe(Recipe::variable_rate()).await;
    assert!(mixed.video.variable_frame_rate);
    let fields = probe(Recipe::interlaced()).await;
    assert!(fields.video.interlaced && !fields.video.variable_frame_rate);
    assert_eq!(fields.video.frame_rate, (25, 1));
    // AAC begins a little before the picture.
    let late = probe(Recipe::late_clock("late.mp4")).await.start_time;
    assert!((4950..=5000).contains(&late.as_millis()), "{late}");
    assert_eq!(probe(Recipe::rotated()).await.video.rotation.rem_euclid(360) % 180, 90);
}

#[tokio::test]
async fn real_odd_videos_give_right_clips() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/video");
    let Ok(list) = fs::read_to_string(dir.join("SOURCES.tsv")) else {
        eprintln!("SKIPPED: {} is not here", dir.display());
        return;
    };
    for name in list.lines().skip(1).filter_map(|line| line.split('\t').next()) {
        let film = dir.join(name);
        let info = ffmpeg().probe(film.to_str().unwrap()).await.unwrap();
        let length = info.duration.as_millis();
        let scene = Span::from_millis(length / 4, length / 4 + (length / 3).min(1200));
        let cut = cut(&film, &spec(&film, scene)).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (frames, per) = info.video.frame_rate;
        let per = i64::from(per) * 1000;
        let expected = (scene.duration().as_millis() * i64::from(frames) + per - 1) / per;
        assert!((cut.read.frames.len() as i64 - expected).abs() <= 1, "{name}: {} frames", cut.read.frames.len());
        assert_eq!(cut.made.has_audio, !info.audio.is_empty(), "{name}");
        let upright = info.video.rotation % 180 == 0;
        assert_eq!(cut.made.width > cut.made.height, upright, "{name}: {}x{}", cut.made.width, cut.made.height);
    }
}

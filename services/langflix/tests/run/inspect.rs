use std::fs;

use langflix_testkit::gpu::StandIn;
use serde_json::Value;
use tempfile::tempdir;

use crate::support::{complaint, complete, episode, langflix, manifest, run, said};

fn report(path: &std::path::Path) -> Value {
    let said = complete(langflix(["inspect", "--json"]).arg(path));
    assert_eq!(said.out.lines().count(), 1);
    serde_json::from_str(&said.out).unwrap()
}

#[test]
fn subtitles_are_told_with_format_encoding_language_times_and_what_is_odd() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("Show.S01E01.ko.srt");
    let text = "1\n00:00:01,000 --> 00:00:02,500\n안녕하세요\n\n2\n00:00:03,000 --> 00:00:04,000\n\n3\n00:00:05.000 --> 00:00:06,000\n잘 지냈어요?\n";
    let (bytes, _, lossy) = encoding(text);
    assert!(!lossy);
    fs::write(&path, bytes).unwrap();
    let report = report(&path);
    assert_eq!((&report["format"], &report["cues"]), (&"SubRip".into(), &2.into()));
    assert_eq!((&report["first_ms"], &report["last_ms"]), (&1000.into(), &6000.into()));
    assert_eq!((&report["encoding"], &report["language"]), (&"EUC-KR".into(), &"ko".into()));
    let kinds: Vec<&str> =
        report["diagnostics"].as_array().unwrap().iter().map(|d| d["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"empty_cue"), "{kinds:?}");
}

fn encoding(text: &str) -> (Vec<u8>, &'static str, bool) {
    let (bytes, encoding, lossy) = encoding_rs::EUC_KR.encode(text);
    (bytes.into_owned(), encoding.name(), lossy)
}

#[test]
fn a_video_is_told_with_its_streams_and_the_encoder_that_would_be_used() {
    let report = report(&episode());
    assert_eq!(report["video"]["codec"], "h264");
    assert_eq!(report["video"]["frame_rate"], serde_json::json!([24, 1]));
    assert!(report["duration"].as_i64().unwrap() > 60_000);
    assert!(report["keyframe_interval"].as_i64().is_some_and(|ms| (1..=10_000).contains(&ms)), "{report}");
    assert_eq!(report["audio"].as_array().unwrap().len(), 1);
    assert!(report["subtitles"].as_array().unwrap().is_empty());
    assert_eq!(report["encoder"], "libx264");
    let plain = complete(langflix(["inspect"]).arg(episode())).out;
    assert!(plain.contains("24.000 frames a second") && plain.contains("keyframes every"), "{plain}");
}

#[test]
fn a_gpu_that_encodes_nothing_is_told_and_software_takes_its_place_unless_it_was_asked_for() {
    let machine = StandIn::new();
    machine.h200();
    let told = |settings: &[&str]| said(langflix(["inspect"]).args(settings).arg(episode()).envs(machine.env()));
    let automatic = told(&[]);
    assert!(automatic.out.contains("clips would be encoded with libx264"), "{automatic:?}");
    let warns = |word| automatic.err.lines().count() == 1 && automatic.err.contains(word);
    assert!(warns("NVIDIA H200") && warns("encoded in software") && warns("unsupported device (2)"), "{automatic:?}");
    let asked = told(&["--set", "video.hardware_acceleration=nvenc"]);
    let why =
        "no clip could be encoded: video.hardware_acceleration: give another one, or auto: h264_nvenc cannot be used";
    assert!(asked.out.contains(why) && asked.err.is_empty(), "{asked:?}");
    assert_eq!(told(&["--set", "video.hardware_acceleration=none"]).err, "");
}

#[test]
fn a_file_that_cannot_be_used_is_told_beside_those_that_can() {
    let dir = tempdir().unwrap();
    let (good, bad) = (dir.path().join("good.srt"), dir.path().join("bad.srt"));
    fs::write(&good, "1\n00:00:01,000 --> 00:00:02,000\nHi.\n").unwrap();
    fs::write(&bad, "").unwrap();
    let said = said(langflix(["inspect"]).arg(&good).arg(&bad));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.out.contains("1 cue from") && complaint(&said).contains("empty"), "{said:?}");
}

/// A pipe whose reader is gone.
fn unread() -> std::io::PipeWriter {
    std::io::pipe().unwrap().1
}

#[test]
fn a_reader_that_has_gone_away_is_no_fault() {
    let dir = tempdir().unwrap();
    let (good, bad) = (dir.path().join("good.srt"), dir.path().join("bad.srt"));
    fs::write(&good, "1\n00:00:01,000 --> 00:00:02,000\nHi.\n").unwrap();
    fs::write(&bad, "").unwrap();
    for args in [&["inspect"] as &[&str], &["inspect", "--json"]] {
        let inspected = said(langflix(args).arg(&good).stdout(unread()));
        assert_eq!((inspected.code, inspected.err.as_str()), (Some(0), ""));
    }
    let inspected = langflix(["inspect"]).args([&good, &bad]).stderr(unread()).output().unwrap();
    assert_eq!(inspected.status.code(), Some(2));
    for args in [&["config", "show"] as &[&str], &["config", "show", "--json"], &["run", "--help"]] {
        assert_eq!(said(langflix(args).stdout(unread())).code, Some(0), "{args:?}");
    }
    let usage = langflix(["config", "show", "--set", "video.kodec=x"]).stderr(unread()).output().unwrap();
    assert_eq!(usage.status.code(), Some(64));
    let out = dir.path().join("out");
    let run = run(&episode(), &out).arg("--dry-run").stdout(unread()).stderr(unread()).status().unwrap();
    assert_eq!(run.code(), Some(0));
    assert_eq!(manifest(&out)["status"], "complete");
}

#[test]
fn what_cannot_be_written_is_told() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let said = said(langflix(["inspect"]).arg(episode().with_extension("srt")).stdout(full));
    assert_eq!(said.code, Some(1));
    assert!(complaint(&said).contains("standard output: No space left"), "{said:?}");
}

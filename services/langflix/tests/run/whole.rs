use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::SystemTime};

use serde_json::Value;
use tempfile::tempdir;

use crate::{
    support::{
        complaint, complete, episode, files, langflix, lasting, manifest, manifest_of, program, results, run, said,
        season, tools,
    },
    teacher::Teacher,
};

#[test]
fn an_episode_becomes_clips_with_subtitles_in_both_languages_a_page_and_a_manifest() {
    let dir = tempdir().unwrap();
    let said = complete(&mut run(&episode(), dir.path()));
    let manifest = manifest(dir.path());
    assert_eq!((&manifest["status"], &manifest["version"]), (&"complete".into(), &1.into()));
    let clips = manifest["clips"].as_array().unwrap();
    assert_eq!(clips.len(), 2, "{said:?}");
    let mut expected = vec!["index.html".to_owned(), "manifest.json".to_owned()];
    for clip in clips {
        expected.extend(clip["files"].as_object().unwrap().values().map(|path| path.as_str().unwrap().to_owned()));
        let line = clip["line"].as_str().unwrap();
        let scene: Vec<&str> =
            clip["cues"].as_array().unwrap().iter().map(|cue| cue["text"].as_str().unwrap()).collect();
        assert!(scene.contains(&line), "{line} is not in {scene:?}");
        assert!(clip["line_translation"].as_str().is_some_and(|text| text.chars().any(|c| ('가'..='힣').contains(&c))));
        let vtt = fs::read_to_string(results(dir.path()).join(clip["files"]["subtitles"].as_str().unwrap())).unwrap();
        assert!(vtt.starts_with("WEBVTT\n\n00:00:00.") && vtt.contains(line), "{vtt}");
        let korean = fs::read_to_string(results(dir.path()).join(clip["files"]["target_subtitles"].as_str().unwrap()));
        assert_eq!(korean.unwrap().lines().filter(|l| l.contains("-->")).count(), scene.len());
    }
    expected.sort();
    assert_eq!(files(&results(dir.path())), expected);
    let honest = manifest["notes"].as_array().unwrap()[0].as_str().unwrap();
    assert!(honest.contains("offline lexicon does not translate"), "{honest}");
    assert!(clips.iter().all(|clip| clip["translation"].is_null()));
}

#[test]
fn results_below_the_season_s_own_folder_are_no_episodes_of_it() {
    let dir = tempdir().unwrap();
    for file in ["mkv", "srt"] {
        fs::copy(episode().with_extension(file), dir.path().join(format!("Show.S01E01.{file}"))).unwrap();
    }
    for _ in 0..2 {
        complete(run(dir.path(), dir.path()).args(["--max-expressions", "1", "--quality", "fast"]));
    }
    assert!(dir.path().join("Show/S01E01/clips").exists());
}

#[test]
fn a_language_that_no_font_writes_is_told_where_it_is_to_be_drawn() {
    let dir = tempdir().unwrap();
    for (language, burn, told) in [("x-nobodys", "target", true), ("x-nobodys", "source", false), ("ko", "both", false)]
    {
        let mut command = run(&episode(), &dir.path().join(burn));
        command.args(["--language", language, "--burn", burn, "--max-expressions", "1", "--quality", "fast"]);
        let said = complete(&mut command);
        assert_eq!(said.err.contains("no font is installed"), told, "{language} {burn}: {said:?}");
    }
}

#[test]
fn the_same_command_again_does_nothing_twice_and_says_the_same() {
    let dir = tempdir().unwrap();
    complete(&mut run(&episode(), dir.path()));
    let first = manifest(dir.path());
    let made = |path: &str| -> SystemTime { results(dir.path()).join(path).metadata().unwrap().modified().unwrap() };
    let clip = first["clips"][0]["files"]["video"].as_str().unwrap().to_owned();
    let before = made(&clip);
    let said = complete(run(&episode(), dir.path()).arg("--json"));
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for event in events.iter().filter(|event| event["event"] == "stage_planned") {
        assert_eq!(event["tasks"], event["done"], "{event}");
    }
    assert!(events.iter().any(|event| event["event"] == "run_finished" && event["status"] == "complete"));
    let last = events.last().unwrap();
    let page = results(dir.path()).join("index.html");
    assert_eq!((last["event"].as_str(), last["page"].as_str()), (Some("delivered"), page.to_str()));
    assert_eq!((&last["clips"], &last["notes"]), (&first["completeness"]["clips_ok"], &first["notes"]));
    assert_eq!(manifest(dir.path()), first);
    assert_eq!(made(&clip), before);
}

#[test]
fn a_season_is_paired_ordered_and_indexed_and_the_suffix_tells_the_language() {
    let dir = tempdir().unwrap();
    let mut command = langflix(["run"]);
    command.arg(season()).args(["--target-subs-suffix", ".ko", "--max-expressions", "1", "--quality", "fast"]);
    let said = complete(command.arg("--out").arg(dir.path()));
    let index = fs::read_to_string(dir.path().join("The Long Way Home/index.html")).unwrap();
    for code in ["S01E01", "S01E02", "S01E03"] {
        assert!(said.out.contains(&format!("The Long Way Home {code}: complete")), "{said:?}");
        assert!(index.contains(&format!("{code}/index.html")));
        let manifest = manifest_of(&dir.path().join("The Long Way Home").join(code));
        assert_eq!((&manifest["language"], &manifest["completeness"]["clips_ok"]), (&"ko".into(), &1.into()));
    }
}

#[test]
fn what_a_dry_run_asked_is_not_asked_again() {
    let (dir, teacher) = (tempdir().unwrap(), Teacher::new());
    complete(run(&episode(), dir.path()).args(teacher.arguments()).arg("--dry-run"));
    assert!(manifest(dir.path())["clips"].as_array().unwrap().iter().all(|clip| clip["files"].is_null()));
    assert_eq!(files(&results(dir.path())), ["index.html", "manifest.json"]);
    let asked = teacher.requests();
    assert!(asked >= 3, "{asked} chunks");
    complete(run(&episode(), dir.path()).args(teacher.arguments()));
    assert_eq!(teacher.requests(), asked);
    assert_eq!(manifest(dir.path())["completeness"]["clips_ok"], 2);
}

#[test]
fn a_dry_run_removes_no_clip_and_the_next_whole_run_those_that_it_does_not_list() {
    let dir = tempdir().unwrap();
    complete(&mut run(&episode(), dir.path()));
    let first = manifest(dir.path());
    let clips = || files(&results(dir.path()).join("clips"));
    let (before, places) = (clips(), first["clips"].as_array().unwrap().len());
    assert_eq!(before.len(), places * 4);
    // Other expressions than before, and none of them cut, twice.
    for most in ["1", "3"] {
        complete(run(&episode(), dir.path()).args(["--dry-run", "--max-expressions", most]));
        assert_eq!(manifest(dir.path())["clips"].as_array().unwrap().len().to_string(), most);
        assert_eq!(clips(), before);
    }
    complete(run(&episode(), dir.path()).args(["--max-expressions", "1"]));
    assert_eq!(clips().len(), 4, "{:?}", clips());
    assert!(!results(dir.path()).join(".replaced.json").exists());
}

#[test]
fn lines_are_translated_from_the_target_subtitles_and_not_by_the_model() {
    let (dir, teacher) = (tempdir().unwrap(), Teacher::new());
    complete(run(&episode(), dir.path()).args(teacher.arguments()));
    let manifest = manifest(dir.path());
    assert_eq!(manifest["clips"][0]["translation"], "표현");
    assert_ne!(manifest["clips"][0]["line_translation"], "한 줄");
    assert!(teacher.asked().keys().all(|prompt| !prompt.contains("scene_translations")));
}

/// The first episode with subtitle tracks in it: the extension of each file beside the sample, and what it is labelled.
fn with_tracks(video: &Path, tracks: &[(&str, &str)]) {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(episode());
    for (extension, _) in tracks {
        ffmpeg.arg("-i").arg(episode().with_extension(extension));
    }
    ffmpeg.args(["-map", "0", "-c", "copy"]);
    for (at, (_, language)) in tracks.iter().enumerate() {
        ffmpeg.args(["-map", &format!("{}", at + 1)]);
        ffmpeg.args([&format!("-metadata:s:s:{at}"), &format!("language={language}")]);
    }
    assert!(ffmpeg.arg("-y").arg(video).status().unwrap().success());
}

/// What a manifest teaches, and where.
fn taught(manifest: &Value) -> Vec<Value> {
    let clips = manifest["clips"].as_array().unwrap();
    clips.iter().map(|clip| serde_json::json!([clip["line"], clip["line_translation"], clip["scene"]])).collect()
}

#[test]
fn subtitles_inside_the_video_are_found() {
    let dir = tempdir().unwrap();
    let video = dir.path().join("The.Long.Way.Home.S01E01.mkv");
    with_tracks(&video, &[("srt", "eng"), ("ko.srt", "kor")]);
    let (inside, beside) = (dir.path().join("inside"), dir.path().join("beside"));
    complete(&mut run(&video, &inside));
    complete(&mut run(&episode(), &beside));
    let (inside, beside) = (lasting(manifest(&inside)), lasting(manifest(&beside)));
    assert_eq!(inside["subtitles"]["name"], "The.Long.Way.Home.S01E01.mkv#2");
    assert_eq!(taught(&inside), taught(&beside));
}

#[test]
fn what_is_known_of_a_video_is_asked_once() {
    let dir = tempdir().unwrap();
    let video = dir.path().join("The.Long.Way.Home.S01E01.mkv");
    with_tracks(&video, &[("srt", "eng"), ("ko.srt", "kor")]);
    let log = dir.path().join("asked");
    let bin = tools(
        dir.path(),
        &format!("case \"$*\" in *pipe:1) echo \"$*\" >>'{}';; esac\nexec \"$real\" \"$@\"", log.display()),
    );
    fs::remove_file(bin.join("ffprobe")).unwrap();
    let ffprobe =
        format!("#!/bin/sh\necho \"$*\" >>'{}'\nexec '{}' \"$@\"\n", log.display(), program("ffprobe").display());
    fs::write(bin.join("ffprobe"), ffprobe).unwrap();
    fs::set_permissions(bin.join("ffprobe"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths([bin, "/usr/bin".into(), "/bin".into()]).unwrap();
    let out = dir.path().join("out");
    let asked = || fs::read_to_string(&log).unwrap().lines().filter(|line| line.contains("Long.Way")).count();
    complete(run(&video, &out).arg("--dry-run").env("PATH", &path));
    // Its streams, its packets, and each track.
    assert_eq!(asked(), 4, "{}", fs::read_to_string(&log).unwrap());
    complete(run(&video, &out).args(["--dry-run", "--level", "beginner"]).env("PATH", &path));
    assert_eq!(asked(), 4);
    // Another file under the same name is asked anew.
    with_tracks(&video, &[("srt", "eng")]);
    complete(run(&video, &out).arg("--dry-run").env("PATH", &path));
    assert_eq!(asked(), 7, "{}", fs::read_to_string(&log).unwrap());
}

#[test]
fn of_several_tracks_in_the_target_language_one_has_to_be_chosen() {
    let dir = tempdir().unwrap();
    let video = dir.path().join("The.Long.Way.Home.S01E01.mkv");
    with_tracks(&video, &[("srt", "eng"), ("ko.srt", "kor"), ("ko.srt", "kor")]);
    let said = said(run(&video, dir.path()).arg("--dry-run"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let complaint = complaint(&said);
    assert!(
        complaint.contains("(3 kor subrip; 4 kor subrip)") && complaint.contains("--target-subs-track"),
        "{complaint}"
    );
    complete(run(&video, dir.path()).args(["--dry-run", "--target-subs-track", "4"]));
    let manifest = manifest(dir.path());
    assert_eq!(manifest["target_subtitles"]["name"], "The.Long.Way.Home.S01E01.mkv#4");
    assert!(taught(&manifest).iter().all(|clip| clip[1].is_string()), "{manifest}");
}

#[test]
fn what_is_odd_in_a_subtitle_file_is_counted_in_the_manifest_and_shown_when_asked_for() {
    let dir = tempdir().unwrap();
    let video = dir.path().join("Show.S01E01.mkv");
    fs::copy(episode(), &video).unwrap();
    let subtitles = fs::read_to_string(episode().with_extension("srt")).unwrap();
    let odd = "900\n00:00:00,100 --> 00:00:00,200\n\n";
    fs::write(video.with_extension("srt"), format!("{odd}{subtitles}")).unwrap();
    let out = dir.path().join("out");
    let said = complete(run(&video, &out).args(["--dry-run", "--verbose"]));
    let counted = &manifest_of(&out.join("Show/S01E01"))["diagnostics"];
    let empty = counted.as_array().unwrap().iter().find(|count| count["kind"] == "empty_cue").unwrap();
    assert_eq!((&empty["file"], &empty["count"]), (&"Show.S01E01.srt".into(), &1.into()));
    let shown = said.err.lines().find(|line| line.contains("empty_cue")).unwrap();
    assert!(shown.contains("Show.S01E01.srt") && shown.contains("line=2"), "{shown}");
}

#[test]
fn quiet_says_nothing_and_plain_output_says_each_step() {
    let dir = tempdir().unwrap();
    let said = complete(&mut run(&episode(), dir.path()));
    assert!(said.err.contains("encoding: 2 clips") && said.err.contains("2 of 2 clips: "), "{said:?}");
    let quiet = complete(run(&episode(), &dir.path().join("quiet")).arg("--quiet"));
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
}

#[test]
fn quiet_says_errors_only_and_no_warnings() {
    let dir = tempdir().unwrap();
    let video = dir.path().join("Show.S01E01.mkv");
    fs::copy(episode(), &video).unwrap();
    let german = "Ich habe dir doch gesagt, dass wir morgen fahren und nicht heute.";
    fs::write(video.with_extension("srt"), format!("1\n00:00:01,000 --> 00:00:09,000\n{german}\n")).unwrap();
    let warned = complete(run(&video, dir.path()).arg("--dry-run"));
    assert!(warned.err.contains("another language"), "{warned:?}");
    assert!(warned.out.contains("  The subtitles seem to be in de, not in en.\n"), "{warned:?}");
    let quiet = complete(run(&video, dir.path()).args(["--dry-run", "--quiet"]));
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    fs::write(video.with_extension("srt"), "").unwrap();
    let failed = said(run(&video, dir.path()).args(["--dry-run", "--quiet"]));
    assert!(failed.code == Some(1) && complaint(&failed).contains("empty"), "{failed:?}");
}

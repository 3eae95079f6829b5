//! Bad input: one clear line, the exit code, no panic.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::Write as _,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::Command,
};

use tempfile::{TempDir, tempdir};

use crate::{
    support::{complaint, episode, langflix, run, said, tools},
    teacher::Teacher,
};

/// A copy of the first episode with its subtitles, to be spoilt.
struct Copy {
    dir: TempDir,
}

impl Copy {
    fn new() -> Self {
        let dir = tempdir().unwrap();
        let copy = Self { dir };
        for extension in ["mkv", "srt"] {
            fs::copy(episode().with_extension(extension), copy.video().with_extension(extension)).unwrap();
        }
        copy
    }

    fn video(&self) -> std::path::PathBuf {
        self.dir.path().join("Show.S01E01.mkv")
    }

    fn subtitles(&self) -> std::path::PathBuf {
        self.video().with_extension("srt")
    }

    fn run(&self) -> Command {
        run(&self.video(), &self.dir.path().join("out"))
    }

    /// The complaint of a run that fails.
    fn complaint(&self) -> String {
        failing(&mut self.run())
    }
}

fn failing(command: &mut Command) -> String {
    let said = said(command);
    assert_eq!(said.code, Some(1), "{said:?}");
    complaint(&said).to_owned()
}

fn holds(complaint: &str, parts: &[&str]) {
    for part in parts {
        assert!(complaint.contains(part), "'{part}' is not in: {complaint}");
    }
}

#[test]
fn no_such_file() {
    let dir = tempdir().unwrap();
    let complaint = failing(&mut run(&dir.path().join("gone.S01E01.mkv"), dir.path()));
    holds(&complaint, &["gone.S01E01.mkv", "nothing has this name"]);
    let told = said(run(&dir.path().join("gone.S01E01.mkv"), dir.path()).arg("--json"));
    let event: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(complaint, format!("error: {}", event["error"].as_str().unwrap()));
    assert_eq!(event["event"], "failed");
}

#[test]
fn a_name_with_a_line_break_and_one_that_is_no_text() {
    let dir = tempdir().unwrap();
    let broken = dir.path().join("a\nb.S01E01.mkv");
    holds(&failing(&mut run(&broken, dir.path())), &["a\\nb.S01E01.mkv", "nothing has this name"]);
    holds(&failing(langflix(["inspect"]).arg(&broken)), &["a\\nb.S01E01.mkv", "no such file"]);
    let raw = dir.path().join(OsStr::from_bytes(b"Show.S01E01.\xff.mkv"));
    fs::copy(episode(), &raw).unwrap();
    fs::copy(episode().with_extension("srt"), raw.with_extension("srt")).unwrap();
    for command in [&mut run(&raw, dir.path()), langflix(["inspect"]).arg(&raw)] {
        holds(&failing(command), &["Show.S01E01.", ".mkv", "not UTF-8", "rename"]);
    }
    holds(&failing(langflix(["inspect"]).arg(dir.path())), &["folder", "give a subtitle or video file"]);
}

#[test]
fn a_show_without_a_name() {
    for name in ["", "..", " - "] {
        let said = said(Copy::new().run().args(["--show", name]));
        assert_eq!(said.code, Some(64), "{said:?}");
        holds(complaint(&said), &["--show", "a letter or a digit"]);
    }
}

#[test]
fn a_show_whose_folder_another_show_has() {
    let dir = tempdir().unwrap();
    let out = dir.path().join("out");
    for (show, complains) in [("A:B", false), ("A*B", true), ("A:B", false), ("CON", false), ("NUL", false)] {
        let said = said(Copy::new().run().args(["--dry-run", "--show", show, "--out"]).arg(&out));
        assert_eq!(said.code, Some(i32::from(complains)), "{said:?}");
        if complains {
            holds(complaint(&said), &["A*B S01E01", "out/A B/S01E01", "another show, 'A:B'", "--out or --show"]);
        }
    }
    for folder in ["A B", "_CON", "_NUL"] {
        assert!(out.join(folder).join("S01E01/manifest.json").exists(), "{folder}");
    }
}

#[test]
fn a_track_of_forced_lines_alone_is_named_as_such() {
    let copy = Copy::new();
    let forced = copy.dir.path().join("Forced.S01E01.mkv");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(copy.video())
        .arg("-i")
        .arg(copy.subtitles())
        .args(["-map", "0", "-map", "1", "-c", "copy", "-metadata:s:s:0", "language=eng", "-disposition:s:0", "forced"])
        .arg(&forced)
        .status();
    assert!(made.unwrap().success());
    let complaint = failing(&mut run(&forced, &copy.dir.path().join("out")));
    holds(&complaint, &["no en subtitles", "2 eng subrip, forced", "--subs-track"]);
    let told = said(langflix(["inspect"]).arg(&forced));
    assert!(told.out.contains("track 2: subtitles, eng, subrip (text), forced"), "{told:?}");
}

#[test]
fn wrong_usage_is_an_event_too() {
    let told = said(&mut langflix(["run", "--json"]));
    let event: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((told.code, &event["event"]), (Some(64), &"failed".into()));
    holds(event["error"].as_str().unwrap(), &["required arguments"]);
}

#[test]
fn what_is_no_video() {
    let copy = Copy::new();
    fs::write(copy.video(), "I am a text that calls itself a film.\n".repeat(100)).unwrap();
    holds(&copy.complaint(), &["Show.S01E01.mkv", "not a video"]);
}

#[test]
fn a_video_without_a_picture() {
    let copy = Copy::new();
    let sound = ["-v", "error", "-y", "-f", "lavfi", "-i", "sine=d=130", "-c:a", "aac"];
    assert!(Command::new("ffmpeg").args(sound).arg(copy.video()).status().unwrap().success());
    holds(&copy.complaint(), &["Show.S01E01.mkv", "no video stream"]);
}

#[test]
fn a_truncated_video() {
    let copy = Copy::new();
    let bytes = fs::read(copy.video()).unwrap();
    fs::write(copy.video(), &bytes[..bytes.len() / 3]).unwrap();
    let said = said(&mut copy.run());
    // What lies before the cut is cut into clips, what lies behind it is not.
    assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    holds(complaint(&said), &["Show.S01E01.mkv", "cut off"]);
}

#[test]
fn subtitles_of_another_film() {
    let copy = Copy::new();
    let cues = (0..400).map(|n| {
        format!("{}\n{:02}:{:02}:00,000 --> {:02}:{:02}:02,000\nLine {n}.\n\n", n + 1, n / 60, n % 60, n / 60, n % 60)
    });
    fs::write(copy.subtitles(), cues.collect::<String>()).unwrap();
    holds(&copy.complaint(), &["Show.S01E01.srt", "after the end", "another film", "--subs"]);
}

#[test]
fn the_same_subtitles_for_both_languages() {
    let copy = Copy::new();
    let twin = copy.dir.path().join("Show.S01E01.ko.srt");
    for target in [&copy.subtitles(), &twin] {
        fs::copy(copy.subtitles(), &twin).unwrap();
        let complaint = failing(copy.run().arg("--subs").arg(copy.subtitles()).arg("--target-subs").arg(target));
        holds(&complaint, &["Show.S01E01.srt and Show.S01E01.", "the same subtitles", "--target-subs"]);
    }
    holds(&copy.complaint(), &["Show.S01E01.srt and Show.S01E01.ko.srt", "the same subtitles"]);
}

#[test]
fn empty_subtitles() {
    let copy = Copy::new();
    fs::write(copy.subtitles(), "").unwrap();
    holds(&copy.complaint(), &["Show.S01E01.srt", "empty"]);
    fs::write(copy.subtitles(), "no timing here\nat all\n").unwrap();
    holds(&copy.complaint(), &["Show.S01E01.srt", "no usable cue", "SubRip"]);
}

#[test]
fn subtitles_that_are_a_pipe() {
    let copy = Copy::new();
    let pipe = copy.dir.path().join("pipe.srt");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    holds(&failing(copy.run().arg("--subs").arg(&pipe)), &["pipe.srt", "no file"]);
}

#[test]
fn one_unreadable_episode_of_a_season_costs_that_one_only() {
    let copy = Copy::new();
    fs::write(copy.dir.path().join("Show.S01E02.mkv"), "no film").unwrap();
    fs::copy(copy.subtitles(), copy.dir.path().join("Show.S01E02.srt")).unwrap();
    let out = copy.dir.path().join("out");
    let said = said(run(copy.dir.path(), &out).args(["--dry-run", "--json"]));
    assert_eq!(said.code, Some(2), "{said:?}");
    holds(complaint(&said), &["Show S01E02", "not a video"]);
    let events: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().any(|event| event["event"] == "run_finished" && event["status"] == "complete"));
    assert!(events.iter().any(|event| event["event"] == "episode_failed" && event["episode"] == "Show S01E02"));
    let page = fs::read_to_string(out.join("Show/index.html")).unwrap();
    holds(&page, &["What could not be worked on (1)", "S01E02: <bdi>", "not a video", "S01E01/index.html"]);
}

#[test]
fn no_subtitles_or_several() {
    let copy = Copy::new();
    fs::copy(copy.subtitles(), copy.video().with_extension("vtt")).unwrap();
    holds(&copy.complaint(), &["Show.S01E01.srt", "Show.S01E01.vtt", "--subs"]);
    fs::remove_file(copy.subtitles()).unwrap();
    fs::remove_file(copy.video().with_extension("vtt")).unwrap();
    fs::write(copy.dir.path().join("Other.S02E07.srt"), "").unwrap();
    holds(&copy.complaint(), &["Show.S01E01.mkv", "no en subtitles", "Other.S02E07.srt", "--subs"]);
}

#[test]
fn a_name_that_tells_no_episode_and_two_videos_of_one() {
    let copy = Copy::new();
    let nameless = copy.dir.path().join("film.mkv");
    fs::copy(copy.video(), &nameless).unwrap();
    holds(&failing(&mut run(&nameless, copy.dir.path())), &["film.mkv", "--show", "--season", "--episode"]);
    fs::remove_file(&nameless).unwrap();
    for extension in ["mkv", "srt"] {
        fs::copy(copy.video().with_extension(extension), copy.dir.path().join(format!("Show 1x01.{extension}")))
            .unwrap();
    }
    holds(&failing(&mut run(copy.dir.path(), copy.dir.path())), &["S01E01", "Show.S01E01.mkv", "Show 1x01.mkv"]);
}

/// As a user who may not do everything: these tests often run as root.
fn as_nobody(command: &mut Command) -> &mut Command {
    if rustix::process::geteuid().is_root() { command.uid(65_534).gid(65_534) } else { command }
}

fn forbid(dir: &Path, mode: u32) {
    fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_unreadable_folder() {
    let copy = Copy::new();
    let season = copy.dir.path().join("season");
    fs::create_dir(&season).unwrap();
    forbid(copy.dir.path(), 0o755);
    forbid(&season, 0o000);
    let complaint = failing(as_nobody(&mut run(&season, &copy.dir.path().join("out"))));
    forbid(&season, 0o755);
    holds(&complaint, &["season", "Permission denied"]);
}

#[test]
fn an_output_that_is_not_writable() {
    let copy = Copy::new();
    let out = copy.dir.path().join("out");
    fs::create_dir(&out).unwrap();
    forbid(copy.dir.path(), 0o755);
    forbid(&out, 0o555);
    let complaint = failing(as_nobody(&mut copy.run()));
    forbid(&out, 0o755);
    holds(&complaint, &["output folder", "out", "Permission denied"]);
    let file = copy.dir.path().join("file");
    File::create(&file).unwrap();
    holds(&failing(&mut run(&copy.video(), &file.join("out"))), &["output folder", "file/out", "Not a directory"]);
}

#[test]
fn a_full_disk() {
    let copy = Copy::new();
    let small = copy.dir.path().join("out");
    fs::create_dir(&small).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(&small).status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("skipped: a small file system cannot be mounted here");
        return;
    }
    let mut filler = File::create(small.join("filler")).unwrap();
    filler.write_all(&vec![0; 150 << 10]).unwrap();
    let said = said(&mut copy.run());
    assert!(Command::new("umount").arg("-l").arg(&small).status().unwrap().success());
    assert_eq!(said.code, Some(1), "{said:?}");
    let complaint = complaint(&said).to_lowercase();
    assert!(complaint.contains("no space left"), "{complaint}");
}

#[test]
fn no_ffmpeg_or_one_without_x264() {
    let copy = Copy::new();
    let empty = copy.dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    holds(&failing(copy.run().env("PATH", &empty)), &["ffmpeg is not on the PATH", "apt-get install ffmpeg"]);
    let poor = tools(
        copy.dir.path(),
        "case \"$*\" in *libx264*) echo \"Unknown encoder 'libx264'\" >&2; exit 1;; esac\nexec \"$real\" \"$@\"",
    );
    let path = std::env::join_paths([poor, "/usr/bin".into(), "/bin".into()]).unwrap();
    holds(&failing(copy.run().env("PATH", path)), &["libx264", "video.codec"]);
}

#[test]
fn a_dry_run_needs_no_encoder() {
    let copy = Copy::new();
    let poor = tools(copy.dir.path(), "case \"$*\" in *libx264*) exit 1;; esac\nexec \"$real\" \"$@\"");
    let path = std::env::join_paths([poor, "/usr/bin".into(), "/bin".into()]).unwrap();
    let dry = said(copy.run().arg("--dry-run").env("PATH", path));
    assert_eq!(dry.code, Some(0), "{dry:?}");
}

#[test]
fn a_wrong_key() {
    let copy = Copy::new();
    let teacher = Teacher::refusing(401);
    let said = said(copy.run().args(teacher.arguments()).env("OPENAI_API_KEY", "wrong-secret"));
    assert_eq!(said.code, Some(1), "{said:?}");
    let complaint = complaint(&said);
    holds(complaint, &["openai", "key", "OPENAI_API_KEY"]);
    assert!(!said.err.contains("wrong-secret"));
    assert!(teacher.requests() <= 2, "a key that is wrong once is not tried for every chunk");
}

#[test]
fn no_key_where_the_provider_needs_one_is_wrong_usage() {
    let copy = Copy::new();
    for key in ["", "a\nb"] {
        let said = said(copy.run().args(["--provider", "gemini"]).env("GEMINI_API_KEY", key));
        assert_eq!(said.code, Some(64), "{said:?}");
        holds(complaint(&said), &["key"]);
    }
    holds(complaint(&said(copy.run().args(["--provider", "gemini"]))), &["GEMINI_API_KEY", "llm.api_key_file"]);
}

#[test]
fn a_wrong_language_tag_or_encoder_is_wrong_usage() {
    let copy = Copy::new();
    for (flag, value, key) in
        [("--language", "korean", "run.language"), ("--set", "video.codec=libx999", "video.codec")]
    {
        let said = said(copy.run().args([flag, value]));
        assert_eq!(said.code, Some(64), "{said:?}");
        holds(complaint(&said), &[key, "allowed"]);
    }
}

#[test]
fn a_preset_of_another_encoder_is_wrong_usage() {
    let copy = Copy::new();
    let said = said(copy.run().args(["--set", "video.preset=p1"]));
    assert_eq!(said.code, Some(64), "{said:?}");
    holds(complaint(&said), &["video.preset", "'p1' is no preset of libx264", "allowed", "veryfast", "veryslow"]);
    assert!(!copy.dir.path().join("out").exists(), "nothing was begun");
}

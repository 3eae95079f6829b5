use std::{
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::tempdir;

use crate::support::{episode, manifest_of, run};

const HOURS: u32 = 2;
const MOST_KIB: u64 = 150 * 1024;

/// The sample's lines over and over, one every three seconds.
fn long_subtitles() -> String {
    let sample = fs::read_to_string(episode().with_extension("srt")).unwrap();
    let lines: Vec<&str> = sample.split("\n\n").filter_map(|block| block.splitn(3, '\n').nth(2)).collect();
    let mut srt = String::new();
    for (number, line) in (0..HOURS * 1200).zip(lines.iter().cycle()) {
        let at = |second: u32| format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60);
        write!(srt, "{}\n{},000 --> {},800\n{line}\n\n", number + 1, at(number * 3), at(number * 3 + 2)).unwrap();
    }
    srt
}

/// The most memory that the process has held so far, in KiB; `None` when it is gone.
fn peak(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[test]
fn a_film_of_two_hours_takes_this_process_less_than_150_mb() {
    let dir = tempdir().unwrap();
    let video = dir.path().join("Film.S01E01.mkv");
    let length = (HOURS * 3600).to_string();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "color=s=64x36:r=5", "-f", "lavfi", "-i"])
        .args(["anullsrc=r=8000:cl=mono", "-t", &length, "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
        .arg(&video)
        .status();
    assert!(made.unwrap().success());
    fs::write(video.with_extension("srt"), long_subtitles()).unwrap();
    let out = dir.path().join("out");
    let mut child = run(&video, &out).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    while child.try_wait().unwrap().is_none() {
        most = peak(child.id()).unwrap_or(0).max(most);
        std::thread::sleep(Duration::from_millis(10));
    }
    let manifest = manifest_of(&out.join("Film/S01E01"));
    assert_eq!(manifest["status"], "complete");
    assert!(manifest["completeness"]["chunks_ok"].as_u64().unwrap() > 50);
    assert!((1..MOST_KIB).contains(&most), "{most} KiB");
    println!("peak: {} MB", most / 1000);
}

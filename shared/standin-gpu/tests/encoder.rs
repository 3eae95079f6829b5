//! The encoder as a program.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

use std::process::{Command, Output};

use langflix_standin_gpu::{FFMPEG, Gpu, STATE, StateFile};
use tempfile::TempDir;

fn machine(cap: u32) -> (TempDir, StateFile) {
    let dir = TempDir::new().unwrap();
    let file = StateFile::at(dir.path().join("gpu.json"));
    let gpu = |uuid: &str| Gpu { uuid: uuid.to_owned(), engines: 1, memory_mb: 16_000, ..Gpu::default() };
    file.update(|state| {
        state.session_cap = Some(cap);
        state.gpus = vec![gpu("GPU-a"), gpu("GPU-b")];
    })
    .unwrap();
    (dir, file)
}

/// `echo` in the place of the real ffmpeg tells what that would be asked.
fn encoder(file: &StateFile, args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_langflix-standin-ffmpeg"));
    command.args(args.split(' ')).env(STATE, file.path()).env(FFMPEG, "/bin/echo");
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn encoders_at_once_never_hold_more_sessions_than_the_cap() {
    let (_dir, file) = machine(3);
    file.update(|state| (state.encode_ms, state.real) = (5, false)).unwrap();
    let encode = |number: usize| {
        let mut command = encoder(&file, "-i in -c:v h264_nvenc -f null -");
        command.env("CUDA_VISIBLE_DEVICES", ["GPU-a", "GPU-b"][number % 2]).output().unwrap().status.success()
    };
    let opens: usize = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| (0..10).filter(|number| encode(*number)).count())).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    let counts = file.read().unwrap().counts;
    assert_eq!((counts.opens, counts.opens + counts.refusals), (opens as u64, 80));
    assert!((1..=3).contains(&counts.most), "{counts:?}");
}

#[test]
fn only_encodes_on_a_gpu_are_changed_and_counted() {
    let (_dir, file) = machine(1);
    let plain = "-i in -vf scale=w=2:h=-2 -c:v libx264 -preset slow -y out.mp4";
    assert_eq!(said(&encoder(&file, plain).output().unwrap()), plain);
    assert_eq!(said(&encoder(&file, "-hide_banner -encoders").output().unwrap()), "-hide_banner -encoders");
    assert_eq!(file.read().unwrap().counts.opens, 0);

    let on_gpu = "-i in -c:v h264_nvenc -gpu 0 -preset p4 -y out.mp4";
    let software = "-i in -c:v libx264 -preset ultrafast -y out.mp4";
    assert_eq!(said(&encoder(&file, on_gpu).output().unwrap()), software);
    assert_eq!(file.read().unwrap().counts.opens, 1);
}

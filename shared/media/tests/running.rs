//! How the programs are run: missing, hung, talkative, killed, without room to write.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod common;

use std::{
    env, fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use common::{ffmpeg, source, spec};
use langflix_domain::{ClipSpec, EncodedClip, FailureKind, Span, VideoCodec};
use langflix_media::{Ffmpeg, usable};
use langflix_ports::media::{ClipEncoder as _, EncoderFault, Error, MediaProbe as _, Source};
use langflix_testkit::{cache::MemoryCache, video::Recipe};

/// An ffmpeg that does what the shell script says, beside the real ffprobe.
fn pretended(dir: &Path, script: &str) -> Ffmpeg {
    let program = dir.join("ffmpeg");
    fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    symlink(real("ffprobe"), dir.join("ffprobe")).unwrap();
    Ffmpeg::locate(Some(dir.as_os_str())).unwrap()
}

fn film() -> PathBuf {
    source(&Recipe::no_audio())
}

async fn encode(ffmpeg: &Ffmpeg, spec: &ClipSpec, dir: &Path) -> Result<EncodedClip, Error> {
    let film = film();
    let location = film.to_str().unwrap();
    let info = ffmpeg.probe(location).await.unwrap();
    ffmpeg.encode(Source { location, info: &info }, spec, dir, &|_| ()).await
}

/// How many processes name the text in their command lines.
fn processes(text: &str) -> usize {
    let named = |entry: &fs::DirEntry| {
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        words.windows(text.len()).any(|part| part == text.as_bytes())
    };
    fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter(named).count()
}

/// Waits until the condition holds; fails after ten seconds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never came true: {what}");
}

#[test]
fn a_missing_ffmpeg_is_told_with_how_to_install_it() {
    let dir = tempfile::tempdir().unwrap();
    let error = Ffmpeg::locate(Some(dir.path().as_os_str())).unwrap_err();
    assert_eq!(error.message, "ffmpeg is not on the PATH: install ffmpeg (apt-get install ffmpeg)");
    assert_eq!((error.kind, error.transient), (FailureKind::Encoder, false));
}

#[tokio::test]
async fn an_encoder_is_tried_and_a_missing_one_is_told_in_one_line() {
    usable(&ffmpeg(), VideoCodec::Libx264).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bare = pretended(dir.path(), "echo \"Unknown encoder 'libx264'\" >&2; exit 1");
    let error = usable(&bare, VideoCodec::Libx264).await.unwrap_err();
    assert_eq!(
        error.message,
        "libx264 cannot be used here: Unknown encoder 'libx264': this ffmpeg was built without it; install a full one \
         (apt-get install ffmpeg)"
    );
    let clip = encode(&bare, &spec(&film(), Span::from_millis(1000, 2000)), dir.path()).await.unwrap_err();
    assert_eq!(clip.kind, FailureKind::Encoder, "{clip}");
}

#[tokio::test]
async fn a_full_table_of_sessions_passes_and_a_missing_engine_does_not() {
    for (said, transient) in [
        ("[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)", true),
        ("[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: unsupported device (2): (no details)", false),
        ("[h264_nvenc @ 0x1] Cannot load libcuda.so.1", false),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let gpu = pretended(dir.path(), &format!("echo '{said}' >&2; exit 1"));
        let error = encode(&gpu, &spec(&film(), Span::from_millis(1000, 2000)), dir.path()).await.unwrap_err();
        assert_eq!((error.kind, error.transient), (FailureKind::Encoder, transient), "{error}");
    }
}

/// What each run of ffmpeg on a GPU was told and saw, and what came of a clip where it says this.
async fn on_a_gpu(decoding: &str, encoding: &str) -> (Vec<String>, Error) {
    let dir = tempfile::tempdir().unwrap();
    let (log, film) = (dir.path().join("log"), source(&Recipe::no_audio()));
    let script = format!(
        "echo \"$CUDA_VISIBLE_DEVICES $*\" >>'{}'\ncase \"$*\" in *-hwaccel*) echo '{decoding}' >&2;; *) echo '{encoding}' >&2;; \
         esac\nexit 1",
        log.display()
    );
    let gpu = pretended(dir.path(), &script).on_gpu("GPU-8f6d1c2e");
    let mut clip = spec(&film, Span::from_millis(1000, 2000));
    clip.encode.codec = VideoCodec::H264Nvenc;
    let error = encode(&gpu, &clip, dir.path()).await.unwrap_err();
    (fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect(), error)
}

#[tokio::test]
async fn what_the_gpu_does_not_decode_the_processor_decodes() {
    let decoding = "[h264 @ 0x1] [error] Failed setup for format cuda: hwaccel initialisation returned error.";
    let encoding = "[h264_nvenc @ 0x1] [warning] Width 8192 exceeds 4096";
    let (runs, error) = on_a_gpu(decoding, encoding).await;
    assert_eq!(runs.iter().map(|run| run.contains("-hwaccel cuda")).collect::<Vec<_>>(), [true, false]);
    assert_eq!((error.kind, error.fault), (FailureKind::Input, Some(EncoderFault::Input)));
    let says = "no_audio-3260474561d13b6d.mp4: ffmpeg: Width 8192 exceeds 4096: this encoder does not take it; another one may";
    assert!(error.message.ends_with(says), "{error}");
}

#[tokio::test]
async fn a_device_that_fails_is_not_tried_twice_and_it_is_the_one_that_was_pinned() {
    for (said, fault, passes) in [
        ("OpenEncodeSessionEx failed: out of memory (10): (no details)", EncoderFault::NoSession, true),
        ("OpenEncodeSessionEx failed: unsupported device (2): (no details)", EncoderFault::NoEncoder, false),
    ] {
        let (runs, error) = on_a_gpu(&format!("[h264_nvenc @ 0x1] [error] {said}"), "").await;
        assert!(runs.len() == 1 && runs[0].starts_with("GPU-8f6d1c2e "), "{runs:?}");
        assert_eq!((error.fault, error.transient), (Some(fault), passes), "{error}");
    }
}

#[tokio::test]
async fn an_encoder_that_takes_not_even_the_trials_picture_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let gpu = pretended(dir.path(), "echo '[h264_nvenc @ 0x1] [fatal] No capable devices found' >&2; exit 1");
    let error = usable(&gpu, VideoCodec::H264Nvenc).await.unwrap_err();
    assert_eq!(error.fault, Some(EncoderFault::NoEncoder), "{error}");
}

#[tokio::test]
async fn an_ffmpeg_that_stands_still_is_ended_and_may_be_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let stands = pretended(dir.path(), "while :; do echo out_time_us=5000; sleep 0.05; done");
    let clip = spec(&film(), Span::from_millis(1000, 2000));
    let hung = stands.with_stall(Duration::from_millis(400));
    let error = encode(&hung, &clip, dir.path()).await.unwrap_err();
    assert_eq!((error.kind, error.transient), (FailureKind::TimedOut, true), "{error}");
    assert!(error.message.contains("made no progress for 400ms"), "{error}");
    let program = dir.path().join("ffmpeg");
    until("the program is gone", || processes(program.to_str().unwrap()) == 0).await;
}

#[tokio::test]
async fn a_dropped_encode_leaves_no_process() {
    let dir = tempfile::tempdir().unwrap();
    // The name is in no other process's command line.
    let named = dir.path().join("dropped.mp4");
    symlink(film(), &named).unwrap();
    let location = named.to_str().unwrap().to_owned();
    let mut slow = spec(&named, Span::from_millis(0, 7900));
    slow.encode.preset = "placebo".to_owned();
    let (here, out) = (location.clone(), dir.path().to_owned());
    let task = tokio::spawn(async move {
        let info = ffmpeg().probe(&here).await.unwrap();
        ffmpeg().encode(Source { location: &here, info: &info }, &slow, &out, &|_| ()).await
    });
    until("ffmpeg encodes", || dir.path().join("clip.mp4").exists()).await;
    assert_ne!(processes(&location), 0);
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    until("ffmpeg is gone", || processes(&location) == 0).await;
}

#[tokio::test]
async fn a_full_disk_is_no_fault_of_the_clip() {
    let dir = tempfile::tempdir().unwrap();
    symlink("/dev/full", dir.path().join("clip.mp4")).unwrap();
    let error = encode(&ffmpeg(), &spec(&film(), Span::from_millis(1000, 4000)), dir.path()).await.unwrap_err();
    assert_eq!((error.kind, error.transient), (FailureKind::Store, false), "{error}");
    assert!(error.message.contains("no space left"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_gone_is_no_fault_of_the_clip() {
    let dir = tempfile::tempdir().unwrap();
    let gone = dir.path().join("gone");
    let clip = ClipSpec { burn: Some(String::new()), ..spec(&film(), Span::from_millis(1000, 2000)) };
    let error = encode(&ffmpeg(), &clip, &gone).await.unwrap_err();
    assert_eq!(error.kind, FailureKind::Store, "{error}");
}

#[tokio::test]
async fn endless_complaints_are_neither_kept_nor_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let loud = pretended(dir.path(), "echo 'the cause' >&2; yes 'the same again' | head -c 30000000 >&2; exit 1");
    let error = encode(&loud, &spec(&film(), Span::from_millis(1000, 2000)), dir.path()).await.unwrap_err();
    assert_eq!(error.message, "ffmpeg: the cause");
}

#[tokio::test]
async fn progress_rises_to_the_whole_of_the_clip() {
    let dir = tempfile::tempdir().unwrap();
    let (film, (told, heard)) = (film(), mpsc::channel());
    let location = film.to_str().unwrap();
    let info = ffmpeg().probe(location).await.unwrap();
    let clip = spec(&film, Span::from_millis(1000, 4000));
    let tell = |done| told.send(done).unwrap();
    ffmpeg().encode(Source { location, info: &info }, &clip, dir.path(), &tell).await.unwrap();
    let parts: Vec<f32> = heard.try_iter().collect();
    assert!(parts.windows(2).all(|pair| pair[0] <= pair[1]), "{parts:?}");
    assert_eq!(parts.last(), Some(&1.0), "{parts:?}");
}

/// The path of a program on this machine.
fn real(name: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.exists()).unwrap()
}

#[tokio::test]
async fn keyframes_are_looked_for_once_in_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (log, film) = (dir.path().join("looked"), source(&Recipe::transport_stream()));
    let counting = format!(
        "#!/bin/sh\ncase \"$*\" in *read_intervals*) echo look >>'{}';; esac\nexec '{}' \"$@\"\n",
        log.display(),
        real("ffprobe").display()
    );
    let bin = dir.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(real("ffmpeg"), bin.join("ffmpeg")).unwrap();
    fs::write(bin.join("ffprobe"), counting).unwrap();
    fs::set_permissions(bin.join("ffprobe"), fs::Permissions::from_mode(0o755)).unwrap();
    let ffmpeg = Ffmpeg::locate(Some(bin.as_os_str())).unwrap().with_cache(Arc::new(MemoryCache::default()));
    let location = film.to_str().unwrap();
    let info = ffmpeg.probe(location).await.unwrap();
    fs::remove_file(&log).unwrap();
    let looks = || fs::read_to_string(&log).unwrap_or_default().lines().count();
    let mut clip = spec(&film, Span::from_millis(12_000, 13_000));
    let mut digests = Vec::new();
    let mut counts = Vec::new();
    // Twice the same, with another quality, and of other bytes under the same name.
    for (crf, source) in [(23, "a"), (23, "a"), (30, "a"), (23, "b")] {
        (clip.encode.crf, clip.source) = (crf, source.to_owned());
        let out = tempfile::tempdir().unwrap();
        let made = ffmpeg.encode(Source { location, info: &info }, &clip, out.path(), &|_| ()).await.unwrap();
        digests.push(made.blobs["clip.mp4"].sha256.clone());
        counts.push(looks());
    }
    let once = counts[0];
    assert!(once > 0);
    assert_eq!(counts, [once, once, once, 2 * once]);
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test]
async fn the_kernel_holds_a_program_to_its_memory_and_leaves_no_core() {
    let dir = tempfile::tempdir().unwrap();
    // The limits come a moment after the start.
    let told = pretended(dir.path(), "sleep 0.3; echo \"data $(ulimit -d), core $(ulimit -c)\" >&2; exit 1");
    let error = encode(&told, &spec(&film(), Span::from_millis(1000, 2000)), dir.path()).await.unwrap_err();
    assert!(error.message.contains("data 12582912, core 0"), "{error}");
}

#[tokio::test]
async fn a_program_that_was_killed_is_told_as_such() {
    for (script, kind, transient, said) in [
        ("kill -9 $$", FailureKind::Encoder, true, "where memory runs out"),
        ("sleep 0.3; exec truncate -s 5G large", FailureKind::Input, false, "more than 4 GiB"),
        ("kill -11 $$", FailureKind::Encoder, false, "ended by signal 11"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let killed = pretended(dir.path(), script);
        let error = encode(&killed, &spec(&film(), Span::from_millis(1000, 2000)), dir.path()).await.unwrap_err();
        assert_eq!((error.kind, error.transient), (kind, transient), "{error}");
        assert!(error.message.contains(said) && !error.message.contains('\n'), "{error}");
    }
}

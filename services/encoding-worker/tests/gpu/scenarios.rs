use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use langflix_domain::VideoCodec;
use langflix_media::Ffmpeg;
use langflix_testkit::{
    gpu::{Failure, Gpu, Refusal, StandIn},
    video::{self, Recipe},
};

use crate::worker::{Place, until};

const SECOND: Duration = Duration::from_secs(1);

fn film() -> PathBuf {
    video::build(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("videos"), &Recipe::long_gop())
}

async fn place() -> Place {
    Place::with(&film(), VideoCodec::H264Nvenc).await
}

/// Which encoders made so many clips.
async fn made(place: &Place, clips: usize) -> Vec<VideoCodec> {
    until("all clips are recorded", async || place.recorded().await.len() == clips).await;
    let recorded = place.recorded().await;
    recorded.values().map(|recorded| recorded.result().unwrap_or_else(|| panic!("{recorded:?}")).encoder).collect()
}

#[tokio::test]
async fn a_gpu_encodes_and_says_so() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    let worker = place.worker(&machine, "auto", &[]);
    place.ask(3, SECOND).await;
    assert_eq!(made(&place, 3).await, [VideoCodec::H264Nvenc; 3]);
    let said = worker.says();
    assert!(
        worker.gpu().ready && said.starts_with(&format!("NVIDIA L4 ({uuid}, 00000000:17:00.0, driver 570.86.15): ")),
        "{said}"
    );
    assert_eq!(machine.counts().refusals, 0);
}

#[tokio::test]
async fn a_gpu_without_an_encoder_encodes_in_software_where_that_is_allowed() {
    let (machine, place) = (StandIn::new(), place().await);
    machine.h200();
    let waiting = place.worker(&machine, "auto", &[("LANGFLIX__VIDEO__FALLBACK", "none")]);
    until("the GPU is known", async || waiting.says().contains("NVIDIA H200")).await;
    place.ask(2, SECOND).await;
    let why = waiting.gpu().waits.unwrap();
    assert!(why.contains("no NVENC engine"), "{why}");
    assert!(place.recorded().await.is_empty());
    // Its model is known, and no frame would tell more.
    assert_eq!(machine.counts().refusals, 0);
    drop(waiting);
    let worker = place.worker(&machine, "auto", &[]);
    assert_eq!(made(&place, 2).await, [VideoCodec::Libx264; 2]);
    assert!(worker.gpu().ready && worker.says().ends_with("clips are encoded in software"), "{}", worker.says());
}

#[tokio::test]
async fn a_gpu_that_claims_an_encoder_is_found_out_by_one_frame() {
    let (machine, place) = (StandIn::new(), place().await);
    machine.add(Gpu { name: "NVIDIA X1".to_owned(), memory_mb: 24_152, capacity_percent: Some(100), ..Gpu::default() });
    let worker = place.worker(&machine, "auto", &[]);
    place.ask(2, SECOND).await;
    assert_eq!(made(&place, 2).await, [VideoCodec::Libx264; 2]);
    let said = worker.says();
    assert!(said.contains("no NVENC engine") && said.contains("unsupported device (2)"), "{said}");
    assert_eq!((machine.counts().opens, machine.counts().refusals), (0, 1));
}

#[tokio::test]
async fn what_the_gpu_cannot_encode_goes_to_software_at_once() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    let worker = place.worker(&machine, "auto", &[]);
    until("the GPU encodes", async || worker.gpu().ready).await;
    machine.change(&uuid, |gpu| gpu.refuses = Some(Refusal::TenBit));
    place.ask(1, SECOND).await;
    assert_eq!(made(&place, 1).await, [VideoCodec::Libx264]);
    assert!(worker.gpu().ready, "{}", worker.says());
}

#[tokio::test]
async fn a_gpu_that_others_fill_takes_nothing_until_they_leave() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    machine.occupy(&uuid, 7);
    let worker = place.worker(&machine, "auto", &[]);
    // One frame is encoded to see whether it encodes at all.
    until("the GPU was tried", async || machine.counts().opens + machine.counts().refusals == 1).await;
    place.ask(1, SECOND).await;
    until("the GPU is known", async || worker.says().contains("NVIDIA L4")).await;
    assert!(!worker.gpu().ready, "{}", worker.says());
    let before = machine.counts().opens;
    machine.occupy(&uuid, 0);
    until("a session is opened", async || machine.counts().opens > before).await;
    assert_eq!(made(&place, 1).await, [VideoCodec::H264Nvenc]);
}

#[tokio::test]
async fn a_gpu_that_others_have_filled_meanwhile_is_looked_at_before_a_clip() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    let worker = place.worker(&machine, "auto", &[]);
    until("the GPU encodes", async || worker.gpu().ready).await;
    let before = machine.counts().opens;
    // Nothing is to be done, and nobody looks, until what was seen is too old for a clip.
    machine.occupy(&uuid, 7);
    tokio::time::sleep(2 * SECOND).await;
    assert!(worker.gpu().ready);
    place.ask(1, SECOND).await;
    until("it is seen", async || !worker.gpu().ready).await;
    assert_eq!(machine.counts().opens, before);
    machine.occupy(&uuid, 0);
    assert_eq!(made(&place, 1).await, [VideoCodec::H264Nvenc]);
}

#[tokio::test]
async fn a_driver_or_a_gpu_that_is_away_is_found_again() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    let worker = place.worker(&machine, "auto", &[("LANGFLIX__VIDEO__FALLBACK", "none")]);
    until("the GPU encodes", async || worker.gpu().ready).await;
    for (failure, name) in
        [(Failure::DriverNotLoaded, "driver"), (Failure::Mismatch, "version"), (Failure::Lost, "bus")]
    {
        match failure {
            Failure::Lost => machine.fail_gpu(&uuid, failure),
            _ => machine.fail(failure),
        }
        until("it is away and why", async || !worker.gpu().ready && worker.says().contains(name)).await;
        machine.recover();
        until("it is back", async || worker.gpu().ready).await;
    }
    place.ask(1, SECOND).await;
    assert_eq!(made(&place, 1).await, [VideoCodec::H264Nvenc]);
}

#[tokio::test]
async fn a_cap_is_learned_and_no_clip_is_lost_to_it() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.geforce(3);
    machine.update(|state| state.pace_percent = Some(200));
    let worker = place.worker(&machine, "auto", &[]);
    place.ask(24, SECOND).await;
    assert_eq!(made(&place, 24).await, [VideoCodec::H264Nvenc; 24], "{}", worker.says());
    let counts = machine.counts();
    assert_eq!(counts.most, 3);
    assert!(counts.refusals <= 2, "{counts:?}");
    assert_eq!(machine.sessions(&uuid), 0);
}

#[tokio::test]
async fn a_cap_that_is_raised_is_found_out() {
    let (machine, place) = (StandIn::new(), place().await);
    machine.geforce(3);
    machine.update(|state| state.pace_percent = Some(100));
    let worker = place.worker(&machine, "auto", &[]);
    place.ask(34, 4 * SECOND).await;
    until("three is learned", async || worker.says().contains("beyond 3")).await;
    let refusals = machine.counts().refusals;
    machine.update(|state| state.session_cap = Some(5));
    until("five is learned", async || worker.says().contains("beyond 5")).await;
    assert_eq!(made(&place, 34).await, [VideoCodec::H264Nvenc; 34], "{}", worker.says());
    let counts = machine.counts();
    assert_eq!(counts.most, 5);
    assert!(refusals <= 2 && counts.refusals <= refusals + 2, "{refusals}, then {counts:?}");
}

#[tokio::test]
async fn a_slice_and_an_unclear_pin_are_told() {
    let (machine, place) = (StandIn::new(), place().await);
    let [slice, _] = machine.a100_mig();
    let worker = place.worker(&machine, &slice, &[("LANGFLIX__VIDEO__FALLBACK", "none")]);
    until("the slice is known", async || worker.says().contains(&slice)).await;
    until("it is called a slice", async || worker.says().contains("MIG slice")).await;
    drop(worker);
    let (machine, _) = (StandIn::new(), machine);
    let uuids = [machine.l4(), machine.l4()];
    // Whatever the fallback is: which one is meant is for somebody to say.
    let worker = place.worker(&machine, "auto", &[]);
    until("both are named", async || uuids.iter().all(|uuid| worker.says().contains(uuid))).await;
    assert!(!worker.gpu().ready && !worker.says().contains("software"), "{}", worker.says());
}

#[tokio::test]
async fn what_keeps_ffmpeg_from_a_gpu_is_told_and_passes() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    for (refusal, words) in
        [(Refusal::NoVideo, "lacks the driver's library"), (Refusal::DriverTooOld, "older than ffmpeg needs")]
    {
        machine.change(&uuid, |gpu| gpu.refuses = Some(refusal));
        let worker = place.worker(&machine, "auto", &[("LANGFLIX__VIDEO__FALLBACK", "none")]);
        until("it is told", async || worker.says().contains(words)).await;
        assert!(!worker.gpu().ready, "{}", worker.says());
        machine.recover();
        until("it has passed", async || worker.gpu().ready).await;
    }
}

#[tokio::test]
async fn clips_that_a_lost_gpu_leaves_behind_are_encoded_when_it_is_back() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    machine.update(|state| state.pace_percent = Some(100));
    let worker = place.worker(&machine, "auto", &[("LANGFLIX__VIDEO__FALLBACK", "none")]);
    place.ask(8, 2 * SECOND).await;
    until("clips are encoded", async || machine.sessions(&uuid) > 1).await;
    machine.fail_gpu(&uuid, Failure::Lost);
    until("it is lost", async || worker.says().contains("bus")).await;
    machine.recover();
    assert_eq!(made(&place, 8).await, [VideoCodec::H264Nvenc; 8], "{}", worker.says());
}

#[tokio::test]
async fn a_worker_that_is_to_encode_otherwise_asks_no_gpu() {
    let (machine, place) = (StandIn::new(), Place::with(&film(), VideoCodec::Libx264).await);
    let settings = [("LANGFLIX__VIDEO__FALLBACK", "none"), ("LANGFLIX__VIDEO__CODEC", "libx264")];
    let worker = place.worker(&machine, "auto", &settings);
    place.ask(2, SECOND).await;
    assert_eq!(made(&place, 2).await, [VideoCodec::Libx264; 2]);
    assert!(worker.gpu().ready && !worker.says().contains("driver"), "{}", worker.says());
}

#[tokio::test]
async fn an_ffmpeg_that_stands_still_is_ended_and_its_clip_is_encoded_all_the_same() {
    let (machine, place) = (StandIn::new(), Place::with(&film(), VideoCodec::Libx264).await);
    // Once more than a worker tries a clip before its message goes back for later.
    let dir = tempfile::tempdir().unwrap();
    let script = format!(
        "#!/bin/sh\n\
         case \" $* \" in *\" clip.mp4 \"*) for n in 1 2 3 4; do\n\
         if mkdir {0}/$n 2>/dev/null; then while :; do echo out_time_us=5000; sleep 0.05; done; fi\n\
         done;; esac\n\
         exec /usr/bin/ffmpeg \"$@\"\n",
        dir.path().display()
    );
    let ffmpeg = dir.path().join("ffmpeg");
    std::fs::write(&ffmpeg, script).unwrap();
    std::fs::set_permissions(&ffmpeg, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::join_paths([dir.path(), Path::new("/usr/bin")]).unwrap();
    let ffmpeg = Ffmpeg::locate(Some(&path)).unwrap().with_stall(2 * SECOND);
    let _worker = place.worker_with(ffmpeg, &machine, "auto", &[("LANGFLIX__VIDEO__CODEC", "libx264")]);
    place.ask(1, SECOND).await;
    assert_eq!(made(&place, 1).await, [VideoCodec::Libx264]);
    assert!(dir.path().join("4").exists(), "it has not stood still");
}

#[tokio::test]
async fn eight_workers_on_eight_gpus_share_the_cap_of_their_system() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuids: Vec<String> = (0..8).map(|_| machine.geforce(5)).collect();
    machine.update(|state| state.pace_percent = Some(200));
    let workers: Vec<_> = uuids.iter().map(|uuid| place.worker(&machine, uuid, &[])).collect();
    place.ask(40, SECOND).await;
    assert_eq!(made(&place, 40).await, [VideoCodec::H264Nvenc; 40]);
    assert!(workers.iter().zip(&uuids).all(|(worker, uuid)| worker.says().contains(uuid)));
    assert_eq!(machine.counts().most, 5);
}

#[tokio::test]
async fn workers_that_share_a_gpu_leave_each_other_room() {
    let (machine, place) = (StandIn::new(), place().await);
    let uuid = machine.l4();
    machine.update(|state| state.pace_percent = Some(200));
    let _workers = [(); 2].map(|()| place.worker(&machine, &uuid, &[]));
    place.ask(24, SECOND).await;
    assert_eq!(made(&place, 24).await, [VideoCodec::H264Nvenc; 24]);
    // Between two looks each may begin a clip more than both together would.
    assert_eq!(machine.counts().refusals, 0);
}

//! GPUs that stand in for real ones, asked through the real wrapper of NVML.
//!
//! NVML keeps what it has initialised in the memory of its library, and each stand-in has a library of its own.

#![allow(clippy::unwrap_used, reason = "a test ends where it cannot go on")]

mod common;

use std::{
    process::{Command, Output},
    thread,
};

use langflix_domain::{GpuDevice, GpuSample, MediaTime, Span, VideoCodec};
use langflix_media::{Ffmpeg, NvmlGpu};
use langflix_ports::{
    gpu::{Error, ErrorKind, GpuProbe as _},
    media::{ClipEncoder as _, MediaProbe as _, Source},
};
use langflix_testkit::{
    gpu::{Failure, Gpu, Refusal, StandIn},
    video::{Clip, Recipe},
};

fn open(stand_in: &StandIn, device: &str) -> Result<NvmlGpu, Error> {
    NvmlGpu::open(&device.parse().unwrap(), Some(&stand_in.library()))
}

fn encode(stand_in: &StandIn, gpu: &str, args: &str) -> Output {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "color=c=black:s=512x512:r=30:d=1"]);
    command.args(args.split(' ')).envs(stand_in.env()).env("CUDA_VISIBLE_DEVICES", gpu);
    command.output().unwrap()
}

const TRIAL: &str = "-c:v h264_nvenc -gpu 0 -preset p4 -f null -";

#[test]
fn a_gpu_with_an_encoder_tells_who_it_is_and_what_is_left_of_it() {
    let stand_in = StandIn::new();
    let uuid = stand_in.l4();
    let gpu = open(&stand_in, "auto").unwrap();
    let identity = gpu.gpu();
    assert_eq!((identity.uuid.as_str(), identity.name.as_str()), (uuid.as_str(), "NVIDIA L4"));
    assert_eq!((identity.pci.as_str(), identity.driver.as_str()), ("00000000:17:00.0", "570.86.15"));
    let idle =
        GpuSample { capacity_percent: Some(100), sessions: 0, utilization_percent: Some(0), free_memory_mb: 24_152 };
    assert_eq!(gpu.sample(), Ok(idle));
    stand_in.occupy(&uuid, 2);
    let busy = GpuSample {
        capacity_percent: Some(70),
        sessions: 2,
        utilization_percent: Some(30),
        free_memory_mb: 24_152 - 1_200,
    };
    assert_eq!(gpu.sample(), Ok(busy));
}

#[test]
fn a_model_without_an_encoder_has_no_capacity_whatever_its_driver_tells() {
    let stand_in = StandIn::new();
    let uuid = stand_in.h200();
    let gpu = open(&stand_in, "auto").unwrap();
    assert_eq!(gpu.gpu().name, "NVIDIA H200");
    let idle = GpuSample { capacity_percent: None, sessions: 0, utilization_percent: Some(0), free_memory_mb: 150_109 };
    // An H200 tells of 100 %.
    for told in [Some(100), Some(0), None] {
        stand_in.change(&uuid, |gpu| gpu.capacity_percent = told);
        assert_eq!(gpu.sample(), Ok(idle), "{told:?}");
    }
}

#[test]
fn of_a_model_that_is_not_known_the_driver_is_believed() {
    let stand_in = StandIn::new();
    let uuid = stand_in.add(Gpu { name: "NVIDIA X1".to_owned(), memory_mb: 24_152, ..Gpu::default() });
    let gpu = open(&stand_in, "auto").unwrap();
    for told in [Some(100), Some(0), None] {
        stand_in.change(&uuid, |gpu| gpu.capacity_percent = told);
        assert_eq!(gpu.sample().unwrap().capacity_percent, told.map(|percent| percent as u8));
    }
}

#[test]
fn a_slice_is_a_gpu_of_its_own_at_the_address_of_the_whole() {
    let stand_in = StandIn::new();
    let [first, second] = stand_in.a100_mig();
    let gpu = open(&stand_in, &second).unwrap();
    assert_eq!((gpu.gpu().uuid.as_str(), gpu.gpu().pci.as_str()), (second.as_str(), "00000000:17:00.0"));
    assert!(gpu.gpu().is_slice());
    let sample = GpuSample { capacity_percent: None, sessions: 0, utilization_percent: None, free_memory_mb: 20_401 };
    assert_eq!(gpu.sample(), Ok(sample));

    for ambiguous in ["auto", "0", "17:00.0"] {
        let error = open(&stand_in, ambiguous).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Pin);
        assert!(error.message.contains(&first) && error.message.contains(&second), "{error}");
        assert!(!error.message.contains("GPU-"), "{error}");
    }
    // A container sees one slice.
    stand_in.update(|state| state.gpus.retain(|gpu| gpu.uuid != first));
    assert_eq!(open(&stand_in, "auto").unwrap().gpu().uuid, second);
}

#[test]
fn the_one_gpu_that_is_there_is_taken_and_of_two_all_are_named() {
    let stand_in = StandIn::new();
    let error = open(&stand_in, "auto").unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDriver);
    assert!(error.message.contains("sees no GPU"), "{error}");

    let first = stand_in.geforce(3);
    assert_eq!(open(&stand_in, "auto").unwrap().gpu().uuid, first);

    let second = stand_in.l4();
    let error = open(&stand_in, "auto").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Pin);
    assert_eq!(
        error.message,
        format!(
            "gpu.device auto: 2 fit: name one of {first} (NVIDIA GeForce RTX 4080 SUPER, 00000000:17:00.0), \
             {second} (NVIDIA L4, 00000000:18:00.0)"
        )
    );
    // One that does not answer is no reason to take the other.
    stand_in.fail_gpu(&first, Failure::Lost);
    let error = open(&stand_in, "auto").unwrap_err();
    assert_eq!(error.kind, ErrorKind::Pin);
    assert!(error.message.contains("does not answer") && error.message.contains(&second), "{error}");
    assert_eq!(open(&stand_in, &first).unwrap_err().kind, ErrorKind::Lost);
}

#[test]
fn a_gpu_is_found_by_uuid_number_and_address_and_kept_by_its_uuid() {
    let stand_in = StandIn::new();
    let first = stand_in.l4();
    let second = stand_in.l4();
    for (device, uuid) in [(first.as_str(), &first), ("1", &second), ("00000000:18:00.0", &second), ("17:00.0", &first)]
    {
        assert_eq!(&open(&stand_in, device).unwrap().gpu().uuid, uuid, "{device}");
    }
    let gpu = open(&stand_in, "1").unwrap();
    stand_in.update(|state| state.gpus.swap(0, 1));
    stand_in.occupy(&second, 3);
    assert_eq!(gpu.sample().unwrap().sessions, 3);

    for missing in ["GPU-00000000", "2", "ff:00.0"] {
        let error = open(&stand_in, missing).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Pin, "{error}");
        assert!(error.message.starts_with(&format!("gpu.device {missing}: no such GPU")), "{error}");
        assert!(error.message.contains(&first) && error.message.contains(&second), "{error}");
    }
}

#[test]
fn without_nvml_there_is_no_driver() {
    let error = NvmlGpu::open(&GpuDevice::Auto, Some("/nowhere/libnvidia-ml.so.1".as_ref())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDriver);
    assert!(error.message.contains("capability utility") && !error.message.contains('\n'), "{error}");
}

#[test]
fn a_failure_ends_by_itself_and_the_same_gpu_is_found_again() {
    for (failure, kind) in [
        (Failure::DriverNotLoaded, ErrorKind::NoDriver),
        (Failure::Mismatch, ErrorKind::DriverMismatch),
        (Failure::Lost, ErrorKind::Lost),
        (Failure::ResetRequired, ErrorKind::Lost),
        (Failure::NoPermission, ErrorKind::NoDriver),
        (Failure::Timeout, ErrorKind::Passing),
        (Failure::Unknown, ErrorKind::Passing),
    ] {
        let stand_in = StandIn::new();
        let (uuid, other) = (stand_in.l4(), stand_in.h200());
        let gpu = open(&stand_in, &uuid).unwrap();
        match failure {
            Failure::Lost | Failure::ResetRequired => stand_in.fail_gpu(&uuid, failure),
            _ => stand_in.fail(failure),
        }
        for _ in 0..2 {
            assert_eq!(gpu.sample().unwrap_err().kind, kind, "{failure:?}");
        }
        stand_in.recover();
        // The numbers have changed places meanwhile.
        stand_in.update(|state| state.gpus.swap(0, 1));
        stand_in.occupy(&uuid, 1);
        assert_eq!(gpu.sample().map(|sample| sample.sessions), Ok(1), "{failure:?}");

        stand_in.update(|state| state.gpus.retain(|gpu| gpu.uuid == other));
        let error = gpu.sample().unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoDriver);
        assert!(error.message.contains(&uuid) && error.message.contains("no such GPU"), "{error}");
    }
}

#[test]
fn a_driver_that_was_loaded_again_unseen_is_asked_anew_after_one_failure() {
    let stand_in = StandIn::new();
    stand_in.l4();
    let gpu = open(&stand_in, "auto").unwrap();
    stand_in.recover();
    assert_eq!(gpu.sample().unwrap_err().kind, ErrorKind::Passing);
    assert!(gpu.sample().is_ok());
}

#[test]
fn all_gpus_of_a_machine_share_the_cap_on_sessions() {
    let stand_in = StandIn::new();
    let (first, second) = (stand_in.geforce(3), stand_in.geforce(3));
    stand_in.occupy(&first, 2);
    let gpu = open(&stand_in, &second).unwrap();
    assert!(encode(&stand_in, &second, TRIAL).status.success());

    stand_in.occupy(&first, 3);
    let refused = encode(&stand_in, &second, TRIAL);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8(refused.stderr).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("[h264_nvenc @ 0x"), "{said}");
    assert!(lines[0].contains("OpenEncodeSessionEx failed: out of memory (10)"), "{said}");
    assert!(lines[1].ends_with("No capable devices found"), "{said}");
    assert_eq!(gpu.sample().unwrap().sessions, 0);
    assert_eq!((stand_in.counts().opens, stand_in.counts().refusals), (1, 1));
}

#[test]
fn sessions_are_open_while_their_encoders_live_however_they_end() {
    let stand_in = StandIn::new();
    let uuid = stand_in.geforce(4);
    let gpu = open(&stand_in, "auto").unwrap();
    stand_in.update(|state| state.encode_ms = 600_000);
    let mut encoders: Vec<_> = (0..4)
        .map(|_| {
            let args = ["-f", "lavfi", "-i", "nullsrc", "-c:v", "hevc_nvenc", "-f", "null", "-"];
            Command::new("ffmpeg").args(args).envs(stand_in.env()).spawn().unwrap()
        })
        .collect();
    while stand_in.sessions(&uuid) < 4 {
        thread::yield_now();
    }
    assert_eq!(gpu.sample().unwrap().sessions, 4);
    assert_eq!(encode(&stand_in, &uuid, TRIAL).status.code(), Some(1));
    encoders[0].kill().unwrap();
    // Before it is waited for, it is dead already.
    while gpu.sample().unwrap().sessions > 3 {
        thread::yield_now();
    }
    stand_in.update(|state| (state.encode_ms, state.real) = (1, false));
    assert!(encode(&stand_in, &uuid, TRIAL).status.success());
    for mut encoder in encoders {
        // The first one is dead.
        let _ = encoder.kill();
        encoder.wait().unwrap();
    }
    assert_eq!(gpu.sample().unwrap().sessions, 0);
    assert_eq!((stand_in.counts().opens, stand_in.counts().most), (5, 4));
}

#[test]
fn the_encoder_sees_the_gpus_that_cuda_sees_and_says_what_ffmpeg_says() {
    let stand_in = StandIn::new();
    let (l4, h200) = (stand_in.l4(), stand_in.h200());
    let slice = stand_in.a100_mig()[0].clone();
    let small = stand_in.add(Gpu { engines: 1, memory_mb: 500, session_mb: 600, ..Gpu::default() });
    for (visible, said) in [
        (h200.as_str(), "OpenEncodeSessionEx failed: unsupported device (2)"),
        (&slice, "OpenEncodeSessionEx failed: unsupported device (2)"),
        (&small, "OpenEncodeSessionEx failed: out of memory (10)"),
        ("GPU-00000000", "cuInit(0) failed -> CUDA_ERROR_NO_DEVICE"),
        ("", "cuInit(0) failed -> CUDA_ERROR_NO_DEVICE"),
    ] {
        let refused = encode(&stand_in, visible, TRIAL);
        assert_eq!(refused.status.code(), Some(1), "{visible}");
        let stderr = String::from_utf8(refused.stderr).unwrap();
        assert!(stderr.lines().next().is_some_and(|line| line.contains(said)), "{visible}: {stderr}");
    }
    for (refusal, said) in [
        (Refusal::ClientKey, "incompatible client key (21)"),
        (Refusal::NoVideo, "Cannot load libnvidia-encode.so.1"),
        (Refusal::DriverTooOld, "Driver does not support the required nvenc API version"),
    ] {
        stand_in.change(&l4, |gpu| gpu.refuses = Some(refusal));
        let stderr = String::from_utf8(encode(&stand_in, &l4, TRIAL).stderr).unwrap();
        assert!(stderr.contains(said), "{stderr}");
    }
    stand_in.recover();
    // Each GPU in turn, where none is named.
    let any = "-c:v h264_nvenc -f null -";
    assert!(encode(&stand_in, &format!("{h200},{l4}"), any).status.success());
}

#[test]
fn an_encode_writes_in_software_what_it_was_asked_for() {
    let stand_in = StandIn::new();
    let uuid = stand_in.l4();
    let dir = tempfile::tempdir().unwrap();
    let clip = dir.path().join("clip.mp4");
    let settings = "-vf hwupload_cuda,scale_cuda=w=320:h=-2:format=yuv420p -c:v hevc_nvenc -gpu 0 -preset p5 -tune hq -rc vbr \
                    -cq 24 -b:v 0 -spatial-aq 1 -rc-lookahead 8 -profile:v main -tag:v hvc1 -y";
    let run = || encode(&stand_in, &uuid, &format!("{settings} {}", clip.display()));
    stand_in.change(&uuid, |gpu| gpu.refuses = Some(Refusal::OutOfMemory));
    let stderr = String::from_utf8(run().stderr).unwrap();
    // Frames on the GPU bind the encoder to it: no other is looked for.
    assert!(stderr.contains("out of memory (10)") && !stderr.contains("No capable"), "{stderr}");
    assert_eq!(clip.metadata().unwrap().len(), 0);

    stand_in.recover();
    let made = run();
    assert!(made.status.success(), "{made:?}");
    let mut probe = Command::new("ffprobe");
    probe.args(["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "csv=p=0"]).arg(&clip);
    let told = probe.envs(stand_in.env()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), "h264,320,320");
}

#[tokio::test]
async fn clips_are_cut_with_the_arguments_of_nvenc() {
    let stand_in = StandIn::new();
    stand_in.l4();
    let ffmpeg = Ffmpeg::locate(Some(&stand_in.path())).unwrap();
    let source = common::source(&Recipe::long_gop());
    let location = source.to_string_lossy();
    let info = ffmpeg.probe(&location).await.unwrap();
    for codec in [VideoCodec::H264Nvenc, VideoCodec::HevcNvenc] {
        let scene = Span { start: MediaTime::from_millis(5_000), end: MediaTime::from_millis(7_000) };
        let mut spec = common::spec(&source, scene);
        (spec.encode.codec, spec.encode.preset) = (codec, "p4".to_owned());
        let dir = tempfile::tempdir().unwrap();
        let made = ffmpeg.encode(Source { location: &location, info: &info }, &spec, dir.path(), &|_| ()).await;
        assert!(made.is_ok(), "{codec:?}: {:?}", made.err());
        assert!(!Clip::read(dir.path(), "clip.mp4").unwrap().frames.is_empty());
    }
    assert_eq!(stand_in.counts().opens, 2);
}

//! The GPU that an encoding worker would be pinned to here.

use std::time::Instant;

use langflix_domain::{Admission, GpuState, Own, VideoCodec};
use langflix_fleet::on_nvidia;
use langflix_media::{Ffmpeg, NvmlGpu, usable};
use langflix_ports::{
    gpu::{Error, ErrorKind, GpuProbe as _},
    media::EncoderFault,
};
use langflix_runtime::config::{Fallback, Gpu, Video};

use super::Finding;
use crate::run::settings::fleet_codec;

const CHECK: &str = "gpu";

/// The GPU and its state, and what encodes where it does not.
pub(super) async fn gpu(settings: &Gpu, video: &Video) -> Vec<Finding> {
    let (device, limits) = (settings.device.clone(), settings.limits);
    let looked = tokio::task::spawn_blocking(move || {
        let gpu = NvmlGpu::open(&device, None)?;
        let sample = gpu.sample()?;
        Ok::<_, Error>((gpu.gpu().clone(), sample))
    });
    let (gpu, sample) = match looked.await {
        Ok(Ok(looked)) => looked,
        Ok(Err(error)) if error.kind == ErrorKind::Pin => return vec![Finding::fail(CHECK, error.message)],
        Ok(Err(error)) => return vec![without(video, error.message)],
        Err(error) => return vec![Finding::fail(CHECK, format!("the driver could not be asked: {error}"))],
    };
    let mut admission = Admission::new(limits);
    admission.pin(&gpu);
    let state = admission.admit(Instant::now(), &sample, Own::default());
    let says = |state: &GpuState| format!("{} ({}, {}, driver {}): {state}", gpu.name, gpu.uuid, gpu.pci, gpu.driver);
    if !state.encodes() {
        return vec![without(video, says(&state))];
    }
    let Ok(ffmpeg) = Ffmpeg::locate(std::env::var_os("PATH").as_deref()) else {
        // That it is missing is told by another check.
        return vec![Finding::ok(CHECK, says(&state))];
    };
    match usable(&ffmpeg.on_gpu(&gpu.uuid), VideoCodec::H264Nvenc).await {
        Ok(()) => vec![Finding::ok(CHECK, says(&state))],
        Err(error) => {
            let state = match error.fault.unwrap_or(EncoderFault::NoEncoder) {
                EncoderFault::NoSession => GpuState::SessionLimit { learned: sample.sessions },
                fault => fault.gpu_state(gpu.is_slice()),
            };
            let says = format!("{} ({error})", says(&state));
            vec![if state.encodes() { Finding::warn(CHECK, says) } else { without(video, says) }]
        }
    }
}

/// What it means that no GPU encodes here.
fn without(video: &Video, why: String) -> Finding {
    let codec = fleet_codec(video);
    let nvenc = matches!(codec, VideoCodec::H264Nvenc | VideoCodec::HevcNvenc);
    match (nvenc, video.fallback) {
        (_, Fallback::None) if on_nvidia(video) => {
            Finding::fail(CHECK, format!("{why}; with video.fallback none a worker here takes nothing"))
        }
        (false, _) => {
            Finding::ok(CHECK, format!("none encodes, and none has to: clips are made with {}", codec.as_str()))
        }
        (true, _) => Finding::warn(CHECK, format!("{why}; a worker here would encode in software")),
    }
}

use std::{path::PathBuf, sync::Arc, time::Duration};

use langflix_domain::{GpuDevice, GpuSample, VideoCodec};
use langflix_media::{Ffmpeg, NvmlGpu};
use langflix_ports::gpu::{Error, ErrorKind, GpuProbe};
use langflix_runtime::shutdown::Shutdown;

use super::Desk;

/// How often the driver is asked.
const PACE: Duration = Duration::from_millis(500);
/// How often where there is none, or no encoder behind it.
const SLOWLY: Duration = Duration::from_secs(5);

/// How long the driver may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// A GPU to look at.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Which one.
    pub device: GpuDevice,
    /// NVML's library; found by its name where it is `None`.
    pub library: Option<PathBuf>,
    /// What encodes a frame to see whether the GPU encodes at all.
    pub ffmpeg: Ffmpeg,
}

impl Watched {
    /// Looks until the service ends, and tells `desk`. A driver or a GPU that is away is looked for again.
    pub async fn watch(self, desk: &Desk, told: &Shutdown) {
        let mut probe = None;
        loop {
            tokio::select! {
                () = self.look(desk, &mut probe) => {}
                () = told.draining() => return,
            }
            let pace = if desk.state().encodes() { PACE } else { SLOWLY };
            tokio::select! {
                () = tokio::time::sleep(pace) => {}
                () = told.draining() => return,
            }
        }
    }

    async fn look(&self, desk: &Desk, probe: &mut Option<Arc<NvmlGpu>>) {
        match self.sample(probe.take()).await {
            Ok((found, sample)) => {
                let gone = matches!(&sample, Err(error) if error.kind == ErrorKind::NoDriver);
                desk.seen(Some(found.gpu()), sample);
                if gone {
                    // What comes back may be another driver, or another slice.
                    return;
                }
                if desk.wants_trial() {
                    let pinned = self.ffmpeg.clone().on_gpu(&found.gpu().uuid);
                    desk.tried(langflix_media::usable(&pinned, VideoCodec::H264Nvenc).await);
                }
                *probe = Some(found);
            }
            Err(error) => desk.seen(None, Err(error)),
        }
    }

    /// Opens the GPU where it is not, and asks. The driver may take its time, longer in trouble.
    async fn sample(&self, held: Option<Arc<NvmlGpu>>) -> Result<(Arc<NvmlGpu>, Result<GpuSample, Error>), Error> {
        let (device, library) = (self.device.clone(), self.library.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let gpu = match held {
                Some(gpu) => gpu,
                None => Arc::new(NvmlGpu::open(&device, library.as_deref())?),
            };
            let sample = gpu.sample();
            Ok((gpu, sample))
        });
        let lost = |message: String| Error { kind: ErrorKind::Lost, message };
        match tokio::time::timeout(ANSWERS_WITHIN, asked).await {
            Ok(Ok(looked)) => looked,
            Ok(Err(error)) => Err(lost(format!("the driver was not asked: {error}"))),
            Err(_) => Err(lost(format!("the driver gave no answer within {} s", ANSWERS_WITHIN.as_secs()))),
        }
    }
}

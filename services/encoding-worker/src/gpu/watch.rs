use std::{path::PathBuf, sync::Arc, time::Duration};

use langflix_domain::{GpuDevice, GpuSample, VideoCodec};
use langflix_media::{Ffmpeg, NvmlGpu};
use langflix_ports::gpu::{Error, ErrorKind, GpuProbe};
use langflix_runtime::shutdown::Shutdown;
use tokio::task::JoinHandle;

use super::Desk;

/// How often the driver is asked while the GPU has clips to encode.
const PACE: Duration = Duration::from_millis(500);
/// How often where it has none, or no encoder.
const SLOWLY: Duration = Duration::from_secs(5);

/// How long the driver may take to answer until the GPU counts as lost. What was asked is waited for all the same: a call
/// into a driver that hangs cannot be ended, and another one would hang beside it.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

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

/// What was found and told.
type Looked = Result<(Arc<NvmlGpu>, Result<GpuSample, Error>), Error>;

/// What is known of the driver from one look to the next.
#[derive(Default)]
struct Held {
    gpu: Option<Arc<NvmlGpu>>,
    asked: Option<JoinHandle<Looked>>,
}

impl Watched {
    /// Looks until the service ends, and tells `desk`. A driver or a GPU that is away is looked for again.
    pub async fn watch(self, desk: &Desk, told: &Shutdown) {
        let mut held = Held::default();
        loop {
            tokio::select! {
                () = self.look(desk, &mut held) => {}
                () = told.draining() => return,
            }
            let pace = if desk.is_at_work() { PACE } else { SLOWLY };
            tokio::select! {
                () = tokio::time::sleep(pace) => {}
                // What was seen last may be too old for the clip that comes.
                () = desk.gets_to_work(), if pace == SLOWLY => {}
                () = told.draining() => return,
            }
        }
    }

    async fn look(&self, desk: &Desk, held: &mut Held) {
        match self.sample(held).await {
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
                held.gpu = Some(found);
            }
            Err(error) => desk.seen(None, Err(error)),
        }
    }

    /// Opens the GPU where it is not, and asks, or goes on waiting for what was asked before.
    async fn sample(&self, held: &mut Held) -> Looked {
        let mut asked = held.asked.take().unwrap_or_else(|| self.ask(held.gpu.take()));
        let lost = |message: String| Error { kind: ErrorKind::Lost, message };
        match tokio::time::timeout(ANSWERS_WITHIN, &mut asked).await {
            Ok(Ok(looked)) => looked,
            Ok(Err(error)) => Err(lost(format!("the driver was not asked: {error}"))),
            Err(_) => {
                held.asked = Some(asked);
                Err(lost(format!("the driver gives no answer within {} s", ANSWERS_WITHIN.as_secs())))
            }
        }
    }

    fn ask(&self, gpu: Option<Arc<NvmlGpu>>) -> JoinHandle<Looked> {
        let (device, library) = (self.device.clone(), self.library.clone());
        tokio::task::spawn_blocking(move || {
            let gpu = match gpu {
                Some(gpu) => gpu,
                None => Arc::new(NvmlGpu::open(&device, library.as_deref())?),
            };
            let sample = gpu.sample();
            Ok((gpu, sample))
        })
    }
}

use serde::{Deserialize, Serialize};

/// Why ffmpeg opens no encoder, and what it then says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The session cap is reached, or memory is short.
    OutOfMemory,
    /// Memory is short once the session is open.
    BitstreamBuffer,
    /// The session cap is reached, or the driver is patched in a wrong way.
    ClientKey,
    /// The GPU has no NVENC.
    UnsupportedDevice,
    /// The same, in the words of other drivers.
    NoEncodeDevice,
    /// The input has 10 bits, and the GPU encodes 8.
    TenBit,
    /// The input is wider than the GPU encodes.
    TooWide,
    /// The GPU lacks what the settings ask for.
    Features,
    /// There is no runtime in the container.
    NoCuda,
    /// The container lacks the capability `video`.
    NoVideo,
    /// ffmpeg needs a newer driver.
    DriverTooOld,
    /// CUDA sees no GPU.
    NoDevice,
    /// The driver's library and its kernel module are of different versions.
    DriverMismatch,
    /// The GPU fell off the bus.
    GpuLost,
}

impl Refusal {
    /// What ffmpeg 5.1 prints for it at `-v error`, the cause first. Frames that lie on the GPU bind the encoder to it,
    /// and then no search for a GPU comes to its end.
    #[must_use]
    pub fn lines(self, encoder: &str, on_gpu: bool) -> Vec<String> {
        let mut lines: Vec<String> = self.causes().iter().map(|line| (*line).to_owned()).collect();
        match self {
            Self::Features | Self::TenBit | Self::TooWide if on_gpu => {
                lines.push("Provided device doesn't support required NVENC features".to_owned());
            }
            _ if self.ends_search() && !on_gpu => lines.push("No capable devices found".to_owned()),
            _ => {}
        }
        for line in &mut lines {
            line.insert_str(0, &format!("[{encoder} @ 0x55d0c8a3f2c0] "));
        }
        lines.push(
            "Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect \
             parameters such as bit_rate, rate, width or height"
                .to_owned(),
        );
        lines
    }

    fn causes(self) -> &'static [&'static str] {
        match self {
            Self::OutOfMemory => &["OpenEncodeSessionEx failed: out of memory (10): (no details)"],
            Self::BitstreamBuffer => &["CreateBitstreamBuffer failed: out of memory (10): (no details)"],
            Self::ClientKey => &["OpenEncodeSessionEx failed: incompatible client key (21): (no details)"],
            Self::UnsupportedDevice => &["OpenEncodeSessionEx failed: unsupported device (2): (no details)"],
            Self::NoEncodeDevice => &["OpenEncodeSessionEx failed: no encode device (1): (no details)"],
            Self::TenBit => &["10 bit encode not supported"],
            Self::TooWide => &["Width 5120 exceeds 4096"],
            Self::Features => &["B frames as references are not supported"],
            Self::NoCuda => &["Cannot load libcuda.so.1"],
            Self::NoVideo => &[
                "Cannot load libnvidia-encode.so.1",
                "The minimum required Nvidia driver for nvenc is 470.57.02 or newer",
            ],
            Self::DriverTooOld => &[
                "Driver does not support the required nvenc API version. Required: 12.0 Found: 11.1",
                "The minimum required Nvidia driver for nvenc is 470.57.02 or newer",
            ],
            Self::NoDevice => {
                &["dl_fn->cuda_dl->cuInit(0) failed -> CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected"]
            }
            Self::DriverMismatch => &[
                "dl_fn->cuda_dl->cuInit(0) failed -> CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: system has unsupported display \
                 driver / cuda driver combination",
            ],
            Self::GpuLost => &["dl_fn->cuda_dl->cuInit(0) failed -> CUDA_ERROR_UNKNOWN: unknown error"],
        }
    }

    /// Whether ffmpeg had begun to try one GPU after another.
    fn ends_search(self) -> bool {
        matches!(
            self,
            Self::OutOfMemory
                | Self::ClientKey
                | Self::UnsupportedDevice
                | Self::NoEncodeDevice
                | Self::TenBit
                | Self::TooWide
                | Self::Features
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_comes_first_and_the_search_ends_after_it() {
        let lines = Refusal::OutOfMemory.lines("hevc_nvenc", false);
        assert!(lines[0].starts_with("[hevc_nvenc @ 0x"), "{lines:?}");
        assert!(lines[0].ends_with("OpenEncodeSessionEx failed: out of memory (10): (no details)"), "{lines:?}");
        assert!(lines[1].ends_with("] No capable devices found"), "{lines:?}");
        assert!(lines[2].starts_with("Error initializing output stream 0:0 -- "), "{lines:?}");
        assert!(!Refusal::OutOfMemory.lines("h264_nvenc", true).concat().contains("No capable"));
        assert!(!Refusal::NoCuda.lines("h264_nvenc", false).concat().contains("No capable"));
    }
}

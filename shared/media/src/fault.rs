//! What ffmpeg says where an encoder or its device fails, and what that means.

use langflix_ports::media::EncoderFault as Fault;

use crate::failure::parted;

/// Texts that stand in one line together, and what the line means. The first line of stderr that any of them fits counts,
/// since what comes behind it follows from it, and of those that fit a line the first here.
///
/// They are those of ffmpeg's `libavcodec/nvenc.c`, `libavcodec/nvdec.c`, `libavutil/cuda_check.h`,
/// `libavutil/hwcontext_vaapi.c`, `libavcodec/vaapi_encode.c` and `libavcodec/qsv.c`, versions 5.1 to 7.1.
const SAID: &[(&[&str], Fault)] = &[
    // What the driver's libraries say where they are loaded.
    (&["Cannot load libcuda.so"], Fault::NoDriver),
    (&["Cannot load libnvidia-encode.so"], Fault::NoVideoCapability),
    (&["Cannot load libnvcuvid.so"], Fault::NoVideoCapability),
    (&["Driver does not support the required nvenc API version"], Fault::DriverTooOld),
    (&["Failed to query nvenc max version"], Fault::DriverTooOld),
    (&["Failed to create nvenc instance"], Fault::DriverTooOld),
    // CUDA.
    (&["-> CUDA_ERROR_OUT_OF_MEMORY"], Fault::OutOfMemory),
    (&["-> CUDA_ERROR_NO_DEVICE"], Fault::NoDriver),
    (&["-> CUDA_ERROR_INVALID_DEVICE"], Fault::NoDriver),
    (&["-> CUDA_ERROR_DEVICE_UNAVAILABLE"], Fault::NoDriver),
    (&["-> CUDA_ERROR_DEVICE_NOT_LICENSED"], Fault::NoDriver),
    (&["-> CUDA_ERROR_OPERATING_SYSTEM"], Fault::NoDriver),
    (&["-> CUDA_ERROR_NOT_PERMITTED"], Fault::NoDriver),
    (&["-> CUDA_ERROR_NOT_INITIALIZED"], Fault::NoDriver),
    (&["-> CUDA_ERROR_STUB_LIBRARY"], Fault::NoDriver),
    (&["-> CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"], Fault::NoDriver),
    (&["-> CUDA_ERROR_SYSTEM_NOT_READY"], Fault::NoDriver),
    (&["-> CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE"], Fault::NoDriver),
    (&["-> CUDA_ERROR_UNSUPPORTED_PTX_VERSION"], Fault::DriverTooOld),
    (&["-> CUDA_ERROR_NOT_SUPPORTED"], Fault::Input),
    // A GPU that fell off the bus is unknown to `cuInit`; the rest spoils the context of the process, and often the GPU.
    (&["-> CUDA_ERROR_UNKNOWN"], Fault::Lost),
    (&["-> CUDA_ERROR_DEINITIALIZED"], Fault::Lost),
    (&["-> CUDA_ERROR_ECC_UNCORRECTABLE"], Fault::Lost),
    (&["-> CUDA_ERROR_NVLINK_UNCORRECTABLE"], Fault::Lost),
    (&["-> CUDA_ERROR_ILLEGAL_ADDRESS"], Fault::Lost),
    (&["-> CUDA_ERROR_ILLEGAL_INSTRUCTION"], Fault::Lost),
    (&["-> CUDA_ERROR_MISALIGNED_ADDRESS"], Fault::Lost),
    (&["-> CUDA_ERROR_INVALID_PC"], Fault::Lost),
    (&["-> CUDA_ERROR_HARDWARE_STACK_ERROR"], Fault::Lost),
    (&["-> CUDA_ERROR_LAUNCH_FAILED"], Fault::Lost),
    (&["-> CUDA_ERROR_LAUNCH_TIMEOUT"], Fault::Lost),
    (&["-> CUDA_ERROR_CONTEXT_IS_DESTROYED"], Fault::Lost),
    (&["-> CUDA_ERROR_CONTAINED"], Fault::Lost),
    (&["-> CUDA_ERROR_EXTERNAL_DEVICE"], Fault::Lost),
    (&["No CUDA capable devices found"], Fault::NoDriver),
    (&["Requested GPU ", " GPUs are available"], Fault::NoDriver),
    // NVENC opens a session. Both of the first may also mean that memory is full, or that a patch of the driver is broken.
    (&["OpenEncodeSessionEx failed: out of memory"], Fault::NoSession),
    (&["OpenEncodeSessionEx failed: incompatible client key"], Fault::NoSession),
    (&["OpenEncodeSessionEx failed: no encode device"], Fault::NoEncoder),
    (&["OpenEncodeSessionEx failed: unsupported device"], Fault::NoEncoder),
    (&["OpenEncodeSessionEx failed: invalid encoder device"], Fault::NoEncoder),
    (&["OpenEncodeSessionEx failed: unimplemented"], Fault::NoEncoder),
    (&["OpenEncodeSessionEx failed: invalid version"], Fault::DriverTooOld),
    (&["OpenEncodeSessionEx failed"], Fault::Lost),
    // NVENC at work.
    (&[" failed: out of memory (10)"], Fault::OutOfMemory),
    (&[" resource: out of memory (10)"], Fault::OutOfMemory),
    (&["EncodePicture failed!: out of memory (10)"], Fault::OutOfMemory),
    (&[": device does not exist (5)"], Fault::Lost),
    (&["InitializeEncoder failed: "], Fault::Input),
    (&[": unsupported param (12)"], Fault::Input),
    // What the GPU's generation of NVENC lacks.
    (&["10 bit encode not supported"], Fault::Input),
    (&["YUV444P not supported"], Fault::Input),
    (&["YUV422P not supported"], Fault::Input),
    (&["Lossless encoding not supported"], Fault::Input),
    (&["Interlaced encoding is not supported"], Fault::Input),
    (&["Width ", " exceeds "], Fault::Input),
    (&["Height ", " exceeds "], Fault::Input),
    (&["Max B-frames ", " exceed "], Fault::Input),
    (&["B frames as references are not supported"], Fault::Input),
    (&["B frame as reference is not supported"], Fault::Input),
    (&["RC lookahead not supported"], Fault::Input),
    (&["Temporal AQ not supported"], Fault::Input),
    (&["Weighted Prediction not supported"], Fault::Input),
    (&["CABAC entropy coding not supported"], Fault::Input),
    (&["Multiple reference frames are not supported"], Fault::Input),
    (&["Codec not supported"], Fault::NoEncoder),
    (&["Provided device doesn't support required NVENC features"], Fault::Input),
    // Behind any of the above; alone where those are warnings and no warning was asked for.
    (&["No capable devices found"], Fault::Input),
    // The GPU does not decode the source: ffmpeg then does, and has no filter between its frames and the GPU's.
    (&["hwaccel initialisation returned error"], Fault::Input),
    (&["No decoder surfaces left"], Fault::Input),
    (&["Impossible to convert between the formats supported by the filter"], Fault::Input),
    // VA-API.
    (&["No VA display found"], Fault::NoDriver),
    (&["Failed to initialise VAAPI connection"], Fault::NoDriver),
    (&["No usable encoding entrypoint found"], Fault::NoEncoder),
    (&["No usable encoding profile found"], Fault::NoEncoder),
    (&["Hardware does not support encoding at size"], Fault::Input),
    (&["Driver does not support ", " RC mode"], Fault::Input),
    // Quick Sync Video.
    (&["Error ", "MFX session"], Fault::NoDriver),
    (&[": device lost (-13)"], Fault::Lost),
    (&[": device failed (-17)"], Fault::Lost),
    (&[": GPU Hang (-21)"], Fault::Lost),
    (&[": failed to allocate memory (-4)"], Fault::OutOfMemory),
    (&["Error initializing the encoder: "], Fault::Input),
    // Behind the more telling of these; alone where no render node was found.
    (&["Device creation failed: "], Fault::NoDriver),
];

/// The first line that tells a fault, and which.
pub(crate) fn find(stderr: &str) -> Option<(&str, Fault)> {
    let fits = |text: &str| SAID.iter().find(|(parts, _)| parts.iter().all(|part| text.contains(part)));
    stderr.lines().map(|line| parted(line.trim()).1).find_map(|text| fits(text).map(|(_, fault)| (text, *fault)))
}

/// What an operator may do about it.
pub(crate) fn advice(fault: Fault) -> &'static str {
    match fault {
        Fault::NoSession => {
            "the driver opens no more encoder sessions now; bound them by gpu.max_sessions if it goes on"
        }
        Fault::OutOfMemory => {
            "the GPU's memory is full; bound its clips by gpu.max_sessions, or raise gpu.min_free_memory_mb"
        }
        Fault::NoEncoder => "the device has no such encoder",
        Fault::NoDriver => "check that the node's driver is loaded and that this process is given the device",
        Fault::NoVideoCapability => "NVIDIA_DRIVER_CAPABILITIES must hold `video`",
        Fault::DriverTooOld => "install a newer driver on the node, or an image with an older ffmpeg",
        Fault::Lost => "the GPU does not answer as it should; look for an XID in the node's kernel log",
        Fault::Input => "this encoder does not take it; another one may",
    }
}

/// Whether another try may succeed on the same device.
pub(crate) fn passes(fault: Fault) -> bool {
    matches!(fault, Fault::NoSession | Fault::OutOfMemory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Option<Fault> {
        let stderr = format!("[h264 @ 0x5] co located POCs unavailable\n[h264_nvenc @ 0x55d0c8a3f2c0] {line}\n");
        find(&stderr).map(|(text, fault)| {
            assert_eq!(text, line);
            fault
        })
    }

    /// Line by line, as ffmpeg writes them.
    #[test]
    fn each_line_of_ffmpeg_tells_its_fault() {
        use Fault::{DriverTooOld, Input, Lost, NoDriver, NoEncoder, NoSession, NoVideoCapability, OutOfMemory};
        for (line, fault) in [
            ("OpenEncodeSessionEx failed: out of memory (10): (no details)", NoSession),
            ("OpenEncodeSessionEx failed: incompatible client key (21): (no details)", NoSession),
            ("CreateBitstreamBuffer failed: out of memory (10): (no details)", OutOfMemory),
            ("CreateInputBuffer failed: out of memory (10): (no details)", OutOfMemory),
            ("InitializeEncoder failed: out of memory (10): EncodeAPI Internal Error.", OutOfMemory),
            ("Error registering an input resource: out of memory (10): (no details)", OutOfMemory),
            ("EncodePicture failed!: out of memory (10): (no details)", OutOfMemory),
            (
                "dl_fn->cuda_dl->cuCtxCreate(&ctx->cu_context_internal, 0, cu_device) failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory",
                OutOfMemory,
            ),
            (
                "decoder->cvdl->cuvidCreateDecoder(&decoder->decoder, params) failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory",
                OutOfMemory,
            ),
            ("cu->cuMemAlloc(&data, size) failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory", OutOfMemory),
            ("OpenEncodeSessionEx failed: unsupported device (2): (no details)", NoEncoder),
            ("OpenEncodeSessionEx failed: no encode device (1): (no details)", NoEncoder),
            ("OpenEncodeSessionEx failed: invalid encoder device (3): (no details)", NoEncoder),
            ("OpenEncodeSessionEx failed: invalid version (15): (no details)", DriverTooOld),
            ("OpenEncodeSessionEx failed: generic error (20): (no details)", Lost),
            ("OpenEncodeSessionEx failed: device does not exist (5): (no details)", Lost),
            ("EncodePicture failed!: device does not exist (5): (no details)", Lost),
            ("Codec not supported", NoEncoder),
            ("10 bit encode not supported", Input),
            ("YUV444P not supported", Input),
            ("Width 5120 exceeds 4096", Input),
            ("Height 4320 exceeds 4096", Input),
            ("Max B-frames 3 exceed 0", Input),
            ("B frames as references are not supported", Input),
            ("Each B frame as reference is not supported", Input),
            ("RC lookahead not supported", Input),
            ("InitializeEncoder failed: invalid param (8): Invalid Level.", Input),
            ("InitializeEncoder failed: unsupported param (12): (no details)", Input),
            ("Provided device doesn't support required NVENC features", Input),
            ("No capable devices found", Input),
            ("Cannot load libcuda.so.1", NoDriver),
            ("Cannot load libnvidia-encode.so.1", NoVideoCapability),
            ("Cannot load libnvcuvid.so.1", NoVideoCapability),
            ("Driver does not support the required nvenc API version. Required: 12.0 Found: 11.1", DriverTooOld),
            ("Failed to create nvenc instance: invalid version (15): (no details)", DriverTooOld),
            ("dl_fn->cuda_dl->cuInit(0) failed -> CUDA_ERROR_NO_DEVICE: no CUDA-capable device is detected", NoDriver),
            (
                "cu->cuDeviceGet(&hwctx->internal->cuda_device, device_idx) failed -> CUDA_ERROR_INVALID_DEVICE: invalid device ordinal",
                NoDriver,
            ),
            (
                "cu->cuInit(0) failed -> CUDA_ERROR_SYSTEM_DRIVER_MISMATCH: system has unsupported display driver / cuda driver combination",
                NoDriver,
            ),
            ("cu->cuInit(0) failed -> CUDA_ERROR_SYSTEM_NOT_READY: system not yet initialized", NoDriver),
            (
                "cu->cuInit(0) failed -> CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE: forward compatibility was attempted on non supported HW",
                NoDriver,
            ),
            ("cu->cuInit(0) failed -> CUDA_ERROR_UNKNOWN: unknown error", Lost),
            (
                "cu->cuModuleLoadData(cu_module, data) failed -> CUDA_ERROR_UNSUPPORTED_PTX_VERSION: the provided PTX was compiled with an unsupported toolchain.",
                DriverTooOld,
            ),
            (
                "cu->cuStreamSynchronize(hwctx->stream) failed -> CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered",
                Lost,
            ),
            (
                "cu->cuCtxPushCurrent(hwctx->cuda_ctx) failed -> CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error encountered",
                Lost,
            ),
            ("cu->cuLaunchKernel(func) failed -> CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure", Lost),
            ("No CUDA capable devices found", NoDriver),
            ("Requested GPU 3, but only 1 GPUs are available!", NoDriver),
            ("Failed setup for format cuda: hwaccel initialisation returned error.", Input),
            ("No decoder surfaces left", Input),
            (
                "Impossible to convert between the formats supported by the filter 'graph 0 input from stream 0:0' and the filter 'auto_scale_0'",
                Input,
            ),
            ("No VA display found for device /dev/dri/renderD128.", NoDriver),
            ("Failed to initialise VAAPI connection: -1 (unknown libva error).", NoDriver),
            ("No usable encoding entrypoint found for profile VAProfileH264High (7).", NoEncoder),
            (
                "Hardware does not support encoding at size 8192x4320 (constraints: width 32-4096 height 32-4096).",
                Input,
            ),
            ("Driver does not support CQP RC mode (supported modes: CBR, VBR).", Input),
            ("Error initializing an MFX session: unsupported (-3)", NoDriver),
            ("Error creating a MFX session: -9.", NoDriver),
            ("Error initializing an internal MFX session: unsupported (-3)", NoDriver),
            ("Error initializing the encoder: invalid video parameters (-15)", Input),
            ("Error during encoding: device failed (-17)", Lost),
            ("Error during encoding: GPU Hang (-21)", Lost),
            ("Device creation failed: -542398533.", NoDriver),
        ] {
            assert_eq!(told(line), Some(fault), "{line}");
        }
    }

    #[test]
    fn the_first_line_that_tells_a_fault_counts() {
        let at = |lines: &[&str]| find(&lines.join("\n")).map(|(_, fault)| fault);
        let tail = "[h264_nvenc @ 0x1] No capable devices found";
        let session = "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)";
        assert_eq!(at(&[session, tail]), Some(Fault::NoSession));
        assert_eq!(
            at(&["[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: unsupported device (2)", tail]),
            Some(Fault::NoEncoder)
        );
        assert_eq!(
            at(&[
                "[h264_nvenc @ 0x1] Cannot load libnvidia-encode.so.1",
                "[h264_nvenc @ 0x1] The minimum required Nvidia driver for nvenc is 520.56.06 or newer",
            ]),
            Some(Fault::NoVideoCapability)
        );
        assert_eq!(
            at(&["[AVHWDeviceContext @ 0x1] Cannot load libcuda.so.1", "Device creation failed: -1."]),
            Some(Fault::NoDriver)
        );
        assert_eq!(
            at(&[
                "[h264 @ 0x1] decoder->cvdl->cuvidCreateDecoder(&decoder->decoder, params) failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory",
                "[h264 @ 0x1] Failed setup for format cuda: hwaccel initialisation returned error.",
            ]),
            Some(Fault::OutOfMemory)
        );
    }

    #[test]
    fn what_tells_of_no_encoder_is_no_fault() {
        for line in [
            "file:x.mp4: Invalid data found when processing input",
            "Error initializing output stream 0:0 -- Error while opening encoder for output stream #0:0 - maybe incorrect parameters",
            "The minimum required Nvidia driver for nvenc is 520.56.06 or newer",
            "EncodePicture failed!: invalid param (8): (no details)",
            "",
        ] {
            assert_eq!(find(line), None, "{line}");
        }
    }
}

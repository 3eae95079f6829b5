//! What a program's failure means.

use langflix_domain::FailureKind;
use langflix_ports::media::{EncoderFault, Error};

use crate::fault;

/// A failure that another try does not change.
pub(crate) fn failed(kind: FailureKind, message: String) -> Error {
    Error { kind, transient: false, fault: None, message }
}

/// What is said of a source that cannot be read, or is cut off.
const UNREADABLE: [&str; 6] = [
    "Invalid data found",
    "moov atom not found",
    "No such file",
    "End of file",
    "File ended prematurely",
    "Permission denied",
];

/// What stderr says, as a kind and one line.
pub(crate) fn read(program: &str, stderr: &str) -> Error {
    if let Some(error) = full(stderr) {
        return error;
    }
    let has = |texts: &[&str]| texts.iter().any(|text| stderr.contains(text));
    let line = reason(stderr);
    if has(&["Format not on whitelist"]) {
        let kinds = "no Matroska, WebM, MP4, QuickTime, AVI, MPEG, Flash, ASF, Ogg or MXF file: give the video itself";
        return failed(FailureKind::Input, kinds.to_owned());
    }
    if has(&["Unknown encoder"]) {
        let message = format!("{line}: this ffmpeg was built without it; install a full one (apt-get install ffmpeg)");
        return Error { fault: Some(EncoderFault::NoEncoder), ..failed(FailureKind::Encoder, message) };
    }
    if let Some((line, fault)) = fault::find(stderr) {
        return of_encoder(program, line, fault);
    }
    let kind = if has(&UNREADABLE) { FailureKind::Input } else { FailureKind::Encoder };
    failed(kind, format!("{program}: {line}"))
}

/// What an encoder or its device failed at, and what to do.
fn of_encoder(program: &str, line: &str, fault: EncoderFault) -> Error {
    let line = bare(line.trim_end_matches(": (no details)"));
    // What this encoder does not take says nothing of the worker, however many clips have it.
    let kind = if fault.is_of_device() { FailureKind::Encoder } else { FailureKind::Input };
    Error {
        kind,
        transient: fault::passes(fault),
        fault: Some(fault),
        message: format!("{program}: {line}: {}", fault::advice(fault)),
    }
}

/// Whether the disk is full, or what this user may have of it; ffmpeg may end well nevertheless.
pub(crate) fn full(stderr: &str) -> Option<Error> {
    let message = "the clip could not be written: no space left on the device; free some, or give another folder";
    let is_full = ["No space left on device", "Disk quota exceeded"].iter().any(|text| stderr.contains(text));
    is_full.then(|| failed(FailureKind::Store, message.to_owned()))
}

/// Decoders complain of frames in front of a cut that nobody asked for; that is no reason unless there is no other.
const DECODERS: [&str; 12] =
    ["h264", "hevc", "mpeg2video", "mpeg4", "vp8", "vp9", "aac", "ac3", "eac3", "mp3float", "opus", "vorbis"];

/// The first line that says something: what comes behind it follows from it.
fn reason(stderr: &str) -> String {
    let lines = || stderr.lines().map(|line| parted(line.trim())).filter(|(_, text)| !text.is_empty());
    let weighty = |(from, text): &(&str, &str)| !DECODERS.contains(from) && !text.starts_with("Last message repeated");
    let (_, text) = lines().find(weighty).or_else(|| lines().next()).unwrap_or(("", "it gave no reason"));
    bare(text)
}

fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// Parts ffmpeg's `[name @ 0x55d0c0] text`: addresses differ from run to run, and messages go into the manifest.
pub(crate) fn parted(line: &str) -> (&str, &str) {
    let mut parted = ("", line);
    while let Some((from, text)) = parted.1.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        let Some((name, _)) = from.split_once(" @ 0x") else { break };
        parted = (name, text.trim());
    }
    parted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_counts_and_addresses_are_left_out() {
        let error = read(
            "ffmpeg",
            "\n[h264_nvenc @ 0x55] OpenEncodeSessionEx failed: out of memory (10)\n[x] No capable devices found\n",
        );
        let message = "ffmpeg: OpenEncodeSessionEx failed: out of memory (10): the driver opens no more encoder sessions now; \
                       bound them by gpu.max_sessions if it goes on";
        assert_eq!(error.message, message);
        assert_eq!((error.kind, error.transient), (FailureKind::Encoder, true));
        assert_eq!(error.fault, Some(EncoderFault::NoSession));
    }

    #[test]
    fn what_decoders_say_of_frames_in_front_of_the_cut_is_no_reason() {
        let text = "[h264 @ 0x5] co located POCs unavailable\n    Last message repeated 1 times\n[aac @ 0x1] more\nError submitting";
        assert_eq!(read("ffmpeg", text).message, "ffmpeg: Error submitting");
        assert_eq!(read("ffmpeg", "[h264 @ 0x5] no frame!").message, "ffmpeg: no frame!");
    }

    #[test]
    fn each_failure_has_its_kind() {
        for (text, kind) in [
            ("Error writing trailer of clip.mp4: No space left on device", FailureKind::Store),
            ("av_interleaved_write_frame(): Disk quota exceeded", FailureKind::Store),
            ("file:x.mp4: Invalid data found when processing input", FailureKind::Input),
            ("[mov @ 0x1] moov atom not found", FailureKind::Input),
            ("[matroska,webm @ 0x1] File ended prematurely", FailureKind::Input),
            ("Unknown encoder 'libx264'", FailureKind::Encoder),
            ("[h264_nvenc @ 0x1] Cannot load libcuda.so.1", FailureKind::Encoder),
            ("[h264_nvenc @ 0x1] 10 bit encode not supported", FailureKind::Input),
            ("", FailureKind::Encoder),
        ] {
            let error = read("ffmpeg", text);
            assert_eq!((error.kind, error.transient), (kind, false), "{text}");
            assert!(!error.message.contains('\n') && !error.message.contains("0x"), "{}", error.message);
        }
    }
}

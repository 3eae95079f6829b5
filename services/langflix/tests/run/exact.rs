//! Every clip of the sample shows and sounds what its manifest says: frames and ticks tell their place.

use std::path::Path;

use langflix_testkit::video::ffmpeg;
use serde_json::Value;
use tempfile::tempdir;

use crate::support::{complete, episode, manifest, results, run};

const FRAME: f64 = 1.0 / 24.0;
const RATE: f64 = 48_000.0;

/// The numbers of the first and the last frame: sixteen squares at the bottom left, the highest bit first.
fn ends(dir: &Path, video: &str) -> (u32, u32) {
    let filter = "crop=256:16:0:344,scale=16:1:flags=area,format=gray";
    let pixels =
        ffmpeg(dir, &["-i", video, "-vf", filter, "-vsync", "passthrough", "-f", "rawvideo", "pipe:1"]).unwrap();
    let number = |frame: &[u8]| frame.iter().fold(0, |bits, &grey| bits << 1 | u32::from(grey > 127));
    let numbers: Vec<u32> = pixels.chunks_exact(16).map(number).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no frame is lost or shown twice: {numbers:?}");
    (numbers[0], numbers[numbers.len() - 1])
}

/// When the ticks begin, a tone of 13 kHz above all voices, in seconds of the clip.
fn ticks(dir: &Path, video: &str) -> Vec<f64> {
    let filter = "pan=mono|c0=c0,bandpass=f=13000:width_type=h:w=400,bandpass=f=13000:width_type=h:w=400";
    let bytes = ffmpeg(dir, &["-i", video, "-af", filter, "-f", "f32le", "pipe:1"]).unwrap();
    let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    // Per millisecond.
    let loudness: Vec<f32> =
        samples.chunks(48).map(|part| part.iter().fold(0.0, |most, s| s.abs().max(most))).collect();
    let threshold = loudness.iter().fold(0.0_f32, |most, l| most.max(*l)) * 0.4;
    let begins =
        |at: &usize| loudness[*at] >= threshold && loudness[at.saturating_sub(100)..*at].iter().all(|l| *l < threshold);
    (100..loudness.len()).filter(begins).map(|at| at as f64 * 48.0 / RATE).collect()
}

fn seconds(value: &Value) -> f64 {
    value.as_f64().unwrap() / 1000.0
}

#[test]
fn clips_start_and_end_within_a_frame_of_their_bounds_and_sound_is_in_time() {
    let dir = tempdir().unwrap();
    complete(run(&episode(), dir.path()).args(["--max-expressions", "4"]));
    let manifest = manifest(dir.path());
    let clips = manifest["clips"].as_array().unwrap();
    assert_eq!(clips.len(), 4);
    for clip in clips {
        let video = clip["files"]["video"].as_str().unwrap();
        let bounds = &clip["encoded"]["bounds"];
        let (start, end) = (seconds(&bounds["start"]), seconds(&bounds["end"]));
        let said = (seconds(&clip["said"]["start"]), seconds(&clip["said"]["end"]));
        assert!(start <= said.0 && said.1 <= end, "{said:?} is within {start} to {end}");
        let (first, last) = ends(&results(dir.path()), video);
        assert!((f64::from(first) * FRAME - start).abs() <= FRAME, "{video}: frame {first} at {start}");
        assert!(
            (f64::from(last + 1) * FRAME - end).abs() <= FRAME,
            "{video}: frames {first} to {last} from {start} to {end}"
        );
        let ticks = ticks(&results(dir.path()), video);
        // A voice may sound like a tick, too; but one stands at the beginning of every second that is whole in the clip.
        let seconds = (start + 0.2).ceil() as u32..(end - 0.1).floor() as u32;
        assert!(seconds.len() >= 7, "{video}: {seconds:?}");
        for second in seconds.map(f64::from) {
            let near = ticks.iter().any(|tick| (start + tick - second).abs() <= FRAME);
            assert!(near, "{video}: no tick at {second} in {ticks:?} from {start}");
        }
    }
}

use std::{io, path::Path};

use super::{ffmpeg, ffprobe};

/// Both ways, the size to which a frame is brought before its number is read: each square is two pixels wide then.
const READ: (usize, usize) = (32, 32);
const RATE: f64 = 48_000.0;

/// A decoded frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// When it is shown, in seconds.
    pub at: f64,
    /// The number that it carries.
    pub number: u32,
}

/// A tone in the sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// When it begins, in seconds.
    pub at: f64,
    /// Its pitch in Hz, to within 20.
    pub pitch: f64,
}

/// A video, decoded.
#[derive(Clone, Debug)]
pub struct Clip {
    /// Its frames.
    pub frames: Vec<Frame>,
    /// The tones in its sound that begin inside of it.
    pub bursts: Vec<Burst>,
    /// Length of its sound in seconds; 0 without sound.
    pub sound: f64,
}

impl Clip {
    /// Decodes the first picture and the first sound of the file `name` in `dir`.
    ///
    /// # Errors
    /// Where it cannot be decoded.
    pub fn read(dir: &Path, name: &str) -> io::Result<Self> {
        let samples = samples(dir, name)?;
        Ok(Self { frames: frames(dir, name)?, sound: samples.len() as f64 / RATE, bursts: bursts(&samples) })
    }
}

fn frames(dir: &Path, name: &str) -> io::Result<Vec<Frame>> {
    let (width, height) = READ;
    let filter = format!("scale={width}:{height}:flags=area,format=gray");
    let pixels = ffmpeg(
        dir,
        &["-i", name, "-map", "0:V:0", "-vf", &filter, "-vsync", "passthrough", "-f", "rawvideo", "pipe:1"],
    )?;
    let shown = "frame=best_effort_timestamp_time";
    let times = ffprobe(dir, &["-select_streams", "V:0", "-show_entries", shown, "-of", "csv=p=0", name])?;
    let times = times.lines().filter_map(|line| line.trim_end_matches(',').parse().ok());
    let number = |frame: &[u8]| {
        let row = &frame[(height - 2) * width..(height - 1) * width];
        row.chunks(2).fold(0, |bits, square| bits << 1 | u32::from(square.iter().all(|&grey| grey > 127)))
    };
    let numbers = pixels.chunks_exact(width * height).map(number);
    Ok(times.zip(numbers).map(|(at, number)| Frame { at, number }).collect())
}

/// The sound as mono samples from the time zero on.
fn samples(dir: &Path, name: &str) -> io::Result<Vec<f32>> {
    let streams = ffprobe(dir, &["-select_streams", "a", "-show_entries", "stream=index", "-of", "csv=p=0", name])?;
    if streams.trim().is_empty() {
        return Ok(Vec::new());
    }
    let filter = "aresample=48000:async=1:first_pts=0,pan=mono|c0=c0";
    let bytes = ffmpeg(dir, &["-i", name, "-map", "0:a:0", "-af", filter, "-f", "f32le", "pipe:1"])?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

/// A tone begins where a tenth of a second of quiet ends, and its zero crossings are counted over the next 50 ms.
fn bursts(samples: &[f32]) -> Vec<Burst> {
    let (quiet, tone) = (4800, 2400);
    let loudest = samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
    let threshold = (loudest * 0.2).max(0.01);
    let mut found = Vec::new();
    let mut silent = 0;
    for (at, sample) in samples.iter().enumerate() {
        if sample.abs() < threshold {
            silent += 1;
            continue;
        }
        if silent >= quiet && at + tone <= samples.len() {
            let crossings = samples[at..at + tone].windows(2).filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0).count();
            found.push(Burst { at: at as f64 / RATE, pitch: crossings as f64 * RATE / tone as f64 });
        }
        silent = 0;
    }
    found
}

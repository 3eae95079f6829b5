//! A film that nobody shot, to measure encoders with where there is no other.

use std::{ffi::OsString, path::Path};

use langflix_ports::media::Error;

use crate::{
    args::strings,
    runner::{self, Ffmpeg, Limits},
};

/// What a generated film is like.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Width and height in pixels, both even.
    pub size: (u32, u32),
    /// How long it is.
    pub seconds: u32,
}

/// Frames a second, as films have them.
const RATE: u32 = 24;
/// What episodes in 1080p are commonly offered at: decoding costs by the bit.
const BITS_OF_100_PIXELS: u64 = 5_000_000 / (1920 * 1080 / 100);

impl Ffmpeg {
    /// Makes the file `path` of generated pictures and sound: something that moves, parts that change at once, and grain,
    /// about as hard to encode as a film. The same in every run.
    ///
    /// # Errors
    /// Where ffmpeg cannot make it, or the disk is full.
    pub async fn make_sample(&self, sample: Sample, path: &Path) -> Result<(), Error> {
        let made = runner::run(&self.ffmpeg, &args(sample, path, &X264), None, &Limits::SHORT, None).await;
        match made {
            Ok(_) => Ok(()),
            // A build without x264 has hardware's encoders alone, and all have this one.
            Err(_) => {
                runner::run(&self.ffmpeg, &args(sample, path, &MPEG4), None, &Limits::SHORT, None).await.map(drop)
            }
        }
    }
}

/// No more threads than a clip has: on a large machine each takes memory and none is needed.
const X264: [&str; 6] = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "8"];
const MPEG4: [&str; 2] = ["-c:v", "mpeg4"];

fn args(Sample { size: (width, height), seconds }: Sample, path: &Path, encoder: &[&str]) -> Vec<OsString> {
    // Computed small and drawn large: the film must not take longer to make than to encode.
    let picture = format!(
        "mandelbrot=s={small_width}x{small_height}:r={RATE}:start_scale=1.5:end_scale=0.02:end_pts={frames},\
         scale={width}:{height},format=yuv420p[deep];\
         testsrc2=s={small_width}x{small_height}:r={RATE},format=yuv420p[card];\
         [deep][card]overlay=x='(W-w)/2*(1+sin(t/2))':y='(H-h)/2*(1+cos(t/3))':enable='lt(mod(t,6),2)',\
         noise=alls=4:allf=t:all_seed=1[v];\
         anoisesrc=c=pink:a=0.3:seed=1:r=48000,tremolo=f=0.7:d=0.9,aformat=channel_layouts=stereo[a]",
        small_width = width / 4,
        small_height = height / 4,
        frames = seconds * RATE,
    );
    let bits = (u64::from(width) * u64::from(height) / 100 * BITS_OF_100_PIXELS).to_string();
    // Films have a keyframe every few seconds, and a clip begins anywhere between two.
    let keyframes = (10 * RATE).to_string();
    let mut args: Vec<OsString> = strings(&["-nostdin", "-v", "error", "-y", "-filter_complex", &picture]).collect();
    args.extend(strings(&["-map", "[v]", "-map", "[a]", "-t", &seconds.to_string()]));
    args.extend(strings(encoder));
    args.extend(strings(&["-b:v", &bits, "-g", &keyframes, "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "160k"]));
    args.push(path.into());
    args
}

#[cfg(test)]
mod tests {
    use langflix_ports::media::MediaProbe as _;

    use super::*;

    #[tokio::test]
    async fn a_sample_is_a_film_with_sound_of_the_size_and_length_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref()).unwrap();
        for (file, encoder) in [("a.mkv", X264.as_slice()), ("b.mkv", &MPEG4)] {
            let path = dir.path().join(file);
            let sample = Sample { size: (320, 180), seconds: 3 };
            runner::run(&ffmpeg.ffmpeg, &args(sample, &path, encoder), None, &Limits::SHORT, None).await.unwrap();
            let info = ffmpeg.probe(path.to_str().unwrap()).await.unwrap();
            assert_eq!((info.video.width, info.video.height, info.audio.len()), (320, 180, 1), "{file}");
            assert!((info.duration.as_millis() - 3000).abs() < 60, "{file}: {}", info.duration);
        }
    }
}

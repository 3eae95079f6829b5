//! Filter chains for picture and sound.
//!
//! No text and no path ever stands in one, only numbers: nothing has to be escaped.

use langflix_domain::{MediaInfo, MediaTime, VideoStream};

use crate::{
    args::{BURN_FILE, seconds},
    decode::Decoder,
    loudness::Loudness,
};

/// How long before the cut reading begins, and what it begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// The clip's first moment.
    pub(crate) start: MediaTime,
    /// How far reading begins before that.
    pub(crate) lead: MediaTime,
}

/// HDR to SDR: to linear light, to BT.709's primaries, highlights rolled off by Hable's curve, back to BT.709's gamma.
/// What the file leaves open is taken as HDR has it, since zscale refuses to guess.
fn tone_mapping(transfer: &str) -> String {
    format!(
        "zscale=tin={transfer}:min=bt2020nc:pin=bt2020:rin=tv:t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,\
         tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
    )
}

/// Frames a second above which a rate is not believed.
const FASTEST: f64 = 240.0;

/// Frames a second of a clip.
///
/// Clips have a constant rate: the source's own, or 30 or 60 where its frames last differently long, or where its header
/// claims more than any film has. Rates that miss a usual one by less than 0.05 % are that one; NTSC's lie 0.1 % beside the
/// whole numbers.
pub(crate) fn rate(video: &VideoStream) -> (u32, u32) {
    let (frames, per) = video.frame_rate;
    let given = f64::from(frames) / f64::from(per);
    if video.variable_frame_rate || given > FASTEST {
        return if given < 30.5 { (30, 1) } else { (60, 1) };
    }
    const USUAL: [(u32, u32); 10] =
        [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (48, 1), (50, 1), (60_000, 1001), (60, 1), (15, 1)];
    let near = |(a, b): &(u32, u32)| (f64::from(*a) / f64::from(*b) / given - 1.0).abs() < 0.000_5;
    USUAL.into_iter().find(near).unwrap_or((frames, per))
}

/// The transfer of a picture that has to be brought to standard range.
fn hdr(video: &VideoStream) -> Option<&str> {
    video.color_transfer.as_deref().filter(|transfer| matches!(*transfer, "smpte2084" | "arib-std-b67"))
}

pub(crate) fn is_hdr(video: &VideoStream) -> bool {
    hdr(video).is_some()
}

/// Whether pixels are not square, by more than a hundredth.
pub(crate) fn is_anamorphic(video: &VideoStream) -> bool {
    let (across, down) = video.sample_aspect_ratio;
    across.abs_diff(down) * 100 > down
}

/// Square pixels, and both sides even: 4:2:0 halves both directions.
const SQUARE: &str = "trunc(iw*sar/2)*2:trunc(ih/2)*2";

/// From the source's frames to upright, square, progressive, standard-range ones in constant distance from `cut` on.
pub(crate) fn picture(video: &VideoStream, cut: Cut, decoder: Decoder) -> String {
    let mut chain = Vec::new();
    if video.interlaced {
        chain.push(if decoder == Decoder::Cuda { "yadif_cuda" } else { "yadif" }.to_owned());
    }
    if cut.lead > MediaTime::ZERO {
        chain.push(format!("settb=AVTB,setpts=PTS-{}/TB", seconds(cut.lead)));
    }
    // The frame that stands at the first moment began before it; this filter keeps that one, and it drops the earlier.
    let (frames, per) = rate(video);
    chain.push(format!("fps={frames}/{per}:start_time=0"));
    if let Some(transfer) = hdr(video) {
        chain.push(tone_mapping(transfer));
    }
    chain.push(match (decoder, is_anamorphic(video)) {
        // Also brings ten bits to eight.
        (Decoder::Cuda, true) => format!("scale_cuda={SQUARE}:format={ON_GPU}"),
        (Decoder::Cuda, false) => format!("scale_cuda=format={ON_GPU}"),
        (Decoder::Cpu, true) => format!("scale={SQUARE}"),
        (Decoder::Cpu, false) => "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0".to_owned(),
    });
    chain.push("setsar=1".to_owned());
    chain.join(",")
}

/// How pixels of frames on the GPU are laid out when they reach its encoder.
const ON_GPU: &str = "yuv420p";

/// Draws the script, whose times count from the timeline's zero, the frames' from the clip's.
pub(crate) fn burn(start: MediaTime) -> String {
    // Microseconds hold a millisecond exactly; in the frames' own time base the way there and back may lose a frame.
    let start = seconds(start);
    format!("settb=AVTB,setpts=PTS+{start}/TB,subtitles={BURN_FILE},setpts=PTS-{start}/TB")
}

/// Takes the frame at `offset` of the clip, at most 960 wide, and ends: one picture's encoder may wait for the next
/// frame, and all of the source would be read to find that there is none. It is the only frame that leaves the GPU.
pub(crate) fn still(info: &MediaInfo, offset: MediaTime, decoder: Decoder) -> String {
    let (frames, per) = rate(&info.video);
    let number = offset.as_millis() * i64::from(frames) / (1000 * i64::from(per));
    let end = number + 1;
    let down = match decoder {
        Decoder::Cpu => String::new(),
        Decoder::Cuda => format!("hwdownload,format={ON_GPU},"),
    };
    format!("trim=start_frame={number}:end_frame={end},{down}scale='trunc(min(960,iw)/2)*2':-2,format=yuvj420p")
}

/// From the source's sound to stereo of just this `length`.
pub(crate) fn sound(cut: Cut, length: MediaTime, loudness: Option<&Loudness>) -> String {
    let mut chain = Vec::new();
    if cut.lead > MediaTime::ZERO {
        chain.push(format!("asetpts=PTS-{}/TB", seconds(cut.lead)));
    }
    // Sound that begins late, has holes or ends early would drift or leave the picture behind without being filled up.
    chain.push("atrim=start=0,aresample=async=1:first_pts=0".to_owned());
    chain.push("aformat=channel_layouts=stereo".to_owned());
    chain.extend(loudness.map(Loudness::filter));
    // ffmpeg 5 forgets to part the sound into the encoder's frames where it sets up the graph a second time.
    chain.push(format!("apad,atrim=end={},asetnsamples=n=1024", seconds(length)));
    chain.join(",")
}

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::SIZE;

/// How a source is made and what is in it.
#[derive(Clone, Debug)]
pub struct Recipe {
    /// Its file name.
    pub file: &'static str,
    /// Frames a second that are numbered, as a fraction.
    pub rate: (u32, u32),
    /// Length in seconds.
    pub seconds: u32,
    /// What ffmpeg is told, run after run; the last one writes `file`.
    pub steps: Vec<Vec<String>>,
}

/// The picture: something that moves, with the number along the bottom.
fn picture(size: (u32, u32), rate: (u32, u32), more: &str) -> String {
    let (width, height) = size;
    let (square, top) = (width / 16, height - height / 8);
    let mut chain = format!(
        "testsrc2=s={width}x{height}:r={}/{},drawbox=x=0:y={top}:w=iw:h=ih-{top}:color=black:t=fill",
        rate.0, rate.1
    );
    for bit in 0..12 {
        chain += &format!(
            ",drawbox=x={}:y={top}:w={square}:h=ih-{top}:color=white:t=fill:enable='mod(floor(n/{}),2)'",
            (15 - bit) * square,
            1 << bit
        );
    }
    chain + more
}

/// The sound: a tone at every second's beginning, `base + 100 k` Hz in second `k`.
fn sound(base: u32, more: &str) -> String {
    format!("aevalsrc=exprs='0.5*sin(2*PI*({base}+100*floor(t))*t)*lt(mod(t,1),0.06)':s=48000{more}")
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().map(str::to_owned)
}

const X264: &str = "-c:v libx264 -preset veryfast -crf 20 -g 250 -keyint_min 250 -sc_threshold 0 -pix_fmt yuv420p";
const AAC: &str = "-c:a aac -b:a 128k";
const FILM: (u32, u32) = (24_000, 1001);

/// One run with picture and sound from generators.
fn step(seconds: u32, picture: &str, sounds: &[String], rest: &str) -> Vec<String> {
    let mut args: Vec<String> = words("-f lavfi -i").chain([picture.to_owned()]).collect();
    for sound in sounds {
        args.extend(words("-f lavfi -i").chain([sound.clone()]));
    }
    args.extend(words("-map 0:v"));
    for number in 1..=sounds.len() {
        args.extend(["-map".to_owned(), format!("{number}:a")]);
    }
    args.extend(words(&format!("-t {seconds} {rest}")));
    args
}

impl Recipe {
    fn plain(file: &'static str, rate: (u32, u32), codecs: &str) -> Self {
        let args = step(8, &picture(SIZE, rate, ""), &[sound(400, "")], &format!("{codecs} {file}"));
        Self { file, rate, seconds: 8, steps: vec![args] }
    }

    /// H.264 with B-frames and one keyframe in 250 frames, at 23.976 frames a second, index at the end.
    pub fn long_gop() -> Self {
        let codecs = format!("{X264} {AAC}");
        let args = step(24, &picture(SIZE, FILM, ""), &[sound(400, "")], &format!("{codecs} long_gop.mp4"));
        Self { file: "long_gop.mp4", rate: FILM, seconds: 24, steps: vec![args] }
    }

    /// HEVC Main 10 with Opus in Matroska.
    pub fn hevc_10_bit() -> Self {
        let codecs = "-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none:keyint=250";
        Self::plain("hevc10.mkv", (24, 1), &format!("{codecs} -c:a libopus"))
    }

    /// Frames that last one to four 24ths of a second, and one that lasts two seconds (from 3 s on).
    pub fn variable_rate() -> Self {
        let some = ",select='lt(t,3.01)*not(mod(n,5))+lt(t,3.01)*eq(mod(n,5),2)+gte(t,5)*not(mod(n,4))+gte(t,5)*eq(mod(n,4),1)'";
        let codecs = format!("-vsync vfr {X264} {AAC} vfr.mkv");
        let args = step(8, &picture(SIZE, (24, 1), some), &[sound(400, "")], &codecs);
        Self { file: "vfr.mkv", rate: (24, 1), seconds: 8, steps: vec![args] }
    }

    /// A transport stream whose clock starts at 17.7 s.
    pub fn transport_stream() -> Self {
        let codecs = format!("{X264} {AAC} -muxdelay 0 -output_ts_offset 17.7 offset.ts");
        let args = step(24, &picture(SIZE, (25, 1), ""), &[sound(400, "")], &codecs);
        Self { file: "offset.ts", rate: (25, 1), seconds: 24, steps: vec![args] }
    }

    /// A file of this name, in a container by its ending, whose clock starts at 5 s.
    pub fn late_clock(file: &'static str) -> Self {
        Self::plain(file, (24, 1), &format!("{X264} {AAC} -output_ts_offset 5"))
    }

    /// Interlaced MPEG-2 in a transport stream.
    pub fn interlaced() -> Self {
        let codecs = "-vf setfield=tff -c:v mpeg2video -q:v 3 -flags +ilme+ildct -top 1 -c:a mp2 -b:a 128k";
        Self::plain("interlaced.ts", (25, 1), codecs)
    }

    /// Pixels of 4:3.
    pub fn anamorphic() -> Self {
        let args = step(
            8,
            &picture((320, 240), (24, 1), ",setsar=4/3"),
            &[sound(400, "")],
            &format!("{X264} {AAC} anamorphic.mp4"),
        );
        Self { file: "anamorphic.mp4", rate: (24, 1), seconds: 8, steps: vec![args] }
    }

    /// 5.1 sound that holds the tones in its centre channel alone, as dialogue is mixed.
    pub fn surround() -> Self {
        let centre = sound(400, ",pan=5.1|FC=c0");
        let args = step(8, &picture(SIZE, (24, 1), ""), &[centre], &format!("{X264} -c:a ac3 -b:a 384k surround.mkv"));
        Self { file: "surround.mkv", rate: (24, 1), seconds: 8, steps: vec![args] }
    }

    /// No sound track.
    pub fn no_audio() -> Self {
        let args = step(8, &picture(SIZE, (30, 1), ""), &[], &format!("{X264} no_audio.mp4"));
        Self { file: "no_audio.mp4", rate: (30, 1), seconds: 8, steps: vec![args] }
    }

    /// A commentary (English, marked as default, tones from 3000 Hz), Korean (from 1700 Hz) and English (from 400 Hz).
    pub fn three_tracks() -> Self {
        let tags = "-metadata:s:a:0 language=eng -metadata:s:a:0 title=Commentary -disposition:a:0 default \
                    -metadata:s:a:1 language=kor -disposition:a:1 0 -metadata:s:a:2 language=eng -disposition:a:2 0";
        let sounds = [sound(3000, ""), sound(1700, ""), sound(400, "")];
        let args = step(8, &picture(SIZE, (24, 1), ""), &sounds, &format!("{X264} {AAC} {tags} tracks.mkv"));
        Self { file: "tracks.mkv", rate: (24, 1), seconds: 8, steps: vec![args] }
    }

    /// VP9 and Opus.
    pub fn webm() -> Self {
        Self::plain("vp9.webm", (30, 1), "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 500k -g 250 -c:a libopus")
    }

    /// MPEG-4 part 2 with B-frames, and MP3.
    pub fn avi() -> Self {
        Self::plain("mpeg4.avi", (25, 1), "-c:v mpeg4 -q:v 3 -bf 2 -g 200 -c:a libmp3lame")
    }

    /// QuickTime with uncompressed sound.
    pub fn mov() -> Self {
        Self::plain("quicktime.mov", (30_000, 1001), &format!("{X264} -c:a pcm_s16le"))
    }

    /// MP4 by the name that iTunes gives it.
    pub fn m4v() -> Self {
        Self::plain("itunes.m4v", (24, 1), &format!("{X264} {AAC} -f mp4"))
    }

    /// Flash video.
    pub fn flv() -> Self {
        Self::plain("flash.flv", (25, 1), &format!("{X264} {AAC}"))
    }

    /// A cover picture as first stream.
    pub fn cover() -> Self {
        let film = step(8, &picture(SIZE, (24, 1), ""), &[sound(400, "")], &format!("{X264} {AAC} film.mp4"));
        let still = words("-f lavfi -i color=c=red:s=600x600 -frames:v 1 cover.png").collect();
        let joined = words("-i cover.png -i film.mp4 -map 0 -map 1 -c copy -disposition:v:0 attached_pic cover.mp4");
        Self { file: "cover.mp4", rate: (24, 1), seconds: 8, steps: vec![film, still, joined.collect()] }
    }

    /// Stored lying on its side, to be turned upright by the player, as telephones film.
    pub fn rotated() -> Self {
        let lying = picture((192, 320), (30, 1), ",transpose=cclock");
        let film = step(8, &lying, &[sound(400, "")], &format!("{X264} {AAC} lying.mp4"));
        let turned = words("-i lying.mp4 -c copy -metadata:s:v:0 rotate=270 rotated.mp4").collect();
        Self { file: "rotated.mp4", rate: (30, 1), seconds: 8, steps: vec![film, turned] }
    }

    /// 853 by 481 pixels.
    pub fn odd_size() -> Self {
        let args = step(
            4,
            &picture((853, 481), (24, 1), ""),
            &[sound(400, "")],
            "-c:v ffv1 -g 24 -pix_fmt yuv444p -c:a flac odd.mkv",
        );
        Self { file: "odd.mkv", rate: (24, 1), seconds: 4, steps: vec![args] }
    }

    /// The sound begins two seconds after the picture.
    pub fn late_sound() -> Self {
        let film = step(8, &picture(SIZE, (24, 1), ""), &[sound(400, "")], &format!("{X264} {AAC} film.mkv"));
        let late = words(
            "-i film.mkv -ss 2 -i film.mkv -map 0:v -map 1:a -c:v copy -c:a pcm_s16le -af asetpts=PTS+2/TB late_sound.mkv",
        );
        Self { file: "late_sound.mkv", rate: (24, 1), seconds: 8, steps: vec![film, late.collect()] }
    }

    /// Every kind of source.
    pub fn all() -> Vec<Self> {
        vec![
            Self::long_gop(),
            Self::hevc_10_bit(),
            Self::variable_rate(),
            Self::transport_stream(),
            Self::late_clock("late.mp4"),
            Self::late_clock("late.mkv"),
            Self::interlaced(),
            Self::anamorphic(),
            Self::surround(),
            Self::no_audio(),
            Self::three_tracks(),
            Self::webm(),
            Self::avi(),
            Self::mov(),
            Self::m4v(),
            Self::flv(),
            Self::cover(),
            Self::rotated(),
            Self::odd_size(),
            Self::late_sound(),
        ]
    }

    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.steps.hash(&mut hasher);
        hasher.finish()
    }
}

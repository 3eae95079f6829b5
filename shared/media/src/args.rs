//! Arguments for ffmpeg and ffprobe: pure functions, tested as text.

use std::{ffi::OsString, path::Path};

use langflix_domain::{AudioStream, ClipSpec, MediaInfo, MediaTime, Span};

use crate::{
    decode::Decoder,
    encoders::{self, Hardware},
    filters::{self, Cut},
    loudness::Loudness,
    remote,
};

/// The script's name in ffmpeg's working folder.
pub(crate) const BURN_FILE: &str = "burn.ass";
/// The clip's and the poster's.
pub(crate) const CLIP: &str = "clip.mp4";
pub(crate) const POSTER: &str = "poster.jpg";

/// Containers that hold a film. Anything else is refused unread: scripts and playlists name further files to open, and a
/// text or a picture is a video to ffmpeg, too.
const CONTAINERS: &str = "matroska,mov,avi,mpegts,mpeg,flv,asf,ogg,mxf";

/// Sides of the largest picture that is decoded: 8K of the cinema. A header may claim any size, and a frame of it takes
/// its memory before a byte of the picture is looked at.
pub(crate) const LARGEST: (u32, u32) = (8192, 4320);

/// Largest piece of memory that a program asks for at once, in bytes: a frame of the largest picture in floats fits.
const MAX_ALLOC: u64 = 512 << 20;

fn bounds() -> [String; 4] {
    let pixels = u64::from(LARGEST.0) * u64::from(LARGEST.1);
    ["-max_alloc".to_owned(), MAX_ALLOC.to_string(), "-max_pixels".to_owned(), pixels.to_string()]
}

pub(crate) fn seconds(time: MediaTime) -> String {
    let ms = time.as_millis();
    format!("{}{}.{:03}", if ms < 0 { "-" } else { "" }, ms.abs() / 1000, ms.abs() % 1000)
}

pub(crate) fn strings<'a>(items: &'a [&'a str]) -> impl Iterator<Item = OsString> + 'a {
    items.iter().map(OsString::from)
}

/// What is read.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// An absolute path where ffmpeg works in another folder, or a URL.
    pub(crate) location: &'a str,
    /// Whom a server is trusted by: a file of certificates; the system's authorities where it is `None`.
    pub(crate) authorities: Option<&'a Path>,
}

impl Input<'_> {
    /// A path is one whatever its name begins with. Only containers of films are opened.
    fn open(self) -> Vec<OsString> {
        let Self { location, authorities } = self;
        let (mut args, location) = match remote::is_url(location) {
            true => (remote::options(location, authorities), location.into()),
            false => (strings(&["-protocol_whitelist", "file"]).collect(), format!("file:{location}").into()),
        };
        args.extend(bounds().map(OsString::from));
        args.extend(strings(&["-format_whitelist", CONTAINERS, "-i"]));
        args.push(location);
        args
    }

    /// What is said on stderr: errors, and what becomes of a connection.
    fn says(self) -> impl Iterator<Item = OsString> {
        strings(if remote::is_url(self.location) { &remote::LEVELS } else { &["-v", "error"] })
    }

    fn quiet(self) -> impl Iterator<Item = OsString> {
        strings(&["-nostdin", "-hide_banner"]).chain(self.says())
    }
}

/// All that one run of ffmpeg needs to know to cut a clip.
pub(crate) struct Job<'a> {
    pub(crate) source: Input<'a>,
    pub(crate) spec: &'a ClipSpec,
    pub(crate) info: &'a MediaInfo,
    pub(crate) audio: Option<&'a AudioStream>,
    /// What is cut.
    pub(crate) bounds: Span,
    /// How far reading begins before it.
    pub(crate) lead: MediaTime,
    pub(crate) loudness: Option<Loudness>,
    pub(crate) decoder: Decoder,
    pub(crate) hardware: &'a Hardware,
}

impl Job<'_> {
    fn cut(&self) -> Cut {
        Cut { start: self.bounds.start, lead: self.lead }
    }

    /// The whole frames that reach from the cut to the end. ffmpeg rounds `-t` to the nearest frame: the first one may
    /// have begun before the cut, and then a clip would end more than a frame early. Rounded down: where a frame's time is
    /// told in microseconds, the next one would still begin before a length that is rounded up.
    pub(crate) fn length(&self) -> MediaTime {
        let (frames, per) = filters::rate(&self.info.video);
        let (frames, per) = (i64::from(frames), i64::from(per) * 1000);
        let count = (self.bounds.duration().as_millis() * frames + per - 1) / per;
        MediaTime::from_millis(count * per / frames)
    }

    /// Seeks in the input. `-noaccurate_seek` hands over the frames from the keyframe on: the one that stands at the
    /// cut began before it, and the filters need it.
    fn read(&self) -> Vec<OsString> {
        let from = self.bounds.start - self.lead;
        let mut args: Vec<OsString> = strings(&["-noaccurate_seek"]).collect();
        // Seeking to the very beginning goes past the first keyframe where its time is a little later.
        if from > MediaTime::ZERO {
            args.extend(strings(&["-ss", &seconds(from)]));
        }
        args.extend(self.source.open());
        args
    }
}

/// Arguments that cut a clip and take its poster from the same pass.
pub(crate) fn cut(job: &Job<'_>) -> Vec<OsString> {
    let encode = &job.spec.encode;
    let duration = seconds(job.length());
    let mut args: Vec<OsString> = strings(&["-nostdin", "-hide_banner"]).collect();
    match encoders::says(encode.codec) {
        Some(level) => args.extend(strings(&level)),
        None => args.extend(job.source.says()),
    }
    args.extend(strings(&["-progress", "pipe:1"]));
    args.extend(encoders::device(encode.codec, job.hardware));
    args.extend(job.decoder.options(&encode.threads.to_string()));
    args.extend(strings(&["-filter_threads", "1", "-filter_complex_threads", "1"]));
    args.extend(job.read());
    args.extend(strings(&["-filter_complex", &graph(job), "-map", "[clip]"]));
    args.extend(encoders::video(encode, job.hardware));
    if job.audio.is_some() {
        args.extend(strings(&["-map", "[sound]", "-c:a", "aac", "-b:a", "160k", "-ac", "2", "-ar", "48000"]));
    }
    let plain = ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"];
    args.extend(strings(&["-t", &duration]).chain(strings(&plain)));
    args.extend(strings(&["-flags:a", "+bitexact", "-movflags", "+faststart", "-f", "mp4", "-y", CLIP]));
    args.extend(strings(&["-map", "[still]", "-frames:v", "1", "-q:v", "4"]).chain(strings(&plain)));
    args.extend(strings(&["-f", "image2", "-update", "1", "-y", POSTER]));
    args
}

fn graph(job: &Job<'_>) -> String {
    let (info, spec) = (job.info, job.spec);
    let middle = MediaTime::from_millis((spec.scene.start.as_millis() + spec.scene.end.as_millis()) / 2);
    let mut clip = Vec::new();
    if spec.burn.is_some() {
        clip.push(filters::burn(job.bounds.start));
    }
    clip.push(match job.decoder {
        Decoder::Cpu => encoders::pixels(spec.encode.codec).to_owned(),
        Decoder::Cuda => "null".to_owned(),
    });
    let mut graph = format!(
        "[0:{}]{},split[a][b];[a]{}[clip];[b]{}[still]",
        info.video.index,
        filters::picture(&info.video, job.cut(), job.decoder),
        clip.join(","),
        filters::still(info, middle - job.bounds.start, job.decoder)
    );
    if let Some(audio) = job.audio {
        let sound = filters::sound(job.cut(), job.bounds.duration(), job.loudness.as_ref());
        graph += &format!(";[0:{}]{sound}[sound]", audio.index);
    }
    graph
}

/// Arguments that report the loudness of a clip's sound on stderr.
pub(crate) fn loudness(job: &Job<'_>, track: u32) -> Vec<OsString> {
    let duration = seconds(job.bounds.duration());
    let mut args: Vec<OsString> = strings(&["-nostdin", "-hide_banner", "-nostats", "-v", "info", "-vn"]).collect();
    args.extend(job.read());
    let chain =
        format!("{},ebur128=framelog=verbose:peak=sample", filters::sound(job.cut(), job.bounds.duration(), None));
    args.extend(strings(&["-map", &format!("0:{track}"), "-af", &chain, "-t", &duration, "-f", "null", "-"]));
    args
}

/// Arguments that report the silences of a stretch of sound on stderr.
pub(crate) fn silences(source: Input<'_>, track: u32, stretch: Span) -> Vec<OsString> {
    let mut args: Vec<OsString> = strings(&["-nostdin", "-hide_banner", "-nostats", "-v", "info"]).collect();
    args.extend(strings(&["-ss", &seconds(stretch.start), "-t", &seconds(stretch.duration()), "-vn"]));
    args.extend(source.open());
    args.extend(strings(&["-map", &format!("0:{track}"), "-af", "silencedetect=noise=-38dB:d=0.08"]));
    args.extend(strings(&["-f", "null", "-"]));
    args
}

/// Arguments that write the text subtitles of `track` to stdout.
pub(crate) fn subtitles(source: Input<'_>, track: u32, format: &str) -> Vec<OsString> {
    let mut args: Vec<OsString> = source.quiet().chain(source.open()).collect();
    args.extend(strings(&["-map", &format!("0:{track}"), "-f", format, "pipe:1"]));
    args
}

/// Arguments with which ffprobe tells streams and container.
pub(crate) fn streams(source: Input<'_>) -> Vec<OsString> {
    source.says().chain(strings(&["-of", "json", "-show_streams", "-show_format"])).chain(source.open()).collect()
}

/// Arguments with which ffprobe lists time and flags of the packets of `track` in `stretches` of the container's own
/// clock, parted by commas.
pub(crate) fn packets(source: Input<'_>, track: u32, stretches: &str) -> Vec<OsString> {
    let mut args: Vec<OsString> = source.says().chain(strings(&["-of", "csv=p=0", "-select_streams"])).collect();
    args.push(track.to_string().into());
    args.extend(strings(&["-show_entries", "packet=pts_time,flags", "-read_intervals", stretches]));
    args.extend(source.open());
    args
}

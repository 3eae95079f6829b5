//! Arguments for ffmpeg: pure functions, tested as text.

use std::ffi::OsString;

use langflix_domain::{AudioStream, ClipSpec, EncodeSpec, MediaInfo, MediaTime, Span, VideoCodec};

use crate::runner::file_url;

/// The script's name in ffmpeg's working folder.
pub(crate) const BURN_FILE: &str = "burn.ass";

pub(crate) fn seconds(time: MediaTime) -> String {
    format!("{}.{:03}", time.as_millis() / 1000, time.as_millis() % 1000)
}

fn strings<const N: usize>(items: [&str; N]) -> impl Iterator<Item = OsString> {
    items.map(OsString::from).into_iter()
}

/// The sound track to take: the language asked for, no commentary, the file's default, the first.
pub(crate) fn audio_track<'a>(info: &'a MediaInfo, language: Option<&str>) -> Option<&'a AudioStream> {
    let speaks = |stream: &AudioStream| {
        let given = stream.language.as_deref().unwrap_or_default();
        language.is_some_and(|wanted| same_language(given, wanted))
    };
    info.audio
        .iter()
        .enumerate()
        .max_by_key(|(at, stream)| (speaks(stream), !stream.secondary, stream.default, std::cmp::Reverse(*at)))
        .map(|(_, stream)| stream)
}

/// Whether a file's tag (ISO 639-2, either form, or BCP 47) means the primary subtag `wanted`.
fn same_language(given: &str, wanted: &str) -> bool {
    const CODES: [(&str, &[&str]); 12] = [
        ("en", &["eng"]),
        ("ko", &["kor"]),
        ("ja", &["jpn"]),
        ("zh", &["zho", "chi"]),
        ("es", &["spa"]),
        ("fr", &["fra", "fre"]),
        ("de", &["deu", "ger"]),
        ("pt", &["por"]),
        ("vi", &["vie"]),
        ("it", &["ita"]),
        ("ru", &["rus"]),
        ("ar", &["ara"]),
    ];
    let given = given.to_ascii_lowercase();
    let primary = given.split(['-', '_']).next().unwrap_or_default();
    primary == wanted || CODES.iter().any(|(code, names)| *code == wanted && names.contains(&primary))
}

/// Arguments that cut the stretch `bounds` of `source` into `clip.mp4`.
pub(crate) fn cut(source: &str, spec: &ClipSpec, info: &MediaInfo, bounds: Span) -> Vec<OsString> {
    let encode = &spec.encode;
    let audio = audio_track(info, spec.audio_language.as_deref());
    let duration = seconds(bounds.duration());
    let mut args: Vec<OsString> = Vec::new();
    args.extend(strings([
        "-nostdin",
        "-hide_banner",
        "-v",
        "error",
        "-progress",
        "pipe:1",
        "-protocol_whitelist",
        "file,pipe",
    ]));
    args.extend(strings(["-threads", &encode.threads.to_string(), "-filter_threads", "1"]));
    args.extend(strings(["-ss", &seconds(bounds.start), "-t", &duration, "-i"]));
    args.push(file_url(source));
    args.extend(strings(["-map", &format!("0:{}", info.video.index)]));
    if let Some(audio) = audio {
        args.extend(strings(["-map", &format!("0:{}", audio.index)]));
    }
    args.extend(strings([
        "-sn",
        "-dn",
        "-map_metadata",
        "-1",
        "-map_chapters",
        "-1",
        "-vf",
        &video_filters(spec, info, bounds),
    ]));
    args.extend(video_encoder(encode));
    if audio.is_some() {
        args.extend(strings([
            "-af",
            &audio_filters(encode),
            "-c:a",
            "aac",
            "-b:a",
            "160k",
            "-ac",
            "2",
            "-ar",
            "48000",
        ]));
    }
    args.extend(strings(["-t", &duration, "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]));
    args.extend(strings(["-movflags", "+faststart", "-f", "mp4", "-y", "clip.mp4"]));
    args
}

fn video_filters(spec: &ClipSpec, info: &MediaInfo, bounds: Span) -> String {
    let mut filters: Vec<String> = Vec::new();
    if info.video.interlaced {
        filters.push("yadif".to_owned());
    }
    if matches!(info.video.color_transfer.as_deref(), Some("smpte2084" | "arib-std-b67")) {
        filters.push(
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=tv"
                .to_owned(),
        );
    }
    let (across, down) = info.video.sample_aspect_ratio;
    if across == down {
        // 4:2:0 halves both directions, so both must be even.
        filters.push("scale=trunc(iw/2)*2:trunc(ih/2)*2".to_owned());
    } else {
        filters.push("scale=trunc(iw*sar/2)*2:trunc(ih/2)*2".to_owned());
    }
    filters.push("setsar=1".to_owned());
    if spec.burn.is_some() {
        // The script counts from the timeline's zero, the decoded frames from the clip's.
        let start = seconds(bounds.start);
        filters.push(format!("setpts=PTS+{start}/TB,subtitles={BURN_FILE},setpts=PTS-{start}/TB"));
    }
    filters.push(
        if spec.encode.codec == VideoCodec::H264Vaapi { "format=nv12,hwupload" } else { "format=yuv420p" }.to_owned(),
    );
    filters.join(",")
}

fn audio_filters(encode: &EncodeSpec) -> String {
    // A track that begins late or has holes would drift without being filled up.
    let aligned = "aresample=async=1:first_pts=0";
    if encode.normalize_loudness { format!("{aligned},loudnorm=I=-16:TP=-1.5:LRA=11") } else { aligned.to_owned() }
}

fn video_encoder(encode: &EncodeSpec) -> Vec<OsString> {
    let quality = encode.crf.to_string();
    let threads = encode.threads.to_string();
    let mut args: Vec<OsString> = strings(["-c:v", encode.codec.as_str()]).collect();
    match encode.codec {
        VideoCodec::Libx264 => {
            args.extend(strings(["-preset", &encode.preset, "-crf", &quality, "-threads", &threads]))
        }
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => {
            args.extend(strings([
                "-gpu",
                "0",
                "-preset",
                &encode.preset,
                "-tune",
                "hq",
                "-rc",
                "vbr",
                "-cq",
                &quality,
                "-b:v",
                "0",
            ]));
        }
        VideoCodec::H264Qsv => args.extend(strings(["-preset", &encode.preset, "-global_quality", &quality])),
        VideoCodec::H264Vaapi => args.extend(strings(["-rc_mode", "CQP", "-qp", &quality])),
    }
    args
}

/// Arguments that write the frame at `at` of `source` into `poster.jpg`.
pub(crate) fn poster(source: &str, spec: &ClipSpec, info: &MediaInfo, at: MediaTime) -> Vec<OsString> {
    let plain = ClipSpec { burn: None, ..spec.clone() };
    let span = Span { start: at, end: at };
    let filters = video_filters(
        &ClipSpec { encode: EncodeSpec { codec: VideoCodec::Libx264, ..plain.encode.clone() }, ..plain },
        info,
        span,
    );
    let filters = filters.replace("format=yuv420p", "scale='min(960,iw)':-2,format=yuvj420p");
    let mut args: Vec<OsString> = Vec::new();
    args.extend(strings([
        "-nostdin",
        "-hide_banner",
        "-v",
        "error",
        "-protocol_whitelist",
        "file,pipe",
        "-threads",
        "1",
    ]));
    args.extend(strings(["-ss", &seconds(at), "-i"]));
    args.push(file_url(source));
    args.extend(strings(["-map", &format!("0:{}", info.video.index), "-frames:v", "1", "-vf", &filters, "-q:v", "4"]));
    args.extend(strings([
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
        "-flags:v",
        "+bitexact",
        "-f",
        "image2",
        "-update",
        "1",
        "-y",
    ]));
    args.push("poster.jpg".into());
    args
}

/// Arguments that report the silences of a stretch of sound on stderr.
pub(crate) fn silences(source: &str, track: u32, stretch: Span) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    args.extend(strings(["-nostdin", "-hide_banner", "-nostats", "-v", "info", "-protocol_whitelist", "file,pipe"]));
    args.extend(strings(["-ss", &seconds(stretch.start), "-t", &seconds(stretch.duration()), "-vn", "-sn", "-i"]));
    args.push(file_url(source));
    args.extend(strings(["-map", &format!("0:{track}"), "-af", "silencedetect=noise=-38dB:d=0.08", "-f", "null", "-"]));
    args
}

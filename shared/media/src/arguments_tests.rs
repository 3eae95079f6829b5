//! What ffmpeg is told, as text; and that the ffmpeg here understands each word of it.

use std::{num::NonZeroU8, process::Command};

use langflix_domain::{
    AudioStream, ClipSpec, CutMethod, EncodeSpec, MediaInfo, MediaTime, Quality, Span, VideoCodec, VideoStream,
};

use crate::{
    args::{self, Input, Job},
    decode::Decoder,
    encoders::{self, Hardware},
    loudness::Loudness,
    presets, settings,
};

/// Hardware as it is used unless more is known of it.
pub(crate) static PLAIN: Hardware = Hardware { lookahead: false, node: None };

pub(crate) fn info() -> MediaInfo {
    MediaInfo {
        container: "matroska,webm".to_owned(),
        duration: MediaTime::from_secs(1320),
        start_time: MediaTime::ZERO,
        bytes: 1 << 30,
        video: VideoStream {
            index: 0,
            codec: "h264".to_owned(),
            width: 1920,
            height: 1080,
            pixel_format: "yuv420p".to_owned(),
            sample_aspect_ratio: (1, 1),
            frame_rate: (24_000, 1001),
            variable_frame_rate: false,
            interlaced: false,
            rotation: 0,
            color_transfer: None,
        },
        audio: vec![AudioStream {
            index: 1,
            codec: "aac".to_owned(),
            channels: 6,
            sample_rate: 48_000,
            language: Some("eng".to_owned()),
            default: true,
            secondary: false,
        }],
        subtitles: Vec::new(),
        others: Vec::new(),
        keyframe_interval: None,
    }
}

fn encode(codec: VideoCodec) -> EncodeSpec {
    let (preset, crf) = settings(codec, Quality::Balanced);
    let (preset, threads) = (preset.to_owned(), NonZeroU8::MIN.saturating_add(2));
    EncodeSpec { codec, method: CutMethod::Reencode, preset, crf, threads, normalize_loudness: false }
}

pub(crate) fn spec(codec: VideoCodec) -> ClipSpec {
    ClipSpec {
        source: "identity".to_owned(),
        scene: Span::from_millis(61_250, 75_000),
        bounds: Span::from_millis(60_750, 75_500),
        audio_language: None,
        encode: encode(codec),
        burn: None,
    }
}

pub(crate) fn job<'a>(spec: &'a ClipSpec, info: &'a MediaInfo) -> Job<'a> {
    let decoder = Decoder::of(&info.video, spec);
    Job {
        source: input("/films/it's a: film.mkv"),
        spec,
        info,
        audio: info.audio.first(),
        bounds: Span::from_millis(61_000, 75_250),
        lead: MediaTime::ZERO,
        loudness: None,
        decoder,
        hardware: &PLAIN,
    }
}

pub(crate) fn input(location: &str) -> Input<'_> {
    Input { location, authorities: None }
}

/// One line for each option with its value.
pub(crate) fn text(args: &[std::ffi::OsString]) -> String {
    args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ").replace(" -", "\n-")
}

#[test]
fn each_encoder_is_told_this() {
    for codec in VideoCodec::ALL {
        insta::assert_snapshot!(codec.as_str(), text(&args::cut(&job(&spec(codec), &info()))));
    }
}

#[test]
fn each_variant_changes_this() {
    let (plain, spec) = (info(), spec(VideoCodec::Libx264));
    let burnt = ClipSpec { burn: Some(String::new()), ..spec.clone() };
    let picture = |change: &dyn Fn(&mut VideoStream)| {
        let mut info = plain.clone();
        change(&mut info.video);
        info
    };
    let odd = picture(&|video| {
        video.interlaced = true;
        video.sample_aspect_ratio = (64, 45);
        video.frame_rate = (25, 1);
    });
    let mixed = picture(&|video| video.variable_frame_rate = true);
    let hdr = picture(&|video| video.color_transfer = Some("smpte2084".to_owned()));
    let silent = MediaInfo { audio: Vec::new(), ..plain.clone() };
    let louder = Loudness::read("Summary:\n I: -26.0 LUFS\n Peak: -3.0 dBFS");
    for (name, job) in [
        ("burnt", job(&burnt, &plain)),
        ("interlaced_and_anamorphic", job(&spec, &odd)),
        ("mixed_rate", job(&spec, &mixed)),
        ("hdr", job(&spec, &hdr)),
        ("without_sound", job(&spec, &silent)),
        ("without_index", Job { lead: MediaTime::from_millis(4_321), ..job(&spec, &plain) }),
        ("louder", Job { loudness: louder, ..job(&spec, &plain) }),
        ("from_the_beginning", Job { bounds: Span::from_millis(0, 5_000), ..job(&spec, &plain) }),
    ] {
        insta::assert_snapshot!(name, text(&args::cut(&job)));
    }
}

#[test]
fn what_is_asked_beside_the_cut_is_this() {
    let (info, spec) = (info(), spec(VideoCodec::Libx264));
    let job = job(&spec, &info);
    let asked = [
        args::loudness(&job, 1),
        args::silences(job.source, 1, Span::from_millis(60_750, 61_250)),
        args::subtitles(job.source, 3, "srt"),
        args::streams(job.source),
        args::packets(job.source, 0, "0.000%5.000"),
        encoders::trial(&spec.encode, &PLAIN),
    ];
    insta::assert_snapshot!(asked.map(|args| text(&args)).join("\n\n"));
}

#[test]
fn a_url_is_opened_like_this() {
    let (info, spec) = (info(), spec(VideoCodec::Libx264));
    let plain = input("http://127.0.0.1:9000/b/k.mkv?X-Amz-Signature=5ec2e7");
    let tls = Input {
        location: "https://s3.example/b/k.mkv?X-Amz-Signature=5ec2e7",
        authorities: Some("/tmp/authorities.pem".as_ref()),
    };
    let cut = args::cut(&Job { source: tls, ..job(&spec, &info) });
    insta::assert_snapshot!([cut, args::streams(plain)].map(|args| text(&args)).join("\n\n"));
}

#[test]
fn nothing_is_decoded_behind_the_clip() {
    let folder = std::env::temp_dir().join(format!("langflix-media-{}", std::process::id()));
    let film = langflix_testkit::video::build(&folder, &langflix_testkit::video::Recipe::long_gop());
    let (info, spec) = (info(), spec(VideoCodec::Libx264));
    let bounds = Span::from_millis(1_000, 2_000);
    let spec = ClipSpec { scene: bounds, ..spec };
    let job = Job { source: input(film.to_str().unwrap()), bounds, ..job(&spec, &info) };
    let mut args = args::cut(&job);
    for arg in args.iter_mut().filter(|arg| *arg == "error") {
        *arg = "verbose".into();
    }
    let ran = Command::new("ffmpeg").args(args).current_dir(&folder).output().unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    let line = said.lines().find(|line| line.contains("Input stream #0:0 (video)")).unwrap();
    let (before, _) = line.split_once(" frames decoded").unwrap();
    let decoded: u32 = before.rsplit(' ').next().unwrap().parse().unwrap();
    // 24 frames in front of the clip, 24 of it, and what its end takes to be noticed; the film has 575.
    assert!((48..72).contains(&decoded), "{line}");
}

/// A misspelt option ends ffmpeg before it looks for any device, so getting as far as the device shows that there is
/// none; where the device is there, the frame is encoded.
#[test]
fn each_encoder_gets_as_far_as_its_device() {
    for (codec, asked_for) in [
        (VideoCodec::Libx264, ""),
        (VideoCodec::H264Nvenc, "libcuda"),
        (VideoCodec::HevcNvenc, "libcuda"),
        (VideoCodec::H264Qsv, "'qsv=gpu'"),
        (VideoCodec::H264Vaapi, "'vaapi=gpu'"),
    ] {
        for quality in [Quality::Fast, Quality::Balanced, Quality::High] {
            let (preset, crf) = settings(codec, quality);
            let encode = EncodeSpec { preset: preset.to_owned(), crf, ..encode(codec) };
            let ran = Command::new("ffmpeg").args(encoders::trial(&encode, &PLAIN)).output().unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            let device = !asked_for.is_empty() && said.contains(asked_for);
            assert!(ran.status.success() || device, "{codec:?} {quality:?}: {said}");
        }
    }
}

/// Each preset by name is one that ffmpeg takes, and those of the qualities are among them.
#[test]
fn presets_are_known_to_their_encoder() {
    for codec in VideoCodec::ALL {
        let help = format!("encoder={}", codec.as_str());
        let help = Command::new("ffmpeg").args(["-hide_banner", "-h", &help]).output().unwrap();
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let qualities = [Quality::Fast, Quality::Balanced, Quality::High];
        let named = presets(codec);
        assert!(named.is_empty() || qualities.iter().all(|quality| named.contains(&settings(codec, *quality).0)));
        for preset in named {
            // ffmpeg asks x264 itself for its presets and does not list them.
            let listed = help.lines().any(|line| line.split_whitespace().next() == Some(preset));
            let taken = || {
                let encode = EncodeSpec { preset: (*preset).to_owned(), ..encode(codec) };
                Command::new("ffmpeg").args(encoders::trial(&encode, &PLAIN)).status().unwrap().success()
            };
            assert!(listed || (codec == VideoCodec::Libx264 && taken()), "{codec:?} {preset}");
        }
    }
}

/// Its device is opened before its options are looked at, so these are looked up.
#[test]
fn vaapi_knows_what_it_is_told() {
    let help = Command::new("ffmpeg").args(["-hide_banner", "-h", "encoder=h264_vaapi"]).output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let words: Vec<&str> = help.split_whitespace().collect();
    let told = encoders::video(&encode(VideoCodec::H264Vaapi), &PLAIN);
    for pair in told[2..].chunks(2) {
        let (option, value) = (pair[0].to_str().unwrap(), pair[1].to_str().unwrap());
        let option = option.trim_end_matches(":v");
        assert!(words.contains(&option), "{option}: {help}");
        assert!(value.parse::<u8>().is_ok() || words.contains(&value), "{option} {value}: {help}");
    }
}

//! What encoders of hardware are told, in each of their uses; and that the ffmpeg here understands each word of it.

use std::{fs, path::PathBuf, process::Command};

use langflix_domain::{ClipSpec, MediaInfo, Span, VideoCodec, VideoStream};
use langflix_testkit::video;

use crate::{
    args::{self, Job},
    arguments_tests::{PLAIN, info, input, job, spec, text},
    decode::Decoder,
    encoders::{self, Hardware},
};

/// The clip of `spec`, of which one thing is changed for each way that encoders of hardware are used in.
fn each_use(codec: VideoCodec, hardware: &Hardware) -> Vec<(String, ClipSpec, MediaInfo, Hardware)> {
    let picture = |change: &dyn Fn(&mut VideoStream)| {
        let mut info = info();
        change(&mut info.video);
        info
    };
    let plain = spec(codec);
    let burnt = ClipSpec { burn: Some(String::new()), ..plain.clone() };
    let uses = [
        ("plain", plain.clone(), info()),
        ("burnt", burnt, info()),
        (
            "ten_bit",
            plain.clone(),
            picture(&|video| {
                video.codec = "hevc".to_owned();
                video.pixel_format = "yuv420p10le".to_owned();
            }),
        ),
        ("interlaced", plain.clone(), picture(&|video| video.interlaced = true)),
        ("anamorphic", plain.clone(), picture(&|video| video.sample_aspect_ratio = (64, 45))),
        ("hdr", plain.clone(), picture(&|video| video.color_transfer = Some("smpte2084".to_owned()))),
        ("odd_codec", plain, picture(&|video| video.codec = "mpeg4".to_owned())),
    ];
    let named = |name: &str| format!("{}_{name}", codec.as_str());
    uses.into_iter().map(|(name, spec, info)| (named(name), spec, info, hardware.clone())).collect()
}

/// Every list that an encoder of hardware is told: each use, with and without what its device is asked for beside.
fn every_use() -> Vec<(String, ClipSpec, MediaInfo, Hardware)> {
    let ahead = Hardware { lookahead: true, node: None };
    let node = Hardware { lookahead: false, node: Some("/dev/dri/renderD129".into()) };
    let mut uses = Vec::new();
    for codec in VideoCodec::ALL.into_iter().filter(|codec| *codec != VideoCodec::Libx264) {
        let (other, word) = if encoders::is_nvenc(codec) { (&ahead, "ahead") } else { (&node, "on_node") };
        uses.extend(each_use(codec, &PLAIN));
        uses.extend(
            each_use(codec, other)
                .into_iter()
                .map(|(name, spec, info, hardware)| (format!("{name}_{word}"), spec, info, hardware)),
        );
    }
    uses
}

#[test]
fn each_use_of_hardware_is_told_this() {
    for (name, spec, info, hardware) in every_use() {
        let job = Job { hardware: &hardware, ..job(&spec, &info) };
        insta::assert_snapshot!(name, text(&args::cut(&job)));
    }
}

/// A film, and beside it what a clip draws in.
struct Place {
    folder: tempfile::TempDir,
    film: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let film = video::build(folder.path(), &video::Recipe::long_gop());
        // Tones are mapped only where the frames themselves say what they are, too.
        let hdr = "h264_metadata=colour_primaries=9:transfer_characteristics=16:matrix_coefficients=9";
        let args = ["-i", film.to_str().unwrap(), "-c", "copy", "-bsf:v", hdr, "hdr.mkv"];
        video::ffmpeg(folder.path(), &args).unwrap();
        let film = folder.path().join("hdr.mkv");
        let language = "en".parse().unwrap();
        let picture = langflix_subtitles::Picture { shape: (16, 9), source: &language, target: &language };
        fs::write(folder.path().join(args::BURN_FILE), langflix_subtitles::write_ass(picture, &[])).unwrap();
        Self { folder, film }
    }

    fn args(&self, spec: &ClipSpec, info: &MediaInfo, hardware: &Hardware) -> Vec<String> {
        let bounds = Span::from_millis(1_000, 1_500);
        let spec = ClipSpec { scene: bounds, ..spec.clone() };
        let source = input(self.film.to_str().unwrap());
        let args = args::cut(&Job { source, bounds, hardware, ..job(&spec, info) });
        args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    /// What the ffmpeg here says of these arguments; nothing where it did what they tell it.
    fn says(&self, args: &[String]) -> String {
        let ran = Command::new("ffmpeg").args(args).current_dir(self.folder.path()).output().unwrap();
        if ran.status.success() { String::new() } else { String::from_utf8_lossy(&ran.stderr).into_owned() }
    }
}

/// The arguments without those that open a device. That comes before filters are looked at.
fn without_device(args: &[String]) -> Vec<String> {
    let mut left = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-init_hw_device" | "-filter_hw_device" => drop(args.next()),
            _ => left.push(arg.clone()),
        }
    }
    left
}

/// Whether ffmpeg understood every word: it did what it was told, or it only lacks the device.
fn understood(said: &str) -> bool {
    said.is_empty()
        || ["libcuda", "MFX session", "A hardware device reference is required"].iter().any(|lack| said.contains(lack))
}

#[test]
fn each_use_of_hardware_gets_as_far_as_its_device() {
    let place = Place::new();
    for (name, spec, info, hardware) in every_use() {
        let args = place.args(&spec, &info, &hardware);
        let opened = without_device(&args);
        if opened != args {
            let said = place.says(&args);
            assert!(said.is_empty() || said.contains("Device creation failed"), "{name}: {said}");
        }
        let said = place.says(&opened);
        assert!(understood(&said), "{name}: {said}");
    }
}

/// What the test above rests upon.
#[test]
fn a_misspelt_word_never_gets_as_far_as_the_device() {
    let place = Place::new();
    let mut misspelt = 0;
    for (name, spec, info, hardware) in every_use() {
        // HEVC is told the same but for its profile, and lists for other nodes differ in that alone.
        if spec.encode.codec == VideoCodec::HevcNvenc || hardware.node.is_some() {
            continue;
        }
        let args = without_device(&place.args(&spec, &info, &hardware));
        for word in [
            "-spatial-aq",
            "-surfaces",
            "-extra_hw_frames",
            "-global_quality",
            "scale_cuda",
            "yadif_cuda",
            "hwdownload",
            "hwupload",
            "setsar",
            "tonemap=",
            "format=yuvj420p",
        ] {
            let spoilt: Vec<String> =
                args.iter().map(|arg| arg.replace(word, &format!("{}x{}", &word[..3], &word[3..]))).collect();
            if spoilt == args {
                continue;
            }
            misspelt += 1;
            let said = place.says(&spoilt);
            assert!(!understood(&said), "{name} {word}: {said}");
        }
        // Values are looked at when the encoder is opened, and where the GPU decodes, that needs the device before.
        if Decoder::of(&info.video, &spec) == Decoder::Cpu && encoders::is_nvenc(spec.encode.codec) {
            for (option, value) in
                [("-rc", "vbrx"), ("-preset", "p8"), ("-tune", "hqx"), ("-cq", "52"), ("-profile:v", "hig")]
            {
                let mut spoilt = args.clone();
                let at = spoilt.iter().position(|arg| arg == option).unwrap() + 1;
                spoilt[at] = value.to_owned();
                let said = place.says(&spoilt);
                assert!(!understood(&said), "{name} {option} {value}: {said}");
            }
        }
    }
    assert!(misspelt > 50, "{misspelt}");
}

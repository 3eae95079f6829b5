use std::collections::BTreeSet;

use langflix_domain::{Burn, Digest, LearnerLevel, MediaTime, VideoCodec};
use langflix_pipeline::RunRequest;

use crate::episode::{episode, with_target_subtitles};

type Change = (&'static str, fn(&mut RunRequest));

fn encode(asked: &mut RunRequest) -> &mut langflix_domain::EncodeSpec {
    asked.settings.encode.as_mut().unwrap()
}

const MATTERS: [Change; 27] = [
    ("the show", |asked| asked.episode.show = "Another Show".to_owned()),
    ("how the show is written", |asked| asked.episode.show = "The show!".to_owned()),
    ("the season", |asked| asked.episode.season = 2),
    ("the episode", |asked| asked.episode.episode = 3),
    ("the video", |asked| asked.source_identity = "/videos/show.mkv:1000000:1700000001".to_owned()),
    ("the subtitles' content", |asked| asked.subtitles.digest = Digest::of_bytes(b"other")),
    ("the subtitles' name", |asked| asked.subtitles.name = "other.srt".to_owned()),
    ("target subtitles", |asked| asked.target_subtitles = with_target_subtitles().target_subtitles),
    ("the source language", |asked| asked.settings.source_language = "en-GB".parse().unwrap()),
    ("the language", |asked| asked.settings.language = "ja".parse().unwrap()),
    ("the level", |asked| asked.settings.level = LearnerLevel::Advanced),
    ("the chunk size", |asked| asked.settings.chunk_size = 1400),
    ("the input length", |asked| asked.settings.max_input_length = 1680),
    ("the fewest of a chunk", |asked| asked.settings.min_expressions_per_chunk = 2),
    ("the most of a chunk", |asked| asked.settings.max_expressions_per_chunk = 2),
    ("the most of the episode", |asked| asked.settings.max_expressions = 7),
    ("the model", |asked| asked.settings.model = Digest::of_bytes(b"another model")),
    ("whether it translates", |asked| asked.settings.model_translates = false),
    ("no clips", |asked| asked.settings.encode = None),
    ("the codec", |asked| encode(asked).codec = VideoCodec::HevcNvenc),
    ("the preset", |asked| encode(asked).preset = "fast".to_owned()),
    ("the quality", |asked| encode(asked).crf = 23),
    ("the threads", |asked| encode(asked).threads = 2.try_into().unwrap()),
    ("the loudness", |asked| encode(asked).normalize_loudness = true),
    ("source lines in the picture", |asked| asked.settings.burn = Burn::Source),
    ("target lines in the picture", |asked| asked.settings.burn = Burn::Target),
    ("both in the picture", |asked| asked.settings.burn = Burn::Both),
];

/// What does not change the result, or follows from what is named above.
const NO_MATTER: [Change; 3] = [
    ("where the video is read from", |asked| asked.source = "https://store/videos/show.mkv?signature=1".to_owned()),
    ("how the video was probed", |asked| asked.media.keyframe_interval = Some(MediaTime::from_secs(2))),
    ("what the parser said", |asked| asked.diagnostics.clear()),
];

#[test]
fn every_setting_and_source_that_matters_makes_another_run() {
    let mut runs = BTreeSet::from([episode().run().unwrap()]);
    for (what, change) in MATTERS {
        let mut asked = episode();
        change(&mut asked);
        assert!(runs.insert(asked.run().unwrap()), "{what} makes no run of its own");
    }
}

#[test]
fn what_does_not_matter_makes_no_other_run() {
    for (what, change) in NO_MATTER {
        let mut asked = episode();
        change(&mut asked);
        assert_eq!(asked.run().unwrap(), episode().run().unwrap(), "{what}");
    }
}

#[test]
fn a_run_is_named_after_its_episode() {
    let run = episode().run().unwrap().to_string();
    assert!(run.starts_with("the-show-s01e02-") && run.len() == "the-show-s01e02-".len() + 8, "{run}");
}

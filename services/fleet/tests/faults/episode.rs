//! An episode whose expressions the offline lexicon knows, and an encoder that writes what it was asked for.

use std::{
    collections::BTreeMap,
    io::Write as _,
    num::NonZeroU8,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{
    Blob, Burn, ClipSpec, Cue, CueKind, CutMethod, Digest, EncodeSpec, EncodedClip, EpisodeId, LearnerLevel, Manifest,
    MediaTime, SourceFile, Span, Stage, Timing, Transcript, VideoCodec,
};
use langflix_llm::Offline;
use langflix_local::DirectoryStore;
use langflix_pipeline::{
    Cutter, InPlace, RunRequest, RunSettings, analyse_chunk, complete, encode_clip, outcomes, plan_analysis,
    plan_encoding,
};
use langflix_ports::{
    llm::LanguageModel as _,
    media::{self, ClipEncoder, Source},
};
use langflix_testkit::media::silent_film;

const LINES: [&str; 6] = [
    "They never give up hope.",
    "Let us call it a day.",
    "She tried to break the ice.",
    "It was a piece of cake.",
    "He let the cat out of the bag.",
    "We should hit the road.",
];

pub(crate) fn model() -> Offline {
    Offline::new(None).unwrap()
}

fn transcript() -> Transcript {
    let cue = |start: i64, text: &str| Cue {
        span: Span::from_millis(start, start + 3500),
        text: text.to_owned(),
        speaker: None,
        kind: CueKind::Speech,
    };
    let scene = |(n, line): (usize, &&str)| {
        let start = 20_000 + n as i64 * 40_000;
        [cue(start, "Nobody came to the door."), cue(start + 4000, line), cue(start + 8000, "It was quiet then.")]
    };
    Transcript { language: None, cues: LINES.iter().enumerate().flat_map(scene).collect() }
}

pub(crate) fn episode(number: u16) -> RunRequest {
    let file =
        |name: &str| SourceFile { name: name.to_owned(), bytes: 1000, digest: Digest::of_bytes(name.as_bytes()) };
    let model = model();
    RunRequest {
        episode: EpisodeId { show: "The Show".to_owned(), season: 1, episode: number },
        source: "/videos/show.mkv".to_owned(),
        source_identity: format!("show.mkv:1000000:{number}"),
        media: silent_film(MediaTime::from_secs(300)),
        video: file("show.mkv"),
        subtitles: file("show.srt"),
        target_subtitles: None,
        transcript: transcript(),
        target_transcript: None,
        diagnostics: Vec::new(),
        settings: RunSettings {
            source_language: "en".parse().unwrap(),
            language: "ko".parse().unwrap(),
            level: LearnerLevel::Intermediate,
            chunk_size: 90,
            max_input_length: 140,
            min_expressions_per_chunk: 0,
            max_expressions_per_chunk: 3,
            max_expressions: 20,
            model_name: model.name().to_owned(),
            model: model.fingerprint().clone(),
            model_translates: false,
            encode: Some(EncodeSpec {
                codec: VideoCodec::Libx264,
                method: CutMethod::Reencode,
                preset: "medium".to_owned(),
                crf: 20,
                threads: NonZeroU8::MIN,
                normalize_loudness: false,
            }),
            burn: Burn::None,
        },
        stored_as: None,
    }
}

/// The manifest's text without what differs between equal runs.
pub(crate) fn text(manifest: &Manifest) -> String {
    serde_json::to_string_pretty(&Manifest { timing: Timing::default(), ..manifest.clone() }).unwrap()
}

/// The manifest of a run that nothing happened to.
pub(crate) async fn undisturbed(asked: &RunRequest) -> Manifest {
    let dir = tempfile::tempdir().unwrap();
    let store = DirectoryStore::open(&dir.path().join("store")).unwrap();
    let (model, encoder) = (model(), Stub { log: dir.path().join("log"), mark: String::new() });
    let analysis = plan_analysis(&store, asked).await.unwrap();
    for task in &analysis.tasks {
        analyse_chunk(&store, &model, asked, task).await.unwrap();
    }
    let chunks = outcomes(&store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    let encoding = plan_encoding(&store, asked, &analysis, &chunks).await.unwrap();
    let cutter = Cutter { encoder: &encoder, sources: &InPlace, scratch: dir.path(), footage: None };
    for task in &encoding.tasks {
        encode_clip(&store, cutter, asked, task, &|_| {}).await.unwrap();
    }
    complete(&store, asked, &analysis, &encoding).await.unwrap()
}

/// Adds a line to a log that several processes write.
pub(crate) fn note(log: &Path, what: &Digest) {
    let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    log.write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// How long an encode or an answer takes: long enough for a twin to come meanwhile.
pub(crate) const TAKES: Duration = Duration::from_millis(100);

/// Writes each clip's digest for a clip, and a line about it to a log.
pub(crate) struct Stub {
    pub(crate) log: PathBuf,
    /// What its clips have and those of others have not: no two encoders give the same bytes.
    pub(crate) mark: String,
}

#[async_trait]
impl ClipEncoder for Stub {
    async fn encode(
        &self,
        _source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        _progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, media::Error> {
        let digest = spec.digest().unwrap();
        note(&self.log, &digest);
        tokio::time::sleep(TAKES).await;
        let mut blobs = BTreeMap::new();
        for name in ["clip.mp4", "poster.jpg"] {
            let content = format!("{name} of {digest}{}", self.mark);
            std::fs::write(dir.join(name), &content).unwrap();
            let blob = Blob { sha256: Digest::of_bytes(content.as_bytes()), bytes: content.len() as u64 };
            blobs.insert(name.to_owned(), blob);
        }
        Ok(EncodedClip {
            encoder: spec.encode.codec,
            bounds: spec.scene,
            width: 320,
            height: 180,
            has_audio: true,
            blobs,
        })
    }
}

//! An episode of five minutes with one expression in each of its chunks, and a room to work on it in.

use std::{num::NonZeroU8, path::Path};

use langflix_domain::{
    Burn, ChunkAnalysis, Cue, CueKind, CutMethod, DiagnosticCount, Digest, EncodeSpec, EncodedClip, EpisodeId, Lane,
    LearnerLevel, Manifest, MediaTime, SourceFile, Span, Stage, Timing, Transcript, VideoCodec,
};
use langflix_local::DirectoryStore;
use langflix_pipeline::{
    Cutter, Error, InPlace, Outcomes, RunRequest, RunSettings, analyse_chunk, complete, encode_clip, outcomes,
    plan_analysis, plan_encoding, retry_failed,
};
use langflix_ports::{llm::LanguageModel, media::ClipEncoder, store::ArtifactStore};
use langflix_testkit::media::silent_film;

/// The expressions by chunk. Each is said in the middle of three lines, a minute after the one before.
pub(crate) const EXPRESSIONS: [&str; 4] = ["give up", "call it a day", "break the ice", "hit the road"];

pub(crate) fn cue(start_ms: i64, text: &str) -> Cue {
    Cue {
        span: Span::from_millis(start_ms, start_ms + 3500),
        text: text.to_owned(),
        speaker: None,
        kind: CueKind::Speech,
    }
}

fn transcript() -> Transcript {
    let scene = |(n, expression): (usize, &&str)| {
        let start = 20_000 + n as i64 * 60_000;
        [
            cue(start, "Nobody came to the door."),
            cue(start + 4000, &format!("Then we {expression}, he said.")),
            cue(start + 8000, "It was quiet after that."),
        ]
    };
    Transcript { language: None, cues: EXPRESSIONS.iter().enumerate().flat_map(scene).collect() }
}

fn file(name: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), bytes: 1000, digest: Digest::of_bytes(name.as_bytes()) }
}

pub(crate) fn episode() -> RunRequest {
    RunRequest {
        episode: EpisodeId { show: "The Show".to_owned(), season: 1, episode: 2 },
        source: "/videos/show.mkv".to_owned(),
        source_identity: "/videos/show.mkv:1000000:1700000000".to_owned(),
        media: silent_film(MediaTime::from_secs(300)),
        video: file("show.mkv"),
        subtitles: file("show.srt"),
        target_subtitles: None,
        transcript: transcript(),
        target_transcript: None,
        diagnostics: vec![DiagnosticCount {
            file: "show.srt".to_owned(),
            kind: "overlap".to_owned(),
            count: 2,
            first_line: 7,
        }],
        settings: RunSettings {
            source_language: "en".parse().unwrap(),
            language: "ko".parse().unwrap(),
            level: LearnerLevel::Intermediate,
            chunk_size: 90,
            max_input_length: 140,
            min_expressions_per_chunk: 1,
            max_expressions_per_chunk: 3,
            max_expressions: 20,
            model_name: "fake/one".to_owned(),
            model: Digest::of_bytes(b"model"),
            model_translates: true,
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

/// The episode with subtitles in the target language, whose lines are the source's in brackets.
pub(crate) fn with_target_subtitles() -> RunRequest {
    let mut asked = episode();
    let mut target = asked.transcript.clone();
    for cue in &mut target.cues {
        cue.text = format!("[{}]", cue.text);
    }
    asked.target_subtitles = Some(file("show.ko.srt"));
    asked.target_transcript = Some(target);
    asked
}

/// A store and a folder for work in progress.
pub(crate) struct Room {
    dir: tempfile::TempDir,
    pub(crate) store: DirectoryStore,
}

impl Room {
    pub(crate) fn new() -> Self {
        // Thousands of small files are written, each of them synced: memory is quicker than a disk.
        let memory = Path::new("/dev/shm");
        let dir = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        std::fs::create_dir(dir.path().join("scratch")).unwrap();
        let store = DirectoryStore::open(&dir.path().join("store")).unwrap();
        Self { dir, store }
    }

    pub(crate) fn scratch(&self) -> std::path::PathBuf {
        self.dir.path().join("scratch")
    }

    pub(crate) async fn drive(
        &self,
        model: &dyn LanguageModel,
        encoder: &dyn ClipEncoder,
        asked: &RunRequest,
    ) -> Manifest {
        drive(&self.store, model, encoder, &self.scratch(), asked).await.unwrap()
    }

    pub(crate) async fn chunks(&self, asked: &RunRequest) -> Outcomes<ChunkAnalysis> {
        outcomes(&self.store, &asked.run().unwrap(), Stage::Analysis).await.unwrap()
    }

    pub(crate) async fn clips(&self, asked: &RunRequest) -> Outcomes<EncodedClip> {
        outcomes(&self.store, &asked.run().unwrap(), Stage::Encoding).await.unwrap()
    }
}

/// Cuts clips from files of this machine.
pub(crate) fn cutter<'a>(encoder: &'a dyn ClipEncoder, scratch: &'a Path) -> Cutter<'a> {
    Cutter { encoder, sources: &InPlace, scratch, footage: None }
}

/// Does all that has no outcome yet, one task after another.
pub(crate) async fn drive(
    store: &dyn ArtifactStore,
    model: &dyn LanguageModel,
    encoder: &dyn ClipEncoder,
    scratch: &Path,
    asked: &RunRequest,
) -> Result<Manifest, Error> {
    retry_failed(store, asked, Lane::Bulk).await?;
    let analysis = plan_analysis(store, asked).await?;
    for task in &analysis.tasks {
        analyse_chunk(store, model, asked, task).await?;
    }
    let chunks = outcomes(store, &asked.run()?, Stage::Analysis).await?;
    let encoding = plan_encoding(store, asked, &analysis, &chunks).await?;
    for task in &encoding.tasks {
        encode_clip(store, cutter(encoder, scratch), asked, task, &|_| {}).await?;
    }
    complete(store, asked, &analysis, &encoding).await
}

/// The manifest's text without what differs between equal runs.
pub(crate) fn text(manifest: &Manifest) -> String {
    serde_json::to_string_pretty(&Manifest { timing: Timing::default(), ..manifest.clone() }).unwrap()
}

pub(crate) fn names(manifest: &Manifest) -> Vec<&str> {
    manifest.clips.iter().map(|clip| clip.expression.as_str()).collect()
}

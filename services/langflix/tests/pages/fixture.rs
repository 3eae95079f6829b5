//! Manifests as a run leaves them.

use std::collections::BTreeMap;

use langflix_domain::{
    ClipFiles, Completeness, CueRange, DiagnosticCount, Digest, EncodedClip, EpisodeId, EpisodeStatus, ExpressionKind,
    Failure, FailureKind, LearnerLevel, Level, MANIFEST_VERSION, Manifest, ManifestClip, ManifestFailure, RejectedItem,
    RunId, SceneCue, SourceFile, Span, Stage, TaskId, Timing, Usage, VideoCodec,
};

/// How long a clip's file is, in seconds; its lines lie within it.
pub(crate) const CLIP_SECONDS: u32 = 6;

type Line = (i64, i64, &'static str, Option<&'static str>);

struct Taught {
    expression: &'static str,
    translation: Option<&'static str>,
    meaning: &'static str,
    why: &'static str,
    similar: &'static [&'static str],
    kind: ExpressionKind,
    level: Level,
    /// Start and end within the clip in milliseconds, text, translation.
    lines: &'static [Line],
    said: usize,
}

const TAUGHT: [Taught; 3] = [
    Taught {
        expression: "call it a day",
        translation: Some("오늘은 여기까지 하다"),
        meaning: "to stop working for today, since enough has been done",
        why: "You hear it at the end of nearly every working day, and it sounds friendlier than “stop”.",
        similar: &["wrap things up", "knock off", "leave it there"],
        kind: ExpressionKind::Idiom,
        level: Level::B2,
        lines: &[
            (200, 1_500, "The harbour lights are on already.", Some("항구에 벌써 불이 켜졌네.")),
            (
                1_600,
                3_400,
                "We've counted every crate twice.\nLet's call it a day.",
                Some("상자를 두 번씩 다 셌어. 오늘은 여기까지 하자."),
            ),
            (3_500, 5_600, "You go. I still have to lock the shed.", Some("먼저 가. 난 창고 문을 잠가야 해.")),
        ],
        said: 1,
    },
    Taught {
        expression: "turn up",
        translation: Some("나타나다"),
        meaning: "to arrive, often late or without having said so",
        why: "Short, very common, and different from what the two words mean alone.",
        similar: &["show up"],
        kind: ExpressionKind::PhrasalVerb,
        level: Level::B1,
        lines: &[
            (0, 2_000, "Did your cousin ever turn up?", Some("네 사촌은 결국 왔어?")),
            (2_100, 4_000, "♪ (distant radio) ♪", None),
            (4_100, 5_900, "At midnight, soaked, with a goat.", Some("자정에, 흠뻑 젖어서, 염소를 데리고.")),
        ],
        said: 0,
    },
    Taught {
        expression: "have a soft spot for someone",
        translation: None,
        meaning: "to like someone more than one would admit",
        why: "",
        similar: &[],
        kind: ExpressionKind::Collocation,
        level: Level::C1,
        lines: &[(500, 4_800, "Old Maren pretends to be stern, but she has a soft spot for the night crew.", None)],
        said: 0,
    },
];

fn clip(number: u32, taught: &Taught) -> ManifestClip {
    let start = 60_000 * i64::from(number) + 750;
    let at = |from: i64, to: i64| Span::from_millis(start + from, start + to);
    let cue = |(index, line): (usize, &Line)| SceneCue {
        index: number * 10 + index as u32,
        span: at(line.0, line.1),
        text: line.2.to_owned(),
        translation: line.3.map(str::to_owned),
    };
    let said = taught.lines[taught.said];
    let path = |ending: &str| format!("clips/{number:02}-{}{ending}", langflix_domain::slug(taught.expression));
    ManifestClip {
        number,
        id: TaskId::clip(&Digest::of_bytes(&number.to_be_bytes())),
        expression: taught.expression.to_owned(),
        translation: taught.translation.map(str::to_owned),
        meaning: taught.meaning.to_owned(),
        line: said.2.replace('\n', " "),
        line_translation: said.3.map(str::to_owned),
        similar: taught.similar.iter().map(|&similar| similar.to_owned()).collect(),
        level: taught.level,
        kind: taught.kind,
        why: taught.why.to_owned(),
        said: at(said.0, said.1),
        said_cues: CueRange { first: number * 10 + taught.said as u32, last: number * 10 + taught.said as u32 },
        scene: at(0, 1000 * i64::from(CLIP_SECONDS)),
        cues: taught.lines.iter().enumerate().map(cue).collect(),
        encoded: Some(EncodedClip {
            encoder: VideoCodec::Libx264,
            bounds: at(0, 1000 * i64::from(CLIP_SECONDS)),
            width: 640,
            height: 360,
            has_audio: true,
            blobs: BTreeMap::new(),
        }),
        files: Some(ClipFiles {
            video: path(".mp4"),
            poster: path(".jpg"),
            subtitles: path(".en.vtt"),
            target_subtitles: Some(path(".ko.vtt")),
        }),
    }
}

fn source(name: &str) -> SourceFile {
    SourceFile { name: name.to_owned(), bytes: 1, digest: Digest::of_bytes(name.as_bytes()) }
}

/// An episode with `clips` clips, all complete.
pub(crate) fn complete(clips: u32) -> Manifest {
    let episode = EpisodeId { show: "Night Ferry".to_owned(), season: 1, episode: 2 };
    Manifest {
        version: MANIFEST_VERSION,
        run: RunId::new(&episode, &Digest::of_bytes(b"inputs")),
        episode,
        status: EpisodeStatus::Complete,
        source_language: "en".parse().unwrap(),
        language: "ko".parse().unwrap(),
        level: LearnerLevel::Intermediate,
        analysed_by: "offline/lexicon".to_owned(),
        video: source("Night.Ferry.S01E02.mkv"),
        subtitles: source("Night.Ferry.S01E02.srt"),
        target_subtitles: Some(source("Night.Ferry.S01E02.ko.srt")),
        completeness: Completeness { chunks_ok: 14, chunks_failed: 0, clips_ok: clips, clips_failed: 0 },
        diagnostics: vec![],
        notes: vec![],
        clips: (1..=clips).map(|number| clip(number, &TAUGHT[(number as usize - 1) % TAUGHT.len()])).collect(),
        failures: vec![],
        rejected: BTreeMap::new(),
        timing: Timing {
            started_at: "2026-01-31T09:30:00Z".to_owned(),
            finished_at: "2026-01-31T09:31:15Z".to_owned(),
            wall_ms: 75_000,
            usage: Usage { requests: 14, input_tokens: 21_000, output_tokens: 4_200 },
        },
    }
}

/// Three expressions; the second has no clip, and part of the episode was not analysed.
pub(crate) fn partial() -> Manifest {
    let mut manifest = complete(3);
    let failed = &mut manifest.clips[1];
    (failed.encoded, failed.files) = (None, None);
    let failure = |kind, message: &str| Failure { kind, message: message.to_owned() };
    manifest.failures = vec![
        ManifestFailure {
            stage: Stage::Analysis,
            task: "chunk-0007".to_owned(),
            span: Span::from_millis(1_200_000, 1_290_000),
            failure: failure(
                FailureKind::Unavailable,
                "the model answered 503 for 5 minutes; run again to fill this in",
            ),
        },
        ManifestFailure {
            stage: Stage::Encoding,
            task: failed.id.to_string(),
            span: failed.scene,
            failure: failure(
                FailureKind::Encoder,
                "ffmpeg ended with status 1: Night.Ferry.S01E02.mkv is damaged at 0:02:03",
            ),
        },
    ];
    manifest.status = EpisodeStatus::Partial;
    manifest.completeness = Completeness { chunks_ok: 13, chunks_failed: 1, clips_ok: 2, clips_failed: 1 };
    manifest.notes = vec!["2 lines have no counterpart in the target subtitles at their time.".to_owned()];
    manifest.diagnostics = vec![DiagnosticCount {
        file: manifest.subtitles.name.clone(),
        kind: "overlapping_cues".to_owned(),
        count: 2,
        first_line: 118,
    }];
    let rejected = RejectedItem { expression: "so long".to_owned(), reason: "the quote is in no line".to_owned() };
    manifest.rejected = BTreeMap::from([(3, vec![rejected])]);
    manifest
}

/// The same without clips and without failures.
pub(crate) fn dry_run() -> Manifest {
    let mut manifest = complete(3);
    for clip in &mut manifest.clips {
        (clip.encoded, clip.files) = (None, None);
    }
    manifest.completeness.clips_ok = 0;
    manifest
}

/// `partial()` with `hostile` wherever text comes from outside.
pub(crate) fn filled_with(hostile: &str) -> Manifest {
    let mut manifest = partial();
    let text = || hostile.to_owned();
    manifest.episode.show = text();
    manifest.analysed_by = text();
    for file in [&mut manifest.video, &mut manifest.subtitles].into_iter().chain(&mut manifest.target_subtitles) {
        file.name = text();
    }
    (manifest.notes[0], manifest.timing.finished_at) = (text(), text());
    (manifest.diagnostics[0].file, manifest.diagnostics[0].kind) = (text(), text());
    for failure in &mut manifest.failures {
        failure.failure.message = text();
    }
    for item in manifest.rejected.values_mut().flatten() {
        (item.expression, item.reason) = (text(), text());
    }
    for clip in &mut manifest.clips {
        (clip.expression, clip.translation, clip.meaning, clip.why) = (text(), Some(text()), text(), text());
        (clip.line, clip.line_translation, clip.similar) = (text(), Some(text()), vec![text()]);
        for cue in &mut clip.cues {
            (cue.text, cue.translation) = (text(), Some(text()));
        }
        if let Some(files) = &mut clip.files {
            let path = |ending: &str| format!("clips/{}{ending}", hostile.replace('/', "-"));
            (files.video, files.poster) = (path(".mp4"), path(".jpg"));
            (files.subtitles, files.target_subtitles) = (path(".en.vtt"), Some(path(".ko.vtt")));
        }
    }
    manifest
}

/// Shifts an episode's number, for seasons.
pub(crate) fn numbered(mut manifest: Manifest, season: u16, episode: u16) -> Manifest {
    (manifest.episode.season, manifest.episode.episode) = (season, episode);
    manifest
}

/// An episode that could not be worked on, and why.
pub(crate) fn unread(why: &str) -> (EpisodeId, String) {
    (EpisodeId { show: "Night Ferry".to_owned(), season: 1, episode: 9 }, why.to_owned())
}

//! What a user is told when all is done.

use std::path::Path;

use langflix_domain::{EpisodeId, EpisodeStatus, Manifest, ManifestFailure};
use langflix_pipeline::is_of_run;

use super::{deliver, prepare::Sources};
use crate::{cli::Output, counted, progress, say};

/// Says how each episode ended. All of them together are complete, failed, or something in between.
pub(crate) fn report(ends: &[(&Sources, anyhow::Result<Manifest>)], out: &Path, output: Output) -> EpisodeStatus {
    let end = |(sources, end): &(&Sources, anyhow::Result<Manifest>)| match end {
        Ok(manifest) => {
            delivered(manifest, out, output);
            manifest.status
        }
        Err(error) => {
            failed(&sources.episode, error, output);
            EpisodeStatus::Failed
        }
    };
    overall(&ends.iter().map(end).collect::<Vec<_>>())
}

/// Says why an episode has no run.
pub(crate) fn failed(episode: &EpisodeId, error: &anyhow::Error, output: Output) {
    say::error(format_args!("{episode}: {error:#}"));
    if output == Output::Json {
        let (episode, error) = (episode.to_string(), format!("{error:#}"));
        let _unread =
            say::out!("{}", serde_json::json!({ "event": "episode_failed", "episode": episode, "error": error }));
    }
}

/// Says how a run ended whose results are laid out below `out`.
pub(crate) fn delivered(manifest: &Manifest, out: &Path, output: Output) {
    let page = deliver::page(out, manifest).display().to_string();
    say(manifest, &page, output);
    if output == Output::Json {
        let event = serde_json::json!({
            "event": "delivered", "run": manifest.run, "episode": manifest.episode.to_string(), "status": manifest.status,
            "expressions": manifest.clips.len(), "clips": manifest.completeness.clips_ok, "notes": manifest.notes,
            "page": page,
        });
        let _unread = say::out!("{event}");
    }
}

/// What all ends are together: complete, failed, or something in between.
pub(crate) fn overall(ends: &[EpisodeStatus]) -> EpisodeStatus {
    let all = |status: EpisodeStatus| !ends.is_empty() && ends.iter().all(|end| *end == status);
    match () {
        () if all(EpisodeStatus::Complete) => EpisodeStatus::Complete,
        () if all(EpisodeStatus::Failed) => EpisodeStatus::Failed,
        () => EpisodeStatus::Partial,
    }
}

/// Says how a run ended, and at which `place` its results are.
pub(crate) fn say(manifest: &Manifest, place: &str, output: Output) {
    let mut groups: Vec<Vec<&ManifestFailure>> = Vec::new();
    for failure in &manifest.failures {
        let alike = |group: &&mut Vec<&ManifestFailure>| {
            group.iter().any(|other| other.stage == failure.stage && other.failure.kind == failure.failure.kind)
        };
        match groups.iter_mut().find(alike) {
            Some(group) => group.push(failure),
            None => groups.push(vec![failure]),
        }
    }
    for group in groups {
        let [first, more @ ..] = group.as_slice() else { continue };
        let (noun, at) = (progress::noun(first.stage), first.span.start);
        let of_tasks = group.iter().filter(|failure| !is_of_run(failure)).count();
        let which = match (of_tasks, more.len()) {
            (0, _) => "the run failed".to_owned(),
            (1, 0) => format!("the {noun} at {at} failed"),
            (count, _) => format!("{} failed, the first at {at}", counted(count, noun)),
        };
        say::error(format_args!("{}: {which}: {}", manifest.episode, first.failure.message));
    }
    if output == Output::Text {
        let done = manifest.completeness;
        // The results are there whether or not this can be written.
        let _unread = say::out!(
            "{}: {}, {}, {}: {place}",
            manifest.episode,
            manifest.status.as_str(),
            counted(manifest.clips.len(), "expression"),
            counted(done.clips_ok as usize, "clip")
        );
        let _unread = manifest.notes.iter().try_for_each(|note| say::out!("  {note}"));
        let odd: u32 = manifest.diagnostics.iter().map(|diagnostic| diagnostic.count).sum();
        if odd > 0 {
            let each = if tracing::enabled!(tracing::Level::INFO) { "" } else { ": --verbose shows each" };
            let _unread = say::out!("  {} in the subtitles{each}", counted(odd as usize, "odd place"));
        }
    }
}

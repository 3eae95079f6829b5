use std::collections::BTreeMap;

use langflix_domain::{EpisodeStatus, Failure, Manifest, ManifestFailure, Stage};
use maud::{Markup, html};

use super::{
    clip::clip,
    document::document,
    footer::footer,
    text::{clock, count, label, learner, text},
};

/// Most failures that stand open at the top of a page; more are folded away.
const OPEN_FAILURES: usize = 3;

/// The page of one episode, to lie beside its `manifest.json` and a folder below [`season`](super::season)'s page.
///
/// Reads well without clips, as after a dry run, and without script.
pub fn episode(manifest: &Manifest) -> String {
    let failed: BTreeMap<&str, &Failure> = manifest
        .failures
        .iter()
        .filter(|failure| failure.stage == Stage::Encoding)
        .map(|failure| (failure.task.as_str(), &failure.failure))
        .collect();
    let title = format!("{} {}: expressions", label(&manifest.episode.show), manifest.episode.code());
    let body = html! {
        a.skip href="#clips" { "Skip to the expressions" }
        header.page {
            p { a href="../index.html" { "All episodes" } }
            h1 { bdi { (text(&manifest.episode.show)) } " " span.code { (manifest.episode.code()) } }
            (facts(manifest))
            (notes(&manifest.notes))
            (failures(manifest))
        }
        div.columns {
            (contents(manifest))
            main id="clips" {
                @for found in &manifest.clips {
                    (clip(manifest, found, failed.get(found.id.as_str()).copied()))
                }
                @if manifest.clips.is_empty() { p.empty { "There is no expression to show." } }
            }
        }
        (footer(manifest))
    };
    document(&title, &body)
}

pub(super) fn status(status: EpisodeStatus) -> Markup {
    let (class, name) = match status {
        EpisodeStatus::Complete => ("complete", "Complete"),
        EpisodeStatus::Partial => ("partial", "Partial"),
        EpisodeStatus::Failed => ("failed", "Failed"),
    };
    html! { span.status.(class) { (name) } }
}

/// `12 clips, 1 failure`, or what there is instead of clips.
pub(super) fn outcome(manifest: &Manifest) -> String {
    let clips = manifest.clips.iter().filter(|clip| clip.files.is_some()).count();
    let failed = manifest.failures.len();
    let found = match (clips, manifest.completeness.clips_failed) {
        (0, 0) if !manifest.clips.is_empty() => {
            format!("{}, no clips made yet", count(manifest.clips.len(), "expression"))
        }
        _ => count(clips, "clip"),
    };
    if failed == 0 { found } else { format!("{found}, {}", count(failed, "failure")) }
}

fn facts(manifest: &Manifest) -> Markup {
    html! {
        dl.facts {
            div { dt { "Result" } dd { (status(manifest.status)) " " (outcome(manifest)) } }
            div {
                dt { "Languages" }
                dd {
                    span data-language { (manifest.source_language) }
                    " → "
                    span data-language { (manifest.language) }
                }
            }
            div { dt { "Level" } dd { (learner(manifest.level)) } }
            div { dt { "Analysed by" } dd dir="auto" { (text(&manifest.analysed_by)) } }
        }
    }
}

fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            section.notes aria-labelledby="notes" {
                h2 id="notes" { "Notes" }
                ul { @for note in notes { li dir="auto" { (text(note)) } } }
            }
        }
    }
}

fn failures(manifest: &Manifest) -> Markup {
    let failures = &manifest.failures;
    html! {
        @if !failures.is_empty() {
            details.failures open[failures.len() <= OPEN_FAILURES] {
                summary { h2 { "What failed (" (failures.len()) ")" } }
                ul { @for failure in failures { li { (whose(manifest, failure)) ": " bdi { (text(&failure.failure.message)) } } } }
            }
        }
    }
}

fn whose(manifest: &Manifest, failure: &ManifestFailure) -> Markup {
    let times = format!("{}–{}", clock(failure.span.start), clock(failure.span.end));
    let clip = manifest.clips.iter().find(|clip| clip.id.as_str() == failure.task);
    html! {
        @match (failure.stage, clip) {
            (Stage::Encoding, Some(clip)) => {
                "Clip " a href={ "#clip-" (clip.number) } {
                    (clip.number) ", " bdi lang=(manifest.source_language) { (text(&clip.expression)) }
                }
            }
            (Stage::Encoding, None) => "Clip",
            (Stage::Analysis, _) => "Lines without expressions",
        }
        " (" (times) ")"
    }
}

fn contents(manifest: &Manifest) -> Markup {
    html! {
        @if manifest.clips.len() > 1 {
            nav aria-label="Expressions" {
                details open {
                    summary { (count(manifest.clips.len(), "expression")) }
                    ol lang=(manifest.source_language) {
                        @for clip in &manifest.clips {
                            li { a href={ "#clip-" (clip.number) } dir="auto" { (text(&clip.expression)) } }
                        }
                    }
                }
            }
        }
    }
}

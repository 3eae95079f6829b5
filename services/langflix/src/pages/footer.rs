use langflix_domain::{DiagnosticCount, Manifest, SourceFile};
use maud::{Markup, html};

use super::text::{clock, count, text};

/// Where the page came from: sources, what was repaired or rejected on the way, time and cost.
pub(super) fn footer(manifest: &Manifest) -> Markup {
    let timing = &manifest.timing;
    html! {
        footer {
            details {
                summary { h2 { "About this run" } }
                dl {
                    (source("Video", Some(&manifest.video)))
                    (source("Subtitles", Some(&manifest.subtitles)))
                    (source("Target subtitles", manifest.target_subtitles.as_ref()))
                    dt { "Parts analysed" }
                    dd {
                        (manifest.completeness.chunks_ok)
                        @if manifest.completeness.chunks_failed > 0 { ", " (manifest.completeness.chunks_failed) " failed" }
                    }
                    dt { "Time" }
                    dd { (text(&timing.finished_at)) ", took " (clock(langflix_domain::MediaTime::from_millis(timing.wall_ms as i64))) }
                    @if timing.usage.requests > 0 {
                        dt { "Requests" }
                        dd {
                            (timing.usage.requests) " (" (timing.usage.input_tokens) " tokens in, "
                            (timing.usage.output_tokens) " out)"
                        }
                    }
                    dt { "Run" }
                    dd { code { (text(manifest.run.as_str())) } " in " a href="manifest.json" { "manifest.json" } }
                }
                (diagnostics(&manifest.diagnostics))
                (rejected(manifest))
            }
        }
    }
}

fn source(name: &str, file: Option<&SourceFile>) -> Markup {
    html! { @if let Some(file) = file { dt { (name) } dd dir="auto" { (text(&file.name)) } } }
}

fn diagnostics(diagnostics: &[DiagnosticCount]) -> Markup {
    html! {
        @if !diagnostics.is_empty() {
            h3 { "Repaired or suspected in the subtitles" }
            ul {
                @for found in diagnostics {
                    li {
                        bdi { (text(&found.file)) } ": " bdi { (text(&found.kind.replace('_', " "))) } ", "
                        (count(found.count as usize, "time")) ", first in line " (found.first_line)
                    }
                }
            }
        }
    }
}

fn rejected(manifest: &Manifest) -> Markup {
    html! {
        @if !manifest.rejected.is_empty() {
            h3 { "Proposed but not taken" }
            ul {
                @for item in manifest.rejected.values().flatten() {
                    li {
                        @if !item.expression.is_empty() {
                            bdi lang=(manifest.source_language) { (text(&item.expression)) } ": "
                        }
                        bdi { (text(&item.reason)) }
                    }
                }
            }
        }
    }
}

use langflix_domain::Manifest;
use maud::{Markup, html};

use super::{
    document::document,
    episode::{outcome, status},
    text::{count, href, label, text},
};

/// Most expressions that stand beside an episode as a taste of it.
const TASTE: usize = 4;

/// The page of a show's episodes, to lie in the show's folder; each episode's page is `<S01E01>/index.html` in it.
pub fn season(show: &str, episodes: &[Manifest]) -> String {
    let mut sorted: Vec<&Manifest> = episodes.iter().collect();
    sorted.sort_by_key(|manifest| (manifest.episode.season, manifest.episode.episode));
    let clips = sorted.iter().flat_map(|manifest| &manifest.clips).filter(|clip| clip.files.is_some()).count();
    let failures: usize = sorted.iter().map(|manifest| manifest.failures.len()).sum();
    let body = html! {
        header.page {
            h1 { bdi { (text(show)) } }
            p.sums {
                (count(sorted.len(), "episode")) ", " (count(clips, "clip"))
                @if failures > 0 { ", " (count(failures, "failure")) }
            }
        }
        main {
            @for of_season in sorted.chunk_by(|a, b| a.episode.season == b.episode.season) { (part(of_season)) }
            @if sorted.is_empty() { p.empty { "There is no episode to show." } }
        }
    };
    document(&format!("{}: episodes", label(show)), &body)
}

fn part(episodes: &[&Manifest]) -> Markup {
    html! {
        @if let Some(first) = episodes.first() {
            section aria-labelledby={ "season-" (first.episode.season) } {
                h2 id={ "season-" (first.episode.season) } {
                    @if first.episode.season == 0 { "Specials" } @else { "Season " (first.episode.season) }
                }
                ol.episodes { @for manifest in episodes { li { (card(manifest)) } } }
            }
        }
    }
}

fn card(manifest: &Manifest) -> Markup {
    let code = manifest.episode.code();
    let poster = manifest.clips.iter().find_map(|clip| {
        let address = href(&format!("{code}/{}", clip.files.as_ref()?.poster))?;
        Some((address, clip.encoded.as_ref().map(|encoded| (encoded.width, encoded.height))))
    });
    html! {
        article.card {
            @if let Some((address, size)) = poster {
                img src=(address) width=[size.map(|size| size.0)] height=[size.map(|size| size.1)] alt="" loading="lazy";
            } @else {
                div.blank {}
            }
            div {
                h3 { a href={ (code) "/index.html" } { (code) } }
                p { (status(manifest.status)) " " (outcome(manifest)) }
                @if !manifest.clips.is_empty() {
                    p.taste lang=(manifest.source_language) {
                        @for clip in manifest.clips.iter().take(TASTE) { bdi { (text(&clip.expression)) } " " }
                    }
                }
                p.languages {
                    span data-language { (manifest.source_language) } " → " span data-language { (manifest.language) }
                }
            }
        }
    }
}

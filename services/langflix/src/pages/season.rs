use langflix_domain::{EpisodeId, Manifest};
use maud::{Markup, html};

use super::{
    document::document,
    episode::{outcome, status},
    text::{count, href, label, text},
};

/// Most expressions that stand beside an episode as a taste of it.
const TASTE: usize = 4;

/// The page of a show's episodes, to lie in the show's folder; each episode's page is `<S01E01>/index.html` in it.
///
/// It names the `unread` episodes, which have no manifest or one of an earlier time, with what is wrong with each.
pub fn season(show: &str, episodes: &[Manifest], unread: &[(EpisodeId, String)]) -> String {
    let mut sorted: Vec<&Manifest> = episodes.iter().collect();
    sorted.sort_by_key(|manifest| (manifest.episode.season, manifest.episode.episode));
    let clips = sorted.iter().flat_map(|manifest| &manifest.clips).filter(|clip| clip.files.is_some()).count();
    let failures = sorted.iter().map(|manifest| manifest.failures.len()).sum::<usize>() + unread.len();
    let body = html! {
        header.page {
            h1 { bdi { (text(show)) } }
            p.sums {
                (count(sorted.len(), "episode")) ", " (count(clips, "clip"))
                @if failures > 0 { ", " (count(failures, "failure")) }
            }
            (not_read(&sorted, unread))
        }
        main {
            @for of_season in sorted.chunk_by(|a, b| a.episode.season == b.episode.season) { (part(of_season)) }
            @if sorted.is_empty() { p.empty { "There is no episode to show." } }
        }
    };
    document(&format!("{}: episodes", label(show)), &body)
}

fn not_read(episodes: &[&Manifest], unread: &[(EpisodeId, String)]) -> Markup {
    let shown = |episode: &EpisodeId| episodes.iter().any(|manifest| manifest.episode == *episode);
    html! {
        @if !unread.is_empty() {
            details.failures open {
                summary { h2 { "What could not be worked on (" (unread.len()) ")" } }
                ul {
                    @for (episode, why) in unread {
                        li {
                            (episode.code()) ": " bdi { (text(why)) }
                            @if shown(episode) { " What is shown of it below is an earlier result." }
                        }
                    }
                }
            }
        }
    }
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

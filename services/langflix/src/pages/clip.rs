use langflix_domain::{ClipFiles, Failure, Manifest, ManifestClip, MediaTime, SceneCue};
use maud::{Markup, html};

use super::text::{clock, href, kind, label, level, short_clock, text};

/// One expression: what it means and where it is said, with its clip where there is one.
pub(super) fn clip(manifest: &Manifest, clip: &ManifestClip, failure: Option<&Failure>) -> Markup {
    let id = format!("clip-{}", clip.number);
    html! {
        article id=(id) aria-labelledby={ (id) "-name" } {
            header {
                h2 id={ (id) "-name" } {
                    span.number { (clip.number) } " "
                    span lang=(manifest.source_language) dir="auto" { (text(&clip.expression)) }
                }
                (translation(manifest, clip.translation.as_deref()))
                ul.labels aria-label="Level, kind and time" {
                    li { (level(clip.level)) }
                    li { (kind(clip.kind)) }
                    li { time { (clock(clip.said.start)) } }
                }
            }
            div.scene {
                @if let Some(files) = &clip.files { (player(manifest, clip, files)) }
                @if let Some(failure) = failure { p.failed { "No clip: " bdi { (text(&failure.message)) } } }
                (lines(manifest, clip))
                @if let Some(files) = &clip.files { (links(manifest, files)) }
            }
            (explanation(manifest, clip))
        }
    }
}

fn translation(manifest: &Manifest, translation: Option<&str>) -> Markup {
    html! {
        @if let Some(translation) = translation {
            p.translation lang=(manifest.language) dir="auto" { (text(translation)) }
        }
    }
}

fn player(manifest: &Manifest, clip: &ManifestClip, files: &ClipFiles) -> Markup {
    let size = clip.encoded.as_ref().map(|encoded| (encoded.width, encoded.height));
    html! {
        @if let Some(video) = href(&files.video) {
            video src=(video) poster=[href(&files.poster)] width=[size.map(|size| size.0)] height=[size.map(|size| size.1)]
                aria-label={ "Clip " (clip.number) ": " (label(&clip.expression)) }
                data-languages={ (manifest.source_language) " " (manifest.language) }
                controls playsinline preload="none" {}
        }
    }
}

fn lines(manifest: &Manifest, clip: &ManifestClip) -> Markup {
    // Without a clip the episode itself is what a reader can look the lines up in.
    let zero = clip.files.as_ref().and(clip.encoded.as_ref()).map(|encoded| encoded.bounds.start);
    html! {
        @if !clip.cues.is_empty() {
            ol.lines aria-label="Lines of the scene" {
                @for cue in &clip.cues { (line(manifest, clip, cue, zero)) }
            }
        }
    }
}

fn line(manifest: &Manifest, clip: &ManifestClip, cue: &SceneCue, zero: Option<MediaTime>) -> Markup {
    let from = zero.map(|zero| (cue.span.start - zero).as_millis());
    let to = zero.map(|zero| (cue.span.end - zero).as_millis());
    let said = cue.span.overlap(clip.said) > MediaTime::ZERO;
    html! {
        li class=[said.then_some("said")] data-from=[from] data-to=[to] {
            span.at {
                @if let Some(from) = from { (short_clock(MediaTime::from_millis(from))) }
                @else { (clock(cue.span.start)) }
            }
            div {
                p lang=(manifest.source_language) dir="auto" { (text(&cue.text)) }
                (translation(manifest, cue.translation.as_deref()))
                @if said { span.unseen { "(the expression is said here)" } }
            }
        }
    }
}

fn links(manifest: &Manifest, files: &ClipFiles) -> Markup {
    let target = files.target_subtitles.as_deref().and_then(href);
    html! {
        p.files {
            @if let Some(video) = href(&files.video) { a href=(video) { "Clip (MP4)" } }
            @if let Some(subtitles) = href(&files.subtitles) {
                " " a href=(subtitles) { "Subtitles (VTT, " span data-language { (manifest.source_language) } ")" }
            }
            @if let Some(target) = target {
                " " a href=(target) { "Subtitles (VTT, " span data-language { (manifest.language) } ")" }
            }
        }
    }
}

fn explanation(manifest: &Manifest, clip: &ManifestClip) -> Markup {
    let source = &manifest.source_language;
    html! {
        div.explanation {
            blockquote {
                p lang=(source) dir="auto" { (text(&clip.line)) }
                (translation(manifest, clip.line_translation.as_deref()))
            }
            dl {
                @if !clip.meaning.is_empty() {
                    dt { "Meaning" }
                    dd lang=(source) dir="auto" { (text(&clip.meaning)) }
                }
                @if !clip.why.is_empty() {
                    dt { "Why learn it" }
                    dd lang=(source) dir="auto" { (text(&clip.why)) }
                }
                @if !clip.similar.is_empty() {
                    dt { "Similar" }
                    @for similar in &clip.similar { dd.similar lang=(source) dir="auto" { (text(similar)) } }
                }
            }
        }
    }
}

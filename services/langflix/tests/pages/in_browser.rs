use std::{fs, path::PathBuf, process::Command};

use langflix::pages::{episode, season};
use langflix_domain::Manifest;
use langflix_testkit::nasty::nasty;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, find, folder},
    fixture::{self, CLIP_SECONDS},
};

/// Text whose contrast with what lies behind it is below what WCAG 2.2 asks for at level AA, criterion 1.4.3.
const FAINT: &str = include_str!("faint.js");

/// What reaches out of the window sideways.
const TOO_WIDE: &str = include_str!("too_wide.js");

/// Plays from a line, jumps, and plays the other clip, waiting each time as long as the browser's answer is waited for.
const PLAY: &str = include_str!("play.js");

/// Tries what a hole in the escaping would let in, and tells what the page's policy refused.
const INTRUDE: &str = include_str!("intrude.js");

struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        Self { folder: folder() }
    }

    fn page(&self, name: &str, page: &str) -> PathBuf {
        let path = self.folder.path().join(name).join("index.html");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, page).unwrap();
        path
    }

    /// The page of an episode with its clips and stills; `None`, with a message, where ffmpeg is missing.
    fn episode(&self, manifest: &Manifest) -> Option<PathBuf> {
        let page = self.page(&manifest.episode.code(), &episode(manifest));
        let Some(ffmpeg) = find("ffmpeg") else {
            eprintln!("skipped: no ffmpeg on this machine");
            return None;
        };
        let folder = page.parent().unwrap();
        fs::create_dir_all(folder.join("clips")).unwrap();
        for files in manifest.clips.iter().filter_map(|clip| clip.files.as_ref()) {
            let picture = format!("testsrc=size=640x360:rate=24:duration={CLIP_SECONDS}");
            let made = Command::new(&ffmpeg)
                .args(["-v", "error", "-f", "lavfi", "-i", &picture, "-c:v", "libx264", "-pix_fmt", "yuv420p"])
                .args(["-preset", "ultrafast", "-movflags", "+faststart", &files.video])
                .args(["-frames:v", "1", &files.poster])
                .current_dir(folder)
                .status()
                .unwrap();
            assert!(made.success());
        }
        Some(page)
    }
}

fn nothing() -> Value {
    json!([])
}

#[test]
fn every_text_can_be_read_in_light_and_in_dark() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    let Some(page) = site.episode(&fixture::partial()) else { return };
    let index = site
        .page("", &season("Night Ferry", &[fixture::partial(), fixture::dry_run()], &[fixture::unread("not a video")]));
    for scheme in ["light", "dark"] {
        browser.look(1280, 900, scheme);
        for page in [&page, &index] {
            browser.open(page);
            browser.eval("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
            browser.eval("document.querySelector('.lines li')?.setAttribute('aria-current', 'true')");
            let found = browser.eval(FAINT);
            assert_eq!(found["faint"], nothing(), "{scheme}");
            assert!(found["seen"].as_u64().unwrap() > 10);
            assert_eq!(browser.complaints(), Vec::<String>::new());
        }
        let paper = browser.eval("getComputedStyle(document.body).backgroundColor");
        assert_eq!(paper == "rgb(247, 246, 243)", scheme == "light");
    }
}

#[test]
fn a_telephone_shows_all_of_a_page_without_scrolling_sideways() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    let long = "x".repeat(10_000);
    let mut pages = vec![];
    for (name, manifest) in [
        ("partial", fixture::partial()),
        ("dry", fixture::dry_run()),
        ("long", fixture::filled_with(&long)),
        ("korean", fixture::filled_with(&"띄어쓰기없이".repeat(200))),
        ("turned", fixture::filled_with("\u{202e}مرحبا hello \u{2067}שלום")),
    ] {
        pages.push(site.page(name, &episode(&manifest)));
        pages.push(site.page(&format!("{name}-season"), &season(&manifest.episode.show.clone(), &[manifest], &[])));
    }
    for width in [320, 360, 390, 768, 1024, 1600] {
        browser.look(width, 844, "light");
        for page in &pages {
            browser.open(page);
            browser.eval("document.querySelectorAll('details').forEach((details) => { details.open = true; })");
            assert_eq!(browser.eval(TOO_WIDE), nothing(), "{} at {width}", page.display());
            assert_eq!(browser.eval("document.documentElement.scrollWidth <= innerWidth"), true);
        }
    }
}

#[test]
fn a_playing_clip_marks_its_line_and_silences_the_others() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    let Some(page) = site.episode(&fixture::complete(2)) else { return };
    browser.open(&page);
    let found = browser.eval(PLAY);
    assert_eq!(found["before"], 0);
    assert_eq!(found["line"], "We've counted every crate twice.\nLet's call it a day.");
    let from = found["from"].as_f64().unwrap();
    assert!((1.6..3.4).contains(&from), "{from}");
    assert_eq!(found["length"], CLIP_SECONDS);
    assert_eq!(found["silenced"], true);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn lines_are_there_for_the_full_screen_as_they_are_written() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    let mut manifest = fixture::complete(1);
    manifest.clips[0].cues[0].text = "<i>R&D</i> --> x".to_owned();
    browser.open(&site.page("S01E01", &episode(&manifest)));
    let tracks = browser.eval(
        r#"[...document.querySelector("video").textTracks].map((track) => {
          const shown = track.mode;
          track.mode = "hidden";
          const cue = track.cues[0];
          return [shown, track.label, track.language, track.cues.length, cue.startTime, cue.getCueAsHTML().textContent];
        })"#,
    );
    assert_eq!(
        tracks,
        json!([
            ["disabled", "English", "en", 3, 0.2, "<i>R&D</i> --> x"],
            ["disabled", "Korean", "ko", 3, 0.2, "항구에 벌써 불이 켜졌네."]
        ])
    );
}

#[test]
fn only_the_page_s_own_script_runs_and_nothing_is_fetched_from_elsewhere() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    for (number, hostile) in nasty().iter().enumerate() {
        let manifest = fixture::filled_with(hostile);
        let index = season(hostile, std::slice::from_ref(&manifest), &[fixture::unread(hostile)]);
        // Controls are shown by their replacement; what turns the direction is left out of titles.
        let turns = |c: char| matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let words = |text: &str| text.replace(turns, "").split_whitespace().collect::<Vec<_>>().join(" ");
        let text = hostile.replace("\r\n", "\n");
        let text = words(&text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "\u{fffd}"));
        for (name, html) in [("episode", episode(&manifest)), ("season", index)] {
            browser.open(&site.page(&format!("{name}-{number}"), &html));
            let requests = browser.requests();
            let ours = |url: &String| url.starts_with("file:") || url.starts_with("data:");
            assert!(!requests.is_empty() && requests.iter().all(ours), "{requests:?}");
            assert_eq!(browser.eval(INTRUDE), json!(["img-src", "script-src-attr", "script-src-elem"]));
            assert_eq!(browser.eval("typeof broken"), "undefined", "{hostile:?}");
            let shown = browser.eval("document.body.textContent");
            assert!(words(shown.as_str().unwrap()).contains(&text), "{hostile:?} in {name}: {shown}");
        }
    }
}

#[test]
fn a_language_that_the_browser_cannot_name_is_shown_by_its_tag() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    let mut manifest = fixture::complete(1);
    manifest.language = "zh-yue".parse().unwrap();
    browser.open(&site.page("S01E01", &episode(&manifest)));
    assert_eq!(browser.eval("document.querySelector('.facts [data-language]:last-child').textContent"), "zh-yue");
    assert_eq!(browser.eval("document.querySelectorAll('button').length"), 3, "the rest of the script runs");
}

#[test]
fn without_script_a_page_still_shows_lines_players_and_contents() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    browser.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    browser.look(390, 844, "light");
    browser.open(&site.page("S01E01", &episode(&fixture::complete(3))));
    let count = |selector: &str| {
        format!("[...document.querySelectorAll('{selector}')].filter((found) => found.checkVisibility()).length")
    };
    assert_eq!(browser.eval(&count("video[controls]")), 3);
    assert_eq!(browser.eval(&count(".lines li p:first-child")), 7);
    assert_eq!(browser.eval(&count("nav a")), 3);
    assert_eq!(browser.eval(&count("button")), 0, "no control that does nothing");
}

#[test]
fn a_screen_reader_finds_landmarks_headings_and_named_controls() {
    let site = Site::new();
    let Some(mut browser) = Browser::start() else { return };
    browser.look(1280, 900, "light");
    browser.open(&site.page("S01E01", &episode(&fixture::complete(2))));
    let tree = browser.call("Accessibility.getFullAXTree", json!({}));
    let text = |value: &Value| value["value"].as_str().unwrap_or_default().to_owned();
    let found: Vec<_> =
        tree["nodes"].as_array().unwrap().iter().map(|node| (text(&node["role"]), text(&node["name"]))).collect();
    for (role, name) in [
        ("RootWebArea", "Night Ferry S01E02: expressions"),
        ("banner", ""),
        ("navigation", "Expressions"),
        ("main", ""),
        ("contentinfo", ""),
        ("heading", "Night Ferry S01E02"),
        ("heading", "1 call it a day"),
        ("article", "2 turn up"),
        ("Video", "Clip 1: call it a day"),
        ("list", "Lines of the scene"),
        ("button", "Play from 0:01"),
        ("link", "Subtitles (VTT, Korean)"),
    ] {
        assert!(found.contains(&(role.to_owned(), name.to_owned())), "{role} '{name}' in {found:?}");
    }
}

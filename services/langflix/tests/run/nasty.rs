//! Names that would rather be something else, from the file's name to the page.

use std::{fs, path::Path};

use langflix_testkit::nasty::nasty;
use tempfile::tempdir;

use crate::support::{Said, complete, episode, files, langflix, run, said};

/// Holds that a terminal would only show this.
fn is_shown(said: &Said) {
    let obeyed = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{202a}'..='\u{202e}');
    for text in [&said.out, &said.err] {
        assert!(!text.contains(obeyed) && !text.contains("panicked"), "{text:?}");
    }
}

/// A text as a file may be called.
fn file_name(text: &str) -> String {
    let mut name: String = text.chars().filter(|c| !matches!(c, '/' | '\0')).collect();
    while name.len() > 200 {
        name.pop();
    }
    format!("{name}.S01E01.mkv")
}

fn copy(name: &str, dir: &Path) -> std::path::PathBuf {
    let video = dir.join(name);
    fs::copy(episode(), &video).unwrap();
    fs::copy(episode().with_extension("srt"), video.with_extension("srt")).unwrap();
    video
}

#[test]
fn what_is_said_of_a_file_shows_its_name_and_obeys_it_in_nothing() {
    let dir = tempdir().unwrap();
    // Those that a terminal would not just show.
    for text in nasty()
        .into_iter()
        .filter(|text| text.contains(|c: char| c.is_control() || ('\u{200e}'..='\u{2069}').contains(&c)))
    {
        let video = dir.path().join(file_name(&text));
        fs::write(&video, "I am a text that calls itself a film.\n".repeat(100)).unwrap();
        fs::write(video.with_extension("srt"), "1\n00:00:01,000 --> 00:00:02,000\nHello there.\n").unwrap();
        let refused = said(run(&video, &dir.path().join("out")).arg("--verbose"));
        assert_ne!(refused.code, Some(0), "{refused:?}");
        is_shown(&refused);
        is_shown(&said(langflix(["inspect"]).arg(&video)));
        fs::remove_file(&video).unwrap();
    }
}

#[test]
fn a_nasty_name_is_a_name_from_the_file_to_the_page() {
    for text in [
        "-rf $(touch broken) `touch broken`; 'it''s' \"x\" | & {\\an8} %03d [0:v],: \u{1b}[2J \u{202e}gnp",
        "<script>broken=1<script> \n --> ..\\..\\ con",
    ] {
        let (dir, out) = (tempdir().unwrap(), tempdir().unwrap());
        let video = copy(&file_name(text), dir.path());
        let burnt = complete(run(&video, out.path()).current_dir(dir.path()).args(["--burn", "both"]));
        is_shown(&burnt);
        let made = files(out.path());
        assert!(made.iter().any(|file| file.ends_with("manifest.json")), "{made:?}");
        for file in made
            .iter()
            .chain(&files(dir.path()).into_iter().filter(|file| !file.contains("S01E01")).collect::<Vec<_>>())
        {
            let parts_are_names = file.split('/').all(|part| !part.starts_with(['-', '.']) && part != "broken");
            assert!(parts_are_names && !file.contains(|c: char| c.is_control() || c == '\u{202e}'), "{file:?}");
        }
        for page in made.iter().filter(|file| file.ends_with(".html")) {
            let page = fs::read_to_string(out.path().join(page)).unwrap();
            assert!(!page.contains("<script>broken") && !page.contains('\u{1b}'), "{page}");
        }
    }
}

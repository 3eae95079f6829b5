//! The WebVTT cases of another parser, whose expected cues lie beside them.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod data;

use std::{
    fs,
    path::{Path, PathBuf},
};

use data::{root, try_parsed};
use serde_json::Value;

/// Files that a player must refuse, since their first line is not exactly `WEBVTT`; a person reads them none the less.
const WITHOUT_HEADER: [&str; 6] = [
    "file-layout__bom-garbage-data.vtt",
    "file-layout__bom-tab-webvtt.vtt",
    "file-layout__header-no-new-line.vtt",
    "file-layout__newline-before-webvtt.vtt",
    "file-layout__tab-after-bom-before-header.vtt",
    "file-layout__bad-double-webvtt.vtt",
];

/// Text that a player takes for a tag, since its `>` is missing; here it is kept.
const UNCLOSED_TAGS: [&str; 7] = [
    "cuetext__lang__no-end-gt.vtt",
    "cuetext__tag-format__end-tag-no-gt.vtt",
    "cuetext__tag-format__no-closing-gt.vtt",
    "cuetext__tag-format__start-tag-missing-gt.vtt",
    "cuetext__timestamp__no-end-gt.vtt",
    "cuetext__timestamp__space-after-lt.vtt",
    "cuetext__voice__no-end-gt.vtt",
];

/// All cases with the names of their files.
fn cases(root: &Path) -> Vec<String> {
    let folder = fs::read_dir(root.join("torture_vttjs")).unwrap();
    let mut names: Vec<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The file of expected cues of a case; those about settings share one for all that is wrong with a setting.
fn expectation(root: &Path, case: &str) -> Option<PathBuf> {
    let expected = root.join("torture_vttjs_expected");
    let own = expected.join(case.replace(".vtt", ".json"));
    if own.exists() {
        return Some(own);
    }
    let (group, name) = case.rsplit_once("__")?;
    let shared = match (group, name) {
        ("cue-times", "missing-separator.vtt") => "bad-data".to_owned(),
        ("cue-times", _) => "with-data".to_owned(),
        ("file-layout", name) if name.starts_with("webvtt-") => "with-data".to_owned(),
        ("file-layout", _) => "no-output".to_owned(),
        (group, _) => format!("bad-{}", group.rsplit("__").next()?.trim_end_matches('s')),
    };
    Some(expected.join(format!("{group}__{shared}.json"))).filter(|path| path.exists())
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Start and end in milliseconds of every cue that has text.
fn expected_times(path: &Path) -> Vec<(i64, i64)> {
    let millis = |value: &Value| (value.as_f64().unwrap() * 1000.0).round() as i64;
    let json = json(path);
    let with_text = json["cues"].as_array().unwrap().iter().filter(|cue| cue["text"] != "");
    with_text.map(|cue| (millis(&cue["startTime"]), millis(&cue["endTime"]))).collect()
}

fn times(root: &Path, case: &str) -> Vec<(i64, i64)> {
    let parsed = try_parsed(root, &format!("torture_vttjs/{case}"));
    let cues = parsed.map(|parsed| parsed.transcript.cues).unwrap_or_default();
    cues.iter().map(|cue| (cue.span.start.as_millis(), cue.span.end.as_millis())).collect()
}

#[test]
fn every_case_gives_its_cues_at_its_times() {
    let Some(root) = root() else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    for case in cases(&root).iter().filter(|case| !WITHOUT_HEADER.contains(&case.as_str())) {
        let Some(path) = expectation(&root, case) else { continue };
        checked += 1;
        let (expected, found) = (expected_times(&path), times(&root, case));
        // A cue that shows nothing, to which another reader gives the text "-->".
        if expected != found && case != "integration__arrows.vtt" {
            wrong.push(format!("{case}: {found:?} for {expected:?}"));
        }
    }
    assert!(wrong.is_empty() && checked > 200, "{checked} {wrong:#?}");
}

#[test]
fn a_file_without_its_header_is_read_and_named() {
    let Some(root) = root() else { return };
    for case in WITHOUT_HEADER {
        let parsed = try_parsed(&root, &format!("torture_vttjs/{case}")).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parsed.transcript.cues.len(), 1, "{case}");
        assert!(!parsed.diagnostics.is_empty(), "{case}");
    }
}

/// Text as it is compared: white space and invisible marks apart.
fn plain(text: &str) -> String {
    let marks = ['\u{200e}', '\u{200f}'];
    let text: String = text.chars().filter(|c| !marks.contains(c)).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_case_shows_its_text() {
    let Some(root) = root() else { return };
    let (mut checked, mut wrong) = (0, Vec::new());
    let readable = |case: &&String| !WITHOUT_HEADER.contains(&case.as_str()) && !UNCLOSED_TAGS.contains(&case.as_str());
    for case in cases(&root).iter().filter(readable) {
        let shown = root.join("torture_vttjs_expected").join(case.replace(".vtt", "-proc.json"));
        // A node without content stands for a cue with inline times, which that reader could not draw.
        let Some(Value::Array(nodes)) = shown.exists().then(|| json(&shown)) else { continue };
        let Ok(parsed) = try_parsed(&root, &format!("torture_vttjs/{case}")) else { continue };
        checked += 1;
        let expected = nodes.iter().map(|node| plain(node["textContent"].as_str().unwrap_or_default()));
        let expected: Vec<String> = expected.filter(|text| !text.is_empty()).collect();
        let found: Vec<String> = parsed.transcript.cues.iter().map(|cue| plain(&cue.text)).collect();
        // One dash of the example was decoded twice by whoever saved it; it is put right here.
        if expected != found && case != "integration__spec-example.vtt" {
            wrong.push(format!("{case}: {found:?} for {expected:?}"));
        }
    }
    assert!(wrong.is_empty() && checked > 80, "{checked} {wrong:#?}");
}

#[test]
fn text_behind_an_unclosed_tag_is_kept() {
    let Some(root) = root() else { return };
    for case in UNCLOSED_TAGS {
        let parsed = try_parsed(&root, &format!("torture_vttjs/{case}")).unwrap_or_else(|error| panic!("{error}"));
        let text = &parsed.transcript.cues[0].text;
        assert!(text.contains("tree!") || text.contains("awesome!"), "{case}: {text}");
    }
}

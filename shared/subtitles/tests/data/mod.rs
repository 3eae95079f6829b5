//! Real subtitle files, which lie beside the project and not in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use langflix_domain::Cue;
use langflix_subtitles::{DiagnosticKind, Parsed, parse};

/// The folder of real files, or a message that it isn't here.
pub(crate) fn root() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = std::env::var("LANGFLIX_TEST_DATA").unwrap_or_else(|_| beside.to_owned());
    let root = Path::new(&root).join("subs");
    if !root.is_dir() {
        println!("skipped: no real files at {} (set LANGFLIX_TEST_DATA)", root.display());
        return None;
    }
    Some(root)
}

/// What the parser makes of one of them.
#[allow(dead_code, reason = "each test file uses its part of this module")]
pub(crate) fn parsed(root: &Path, name: &str) -> Parsed {
    try_parsed(root, name).unwrap_or_else(|reason| panic!("{reason}"))
}

/// The same for a file that may hold no cue.
pub(crate) fn try_parsed(root: &Path, name: &str) -> Result<Parsed, String> {
    let bytes = fs::read(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    parse(name, &bytes).map_err(|error| error.to_string())
}

/// How many diagnostics of one kind there are.
#[allow(dead_code, reason = "each test file uses its part of this module")]
pub(crate) fn count(parsed: &Parsed, kind: DiagnosticKind) -> usize {
    parsed.diagnostics.iter().filter(|diagnostic| diagnostic.kind == kind).count()
}

/// Start, end and text of every cue.
#[allow(dead_code, reason = "each test file uses its part of this module")]
pub(crate) fn timed(cues: &[Cue]) -> Vec<(i64, i64, &str)> {
    cues.iter().map(|cue| (cue.span.start.as_millis(), cue.span.end.as_millis(), cue.text.as_str())).collect()
}

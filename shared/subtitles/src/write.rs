use std::fmt::Write as _;

use langflix_domain::{MediaTime, Span};

/// A WebVTT file with these cues. Text shows literally, whatever it holds.
pub fn write_vtt<'a>(cues: impl IntoIterator<Item = (Span, &'a str)>) -> String {
    let mut out = String::from("WEBVTT\n");
    for (span, text) in cues {
        let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shows = |c: char| !c.is_control() || c == '\t';
        // A carriage return ends a line as well; an empty line would end the cue, and what follows be a block of its own.
        let lines = text.split(['\n', '\r']).map(|line| line.chars().filter(|c| shows(*c)).collect::<String>());
        let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect();
        if !lines.is_empty() {
            let _infallible =
                write!(out, "\n{} --> {}\n{}\n", vtt_time(span.start), vtt_time(span.end), lines.join("\n"));
        }
    }
    out
}

fn vtt_time(time: MediaTime) -> String {
    let ms = time.as_millis().max(0);
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

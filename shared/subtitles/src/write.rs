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

/// One line to draw into the picture.
#[derive(Clone, Copy, Debug)]
pub struct BurnLine<'a> {
    /// When it shows.
    pub span: Span,
    /// Text in the episode's language, drawn larger.
    pub source: Option<&'a str>,
    /// Its translation, drawn below.
    pub target: Option<&'a str>,
}

/// An ASS script for drawing into a picture of 16:9 or any other shape. Text shows literally, whatever it holds.
pub fn write_ass(lines: &[BurnLine<'_>]) -> String {
    let mut out = String::from(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: 1280\nPlayResY: 720\nWrapStyle: 0\nScaledBorderAndShadow: yes\n\n\
         [V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
         Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
         MarginR, MarginV, Encoding\n\
         Style: Source,sans-serif,44,&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,2.5,0.5,2,60,60,40,-1\n\
         Style: Target,sans-serif,38,&H0080E8FF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,2.5,0.5,2,60,60,40,-1\n\n\
         [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
    );
    for line in lines {
        let styled = |style: &str, text: &str| format!("{{\\r{style}}}{}", ass_text(text));
        let parts: Vec<String> =
            [line.source.map(|text| styled("Source", text)), line.target.map(|text| styled("Target", text))]
                .into_iter()
                .flatten()
                .collect();
        if !parts.is_empty() {
            let (start, end) = (ass_time(line.span.start), ass_time(line.span.end));
            let _infallible = writeln!(out, "Dialogue: 0,{start},{end},Source,,0,0,0,,{}", parts.join("\\N"));
        }
    }
    out
}

/// libass knows no escape for braces in every version, and none for a backslash: a zero-width joiner behind a backslash
/// keeps it from starting a command, and full-width braces stand for braces.
fn ass_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\u{2060}"),
            '{' => out.push('｛'),
            '}' => out.push('｝'),
            '\n' => out.push_str("\\N"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

fn ass_time(time: MediaTime) -> String {
    let cs = time.as_millis().max(0) / 10;
    format!("{}:{:02}:{:02}.{:02}", cs / 360_000, cs / 6000 % 60, cs / 100 % 60, cs % 100)
}

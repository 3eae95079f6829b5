use std::fmt::Write as _;

use langflix_domain::{LanguageTag, MediaTime, Span};
use textwrap::{Options, WordSeparator, WrapAlgorithm, core::display_width, wrap};

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

/// What lines are drawn into, and in which languages they are.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Width and height as the picture is shown, in any unit.
    pub shape: (u32, u32),
    /// The episode's language.
    pub source: &'a LanguageTag,
    /// The language of the translations.
    pub target: &'a LanguageTag,
}

/// The shorter side of every picture, in the units of the script.
const SHORTER: u32 = 720;
/// Free space at either side.
const MARGIN: u32 = 60;
/// Font sizes: heights of lines, of which a letter as wide as it is high takes 7/8 at most.
const SOURCE: u32 = 44;
const TARGET: u32 = 38;
/// A mark that shows nothing and runs from right to left.
const RIGHT_TO_LEFT: char = '\u{200f}';

/// An ASS script for drawing into a picture. Text shows literally, whatever it holds, and within the picture.
pub fn write_ass(picture: Picture<'_>, lines: &[BurnLine<'_>]) -> String {
    let (width, height) = size(picture.shape);
    let mut out = format!(
        "[Script Info]\nScriptType: v4.00+\nPlayResX: {width}\nPlayResY: {height}\nWrapStyle: 0\n\
         ScaledBorderAndShadow: yes\n\n\
         [V4+ Styles]\nFormat: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
         Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, \
         MarginR, MarginV, Encoding\n\
         Style: Source,sans-serif,{SOURCE},&H00FFFFFF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,2.5,0.5,2,\
         {MARGIN},{MARGIN},40,-1\n\
         Style: Target,sans-serif,{TARGET},&H0080E8FF,&H00FFFFFF,&H00000000,&H80000000,0,0,0,0,100,100,0,0,1,2.5,0.5,2,\
         {MARGIN},{MARGIN},40,-1\n\n\
         [Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n",
    );
    let room = width - 2 * MARGIN;
    for line in lines {
        let styled = |style: &str, size: u32, language: &LanguageTag, text: &str| {
            let rows: Vec<String> = text.split('\n').flat_map(|row| broken(row, columns(room, size))).collect();
            let rows: Vec<String> = rows.iter().map(|row| ass_text(row, language.is_right_to_left())).collect();
            format!("{{\\r{style}}}{}", rows.join("\\N"))
        };
        let parts = [
            line.source.map(|text| styled("Source", SOURCE, picture.source, text)),
            line.target.map(|text| styled("Target", TARGET, picture.target, text)),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if !parts.is_empty() {
            let (start, end) = (ass_time(line.span.start), ass_time(line.span.end));
            let _infallible = writeln!(out, "Dialogue: 0,{start},{end},Source,,0,0,0,,{}", parts.join("\\N"));
        }
    }
    out
}

/// The script's own width and height, in the proportion of the picture unless that is absurd.
fn size((width, height): (u32, u32)) -> (u32, u32) {
    let longer = |long: u32, short: u32| {
        let longer = u64::from(SHORTER) * u64::from(long) / u64::from(short.max(1));
        u32::try_from(longer).unwrap_or(u32::MAX).clamp(SHORTER, 4 * SHORTER)
    };
    if width >= height { (longer(width, height), SHORTER) } else { (SHORTER, longer(height, width)) }
}

/// How many columns, of which a letter as wide as it is high takes two, fit into `room`.
fn columns(room: u32, size: u32) -> usize {
    (room * 16 / (size * 7)) as usize
}

/// The rows of a text. libass ends rows at spaces alone, and of its own accord: only what would run out of the picture is
/// broken here, into rows of about the same width.
fn broken(text: &str, columns: usize) -> Vec<String> {
    if text.split(' ').all(|word| display_width(word) <= columns) {
        return vec![text.to_owned()];
    }
    let width = display_width(text);
    // A row may have to end before a letter of two columns, or a mark that cannot begin the next.
    let even = width.div_ceil(width.div_ceil(columns)) + 4;
    let options = Options::new(even.min(columns))
        .word_separator(WordSeparator::UnicodeBreakProperties)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    wrap(text, options).into_iter().map(|row| row.into_owned()).collect()
}

/// libass knows an escape for the brace that opens commands and none for a backslash: a zero-width joiner behind a backslash
/// keeps it from starting a command.
///
/// A row `right_to_left` begins with a mark that says so, since its first letter may be one that does not; brackets stand
/// between such marks, because libass does not tell which bracket belongs to which.
fn ass_text(row: &str, right_to_left: bool) -> String {
    let marked = right_to_left && row.chars().any(is_right_to_left);
    let mut out = String::with_capacity(row.len());
    out.extend(marked.then_some(RIGHT_TO_LEFT));
    for c in row.chars() {
        let mark = (marked && "()[]{}<>«»".contains(c)).then_some(RIGHT_TO_LEFT);
        out.extend(mark);
        match c {
            '\\' => out.push_str("\\\u{2060}"),
            '{' => out.push_str("\\{"),
            c if c.is_control() => {}
            c => out.push(c),
        }
        out.extend(mark);
    }
    out
}

/// Whether it is a letter of a script that runs from right to left: by Unicode's blocks, which hold no other letters.
fn is_right_to_left(c: char) -> bool {
    let block = matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}');
    c.is_alphabetic() && (block || matches!(c, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}'))
}

fn ass_time(time: MediaTime) -> String {
    let cs = time.as_millis().max(0) / 10;
    format!("{}:{:02}:{:02}.{:02}", cs / 360_000, cs / 6000 % 60, cs / 100 % 60, cs % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> LanguageTag {
        text.parse().unwrap()
    }

    fn texts(language: &str, shape: (u32, u32), text: &str) -> Vec<String> {
        let line = BurnLine { span: Span::from_millis(0, 1000), source: None, target: Some(text) };
        let script = write_ass(Picture { shape, source: &tag("en"), target: &tag(language) }, &[line]);
        let text = script.trim_end().rsplit("{\\rTarget}").next().unwrap();
        text.split("\\N").map(str::to_owned).collect()
    }

    #[test]
    fn a_text_without_spaces_is_broken_where_its_script_allows_it() {
        let text = "昨日の夜はずっと雨が降っていたので、私たちは家で映画を見て、それから温かいお茶を飲みながら長い話をしました。";
        let wide = texts("ja", (1920, 1080), text);
        assert_eq!((wide.len(), wide.concat().as_str()), (2, text));
        assert!(wide[0].chars().count().abs_diff(wide[1].chars().count()) <= 5, "{wide:?}");
        for (shape, rows) in [((640, 480), 3), ((1080, 1920), 3)] {
            let narrow = texts("ja", shape, text);
            assert_eq!((narrow.len(), narrow.concat().as_str()), (rows, text), "{narrow:?}");
            assert!(narrow.iter().all(|row| !row.starts_with(['、', '。', 'っ', 'ー'])), "{narrow:?}");
        }
        assert_eq!(texts("ko", (1280, 720), "막차를 또 놓쳤어"), ["막차를 또 놓쳤어"]);
        let latin = "They never told us that it would take the whole night to get there and back again, ".repeat(3)
            + "they say";
        assert_eq!(texts("de", (1280, 720), &latin), [latin], "libass breaks it at its spaces");
    }

    #[test]
    fn rows_that_run_from_right_to_left_say_so_and_keep_their_brackets() {
        let m = RIGHT_TO_LEFT;
        assert_eq!(texts("he", (1280, 720), "IBM היא חברה.\nOK."), [format!("{m}IBM היא חברה."), "OK.".to_owned()]);
        assert_eq!(texts("ar", (1280, 720), "نعم (abc)."), [format!("{m}نعم {m}({m}abc{m}){m}.")]);
        assert_eq!(texts("fr", (1280, 720), "(שלום)"), ["(שלום)"]);
    }

    #[test]
    fn a_script_has_the_shape_of_its_picture() {
        for (shape, expected) in [
            ((1920, 1080), (1280, 720)),
            ((640, 480), (960, 720)),
            ((1080, 1920), (720, 1280)),
            ((4096, 16), (2880, 720)),
            ((0, 0), (720, 720)),
        ] {
            assert_eq!(size(shape), expected, "{shape:?}");
        }
    }
}

use langflix_domain::MediaTime;

/// What a line of SubRip or WebVTT is.
pub(crate) enum TimingLine {
    /// A timing line that says when a cue is shown.
    Timing(Timing),
    /// A timing line that cannot be read.
    Unreadable,
    /// Anything else.
    Text,
}

/// Both times of a timing line; one of them may be missing in SubRip.
#[derive(Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) start: Option<MediaTime>,
    pub(crate) end: Option<MediaTime>,
    /// Whether it is written as its format wants it.
    pub(crate) regular: bool,
}

/// Whose rules hold for a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Srt,
    Vtt,
    Ass,
}

/// What is written for `-->` by mistake or by a machine that translates.
const ODD_ARROWS: [&str; 6] = ["->", "--&gt;", "-- >", "—>", "–>", "→"];

/// Reads a line that may be a timing line.
pub(crate) fn read(line: &str, dialect: Dialect) -> TimingLine {
    let Some((left, right, exact)) = split_arrow(line) else { return TimingLine::Text };
    let ends_in_space = left.ends_with([' ', '\t']) && right.starts_with([' ', '\t']);
    let (left, right) = (left.trim(), right.trim());
    let start = scan(left, dialect).filter(|scanned| scanned.rest.is_empty());
    let end = scan(right, dialect).filter(|scanned| !scanned.rest.starts_with(['.', ',', ':']));
    let one_blank = dialect == Dialect::Srt && (left.is_empty() != right.is_empty());
    match (start, end) {
        (Some(start), Some(end)) => {
            let settings = if dialect == Dialect::Vtt { end.rest.starts_with([' ', '\t']) } else { false };
            let ends_well = end.rest.is_empty() || settings;
            let regular = exact && ends_in_space && ends_well && start.regular && end.regular;
            TimingLine::Timing(Timing { start: Some(start.time), end: Some(end.time), regular })
        }
        (Some(start), None) if one_blank => {
            TimingLine::Timing(Timing { start: Some(start.time), end: None, regular: false })
        }
        (None, Some(end)) if one_blank => {
            TimingLine::Timing(Timing { start: None, end: Some(end.time), regular: false })
        }
        // An arrow between words is speech in SubRip; WebVTT knows it in no other line.
        _ if (exact || line.contains("-->")) && (dialect == Dialect::Vtt || like_time(left) || like_time(right)) => {
            TimingLine::Unreadable
        }
        _ => TimingLine::Text,
    }
}

fn like_time(side: &str) -> bool {
    side.is_empty() || side.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit())
}

/// The part of a line before and after its arrow, and whether that is the right one.
fn split_arrow(line: &str) -> Option<(&str, &str, bool)> {
    if let Some((left, right)) = line.split_once("-->") {
        let short = left.trim_end_matches('-');
        return Some((short, right, short.len() == left.len()));
    }
    if !line.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        return None;
    }
    let (left, right) = ODD_ARROWS.iter().find_map(|arrow| line.split_once(arrow))?;
    Some((left.trim_end_matches(['-', ' ', '–', '—']), right, false)).filter(|(left, _, _)| left.contains(':'))
}

struct Scanned<'a> {
    time: MediaTime,
    regular: bool,
    rest: &'a str,
}

/// Reads `[-][H:]MM:SS[.,]mmm` with any number of digits in each field and spaces around the marks; a fraction's digits
/// count from the left.
fn scan(text: &str, dialect: Dialect) -> Option<Scanned<'_>> {
    let (negative, mut rest) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut fields: Vec<&str> = Vec::with_capacity(4);
    let mut spaced = false;
    loop {
        let (digits, after) = rest.split_at(rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len()));
        if digits.is_empty() || digits.len() > 9 || fields.len() == 4 {
            return None;
        }
        fields.push(digits);
        rest = after;
        let Some(next) = mark(rest, &[':', '：']) else { break };
        spaced |= !rest.starts_with(':') || !next.starts_with(|c: char| c.is_ascii_digit());
        rest = next.trim_start();
    }
    let mut fraction = None;
    if let Some(next) = mark(rest, &['.', ',', '，', '．']) {
        let after = next.trim_start();
        let (digits, after) = after.split_at(after.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(after.len()));
        fraction = Some((rest.chars().next().unwrap_or_default(), digits));
        rest = after;
    } else if fields.len() == 4 && dialect != Dialect::Vtt && (2..=3).contains(&fields[3].len()) {
        // `H:MM:SS:mmm` and `H:MM:SS:cc` are written by some tools.
        fraction = fields.pop().map(|digits| (':', digits));
    }
    let millis = total(&fields, fraction.map(|(_, digits)| digits), dialect)?;
    let wanted = if dialect == Dialect::Srt { ',' } else { '.' };
    let hours = fields.len() == 3 && fields[0].len() >= 2 || dialect == Dialect::Vtt;
    let pairs = fields[1..].iter().all(|field| field.len() == 2);
    let written = fraction.is_some_and(|(mark, digits)| mark == wanted && digits.len() == 3);
    let regular = !negative && !spaced && hours && pairs && written;
    Some(Scanned { time: MediaTime::from_millis(if negative { -millis } else { millis }), regular, rest })
}

/// What follows one of `marks`, white space before it apart.
fn mark<'a>(text: &'a str, marks: &[char]) -> Option<&'a str> {
    let next = text.trim_start().strip_prefix(marks)?;
    next.trim_start().starts_with(|c: char| c.is_ascii_digit()).then_some(next)
}

fn total(fields: &[&str], fraction: Option<&str>, dialect: Dialect) -> Option<i64> {
    if !(2..=3).contains(&fields.len()) {
        return None;
    }
    let mut seconds: i64 = 0;
    for field in fields {
        seconds = seconds.checked_mul(60)?.checked_add(field.parse().ok()?)?;
    }
    if dialect == Dialect::Vtt {
        // WebVTT's parser refuses these, and takes a first field beyond 59 for hours.
        if fraction.is_some_and(|digits| digits.len() < 3) || fields[1..].iter().any(|field| field.len() != 2) {
            return None;
        }
        if let [first, _] = fields
            && first.parse::<u32>().is_ok_and(|first| first > 59)
        {
            seconds = seconds.checked_mul(60)?;
        }
    }
    let digits = fraction.unwrap_or_default().bytes().chain(*b"000").take(3);
    let millis = digits.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0'));
    seconds.checked_mul(1000)?.checked_add(millis)
}

/// Reads a time of SubStation Alpha.
pub(crate) fn ass_time(text: &str) -> Option<MediaTime> {
    scan(text.trim(), Dialect::Ass).filter(|scanned| scanned.rest.is_empty()).map(|scanned| scanned.time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str, dialect: Dialect) -> Option<i64> {
        scan(text, dialect).filter(|scanned| scanned.rest.is_empty()).map(|scanned| scanned.time.as_millis())
    }

    #[test]
    fn times_are_read_in_every_form_that_is_met() {
        for (text, expected) in [
            ("00:00:06,971", 6_971),
            ("0:0:6.9", 6_900),
            ("00:02", 2_000),
            ("100:00:00,000", 360_000_000),
            ("00:00:01,2345678", 1_234),
            ("-0:00:04,567", -4_567),
            ("00:00:01:500", 1_500),
            ("00: 00: 01, 500", 1_500),
            ("00：00：01，500", 1_500),
        ] {
            assert_eq!(millis(text, Dialect::Srt), Some(expected), "{text}");
        }
        for text in ["", "5", "0.0.0", "00:00.000.1", "a:b", "99999999999:00", "1:2:3:4", "1:2:3:4:5"] {
            assert_eq!(millis(text, Dialect::Srt), None, "{text}");
        }
    }

    #[test]
    fn webvtt_takes_what_its_own_parser_takes() {
        assert_eq!(millis("00:00.00", Dialect::Vtt), None);
        assert_eq!(millis("00:000.000", Dialect::Vtt), None);
        assert_eq!(millis("120:00.000", Dialect::Vtt), Some(432_000_000));
        assert_eq!(millis("00:01", Dialect::Vtt), Some(1_000));
    }

    fn timing(line: &str, dialect: Dialect) -> Option<(Option<i64>, Option<i64>, bool)> {
        match read(line, dialect) {
            TimingLine::Timing(Timing { start, end, regular }) => {
                Some((start.map(MediaTime::as_millis), end.map(MediaTime::as_millis), regular))
            }
            _ => None,
        }
    }

    #[test]
    fn timing_lines_are_read_with_any_arrow_and_trailing_coordinates() {
        for line in [
            "00:01,000-->00:02,000",
            "00:01.000-->00:02.000align:left",
            "00:00:01,000 -> 00:00:02,000  X1:1 X2:2",
            "00:00:01,000 --> 00:00:02,000 X1:1",
            "00:00:01,000 - -> 00:00:02,000",
            "00:00:01,000 --&gt; 00:00:02,000",
            "00:00:01,000 → 00:00:02,000",
            "00:00:01,000 ---> 00:00:02,000",
            "0:00:01,000 --> 0:00:02,000",
        ] {
            assert_eq!(timing(line, Dialect::Srt), Some((Some(1000), Some(2000), false)), "{line}");
        }
        let regular = Some((Some(1000), Some(2000), true));
        assert_eq!(timing("00:00:01,000 --> 00:00:02,000", Dialect::Srt), regular);
        assert_eq!(timing("00:01.000 --> 00:02.000 align:start", Dialect::Vtt), regular);
    }

    #[test]
    fn half_a_timing_line_keeps_the_time_that_it_has() {
        assert_eq!(timing("--> 00:00:02,000", Dialect::Srt), Some((None, Some(2000), false)));
        assert_eq!(timing("00:00:02,000 -->", Dialect::Srt), Some((Some(2000), None, false)));
        assert_eq!(timing("00:02.000 -->", Dialect::Vtt), None);
    }

    #[test]
    fn an_arrow_in_speech_is_speech() {
        for line in ["look --> there", "<- this one", "3 -> 4", "- and then -> that"] {
            assert!(matches!(read(line, Dialect::Srt), TimingLine::Text), "{line}");
        }
        assert!(matches!(read("00:00:06,789 --> soon", Dialect::Srt), TimingLine::Unreadable));
        assert!(matches!(read("-->", Dialect::Srt), TimingLine::Unreadable));
    }
}

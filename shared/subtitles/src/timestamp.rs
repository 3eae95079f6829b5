use langflix_domain::MediaTime;

/// Both times of a timing line and whether it is written as its format wants it.
pub(crate) struct Timing {
    pub(crate) start: MediaTime,
    pub(crate) end: MediaTime,
    pub(crate) regular: bool,
}

/// The part of a line before and after its arrow; `->` and `- ->` are taken for `-->`.
pub(crate) fn split_arrow(line: &str) -> Option<(&str, &str, bool)> {
    if let Some((left, right)) = line.split_once("-->") {
        return Some((left, right, true));
    }
    let (left, right) = line.split_once("->")?;
    let starts_with_time = left.trim_start().starts_with(|c: char| c.is_ascii_digit() || c == '-');
    (starts_with_time && left.contains(':')).then_some((left, right, false))
}

/// Reads a whole timing line.
pub(crate) fn timing(line: &str) -> Option<Timing> {
    let (left, right, arrow) = split_arrow(line)?;
    let right = right.trim_start();
    // What follows the second time (cue settings, coordinates) may touch it.
    let end_length = right.find(|c: char| !is_time_char(c)).unwrap_or(right.len());
    let (start, start_regular) = time(left.trim())?;
    let (end, end_regular) = time(right.get(..end_length)?)?;
    Some(Timing { start, end, regular: arrow && start_regular && end_regular })
}

fn is_time_char(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ':' | '.' | ',' | '-')
}

/// Reads `[-][H:]MM:SS[.,]mmm` with any number of digits in each field; a fraction's digits count from the left.
pub(crate) fn time(text: &str) -> Option<(MediaTime, bool)> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (clock, fraction) = match text.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut fields = clock.split(':');
    let mut seconds: i64 = 0;
    let mut count = 0;
    for field in fields.by_ref() {
        if field.is_empty() || field.len() > 9 || !field.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        seconds = seconds.checked_mul(60)?.checked_add(field.parse().ok()?)?;
        count += 1;
    }
    if !(2..=3).contains(&count) {
        return None;
    }
    let millis = fraction.map_or(Some(0), fraction_millis)?;
    let total = seconds.checked_mul(1000)?.checked_add(millis)?;
    let regular = fraction.is_some_and(|digits| digits.len() == 3) && !negative;
    Some((MediaTime::from_millis(if negative { -total } else { total }), regular))
}

fn fraction_millis(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let padded: String = digits.chars().chain("000".chars()).take(3).collect();
    padded.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_form_that_is_met() {
        for (text, millis) in [
            ("00:00:06,971", 6_971),
            ("0:0:6.9", 6_900),
            ("00:02", 2_000),
            ("100:00:00,000", 360_000_000),
            ("00:00:01,2345678", 1_234),
            ("-0:00:04,567", -4_567),
        ] {
            assert_eq!(time(text).unwrap().0.as_millis(), millis, "{text}");
        }
        for text in ["", "5", "0.0.0", "00:00.000.1", "a:b", "99999999999:00", "1:2:3:4"] {
            assert!(time(text).is_none(), "{text}");
        }
    }

    #[test]
    fn timing_lines_are_read_with_any_arrow_and_trailing_coordinates() {
        for line in ["00:01,000 --> 00:02,000", "00:01.000-->00:02.000align:left", "00:01,000 -> 00:02,000  X1:1 X2:2"]
        {
            let timing = timing(line).unwrap();
            assert_eq!((timing.start.as_millis(), timing.end.as_millis()), (1000, 2000), "{line}");
        }
        assert!(timing("look --> there").is_none());
    }
}

use std::ops::Range;

use axum::http::{HeaderMap, HeaderName, header};

/// What of a file is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it; also where more than one part is, which nobody has to answer in parts.
    All,
    /// These bytes.
    Part(Range<u64>),
    /// None that it has.
    Beyond,
}

/// What is asked for of a file with that tag and of that size.
pub(super) fn range_of(headers: &HeaderMap, etag: &str, bytes: u64) -> Asked {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let same = text(header::IF_RANGE).is_none_or(|known| known == etag);
    let range = text(header::RANGE).filter(|_| same).and_then(|range| range.trim().strip_prefix("bytes="));
    range.and_then(|range| part(range.trim(), bytes)).unwrap_or(Asked::All)
}

/// `None` where it is no single range.
fn part(range: &str, bytes: u64) -> Option<Asked> {
    let (first, last) = range.split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let range = match (first, last) {
        ("", last) => bytes.saturating_sub(number(last)?)..bytes,
        (first, "") => number(first)?..bytes,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(bytes)
        }
    };
    Some(if range.start < range.end { Asked::Part(range) } else { Asked::Beyond })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, if_range: Option<&str>) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        headers.extend(if_range.map(|tag| (header::IF_RANGE, tag.parse().unwrap())));
        range_of(&headers, "\"tag\"", 100)
    }

    #[test]
    fn a_single_range_is_taken_as_far_as_the_file_goes() {
        for (range, part) in [
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=10-19", Asked::Part(10..20)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=100-", Asked::Beyond),
            ("bytes=100-200", Asked::Beyond),
            ("bytes=-0", Asked::Beyond),
        ] {
            assert_eq!(asked(range, None), part, "{range}");
            assert_eq!(asked(range, Some("\"tag\"")), part, "{range}");
            assert_eq!(asked(range, Some("\"old\"")), Asked::All, "{range}");
        }
    }

    #[test]
    fn what_is_no_range_is_all_of_the_file() {
        for range in [
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=9-1",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(asked(range, None), Asked::All, "{range}");
        }
        assert_eq!(range_of(&HeaderMap::new(), "\"tag\"", 100), Asked::All);
    }
}

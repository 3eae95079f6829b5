//! How long to wait, as a server's headers say it.

use std::time::{Duration, SystemTime};

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The wait that a 429 asks for: `retry-after-ms`, `Retry-After`, or the reset of the budget that is used up.
pub(super) fn wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let exact = text("retry-after-ms").and_then(|ms| seconds(ms, 1000.0));
    exact.or_else(|| text(RETRY_AFTER.as_str()).and_then(|value| retry_after(value, now))).or_else(|| {
        let reset = |what: &str| text(&format!("x-ratelimit-reset-{what}")).and_then(duration);
        let used_up = |what: &str| text(&format!("x-ratelimit-remaining-{what}")) == Some("0");
        let of_used_up = ["requests", "tokens"].into_iter().filter(|what| used_up(what)).filter_map(reset).max();
        // With both budgets above zero it is the tokens that this request was too large for.
        of_used_up.or_else(|| reset("tokens"))
    })
}

/// `Retry-After` in seconds or as a date; a date in the past is no wait.
fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    seconds(value, 1.0).or_else(|| {
        let at = httpdate::parse_http_date(value).ok()?;
        Some(at.duration_since(now).unwrap_or(Duration::ZERO))
    })
}

fn seconds(number: &str, per_second: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number.parse::<f64>().ok()? / per_second).ok()
}

/// A duration as Go writes it: `6m0s`, `1h2m3.5s`, `120ms`; a bare number is seconds.
fn duration(text: &str) -> Option<Duration> {
    if let Some(bare) = seconds(text, 1.0) {
        return Some(bare);
    }
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let per_second = match unit {
            "d" => 1.0 / 86_400.0,
            "h" => 1.0 / 3600.0,
            "m" => 1.0 / 60.0,
            "s" => 1.0,
            "ms" => 1e3,
            "us" | "µs" => 1e6,
            "ns" => 1e9,
            _ => return None,
        };
        total = total.checked_add(seconds(number, per_second)?)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn wait_of(headers: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect();
        // 1994-11-06 08:49:37 UTC, the example of RFC 9110.
        wait(&headers, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        assert_eq!(wait_of(&[("retry-after", "20")]), Some(Duration::from_secs(20)));
        assert_eq!(wait_of(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(Duration::from_secs(60)));
        assert_eq!(wait_of(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
        assert_eq!(wait_of(&[("retry-after-ms", "1500"), ("retry-after", "2")]), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn the_reset_of_the_used_up_budget_counts() {
        let resets = [("x-ratelimit-reset-requests", "1s"), ("x-ratelimit-reset-tokens", "6m0s")];
        let with =
            |remaining: [(&'static str, &'static str); 2]| wait_of(&[resets[0], resets[1], remaining[0], remaining[1]]);
        let [requests, tokens] = ["x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens"];
        assert_eq!(with([(requests, "0"), (tokens, "900")]), Some(Duration::from_secs(1)));
        assert_eq!(with([(requests, "0"), (tokens, "0")]), Some(Duration::from_secs(360)));
        assert_eq!(with([(requests, "9"), (tokens, "900")]), Some(Duration::from_secs(360)));
    }

    #[test]
    fn durations_are_read_as_servers_write_them() {
        for (text, ms) in [
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("120ms", 120),
            ("1s", 1_000),
            ("7.66s", 7_660),
            ("12", 12_000),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for wrong in ["", "soon", "6", "m", "6x", "-1s", "1e999s", "..s", "6m0"].iter().filter(|text| **text != "6") {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn without_a_hint_there_is_no_wait() {
        assert_eq!(wait_of(&[]), None);
        assert_eq!(wait_of(&[("retry-after", "later")]), None);
    }
}

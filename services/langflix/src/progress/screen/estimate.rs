//! How a time that is not known exactly is said.

use std::time::Duration;

/// `about 12 min`, no more precise than anybody can tell.
pub(super) fn about(time: Duration) -> String {
    let minutes = time.as_secs_f64() / 60.0;
    let to = |step: f64| (minutes / step).round() * step;
    match minutes {
        minutes if minutes < 1.0 => "less than a minute".to_owned(),
        minutes if minutes < 20.0 => format!("about {:.0} min", to(1.0)),
        minutes if minutes < 87.5 => format!("about {:.0} min", to(5.0)),
        minutes if minutes < 285.0 => format!("about {} h", to(30.0) / 60.0),
        minutes if minutes < 48.0 * 60.0 => format!("about {:.0} h", to(60.0) / 60.0),
        _ => format!("about {:.0} days", to(24.0 * 60.0) / 1440.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_no_more_precise_than_it_can_be() {
        let said = |seconds| about(Duration::from_secs(seconds));
        assert_eq!(said(20), "less than a minute");
        assert_eq!(said(61), "about 1 min");
        assert_eq!(said(12 * 60 + 20), "about 12 min");
        assert_eq!(said(43 * 60), "about 45 min");
        assert_eq!(said(88 * 60), "about 1.5 h");
        assert_eq!(said(5 * 3600 + 900), "about 5 h");
        assert_eq!(said(75 * 3600), "about 3 days");
    }
}

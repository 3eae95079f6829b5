use std::{num::NonZeroU32, time::Duration};

use clap::Args;

use super::episodes::Setting;

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  Ten seasons by tomorrow, on nodes that encode a clip in four seconds and cost 0.95 an hour:
    langflix plan --seasons 10 --episodes-per-season 24 --clips-per-second 0.25 --within 3h \\
      --price 0.95
  The same where the model's provider takes 60 requests a minute:
    langflix plan --episodes 240 --clips-per-second 0.25 --within 3h --price 0.95 \\
      --chunks-per-episode 30 --requests-per-minute 60

Clips per second are measured for each kind of node: deploy/capacity.md says how. A node is paid
for from the moment it is asked for until all is done.

Exit codes: 0 can be done, 1 no number of nodes is enough, 64 wrong usage.";

/// More than all that was ever broadcast.
const MOST_EPISODES: u32 = 1_000_000;
const DAY: Duration = Duration::from_hours(24);

#[derive(Debug, Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct PlanArgs {
    /// Episodes that are to be done.
    #[arg(long, value_name = "N", required_unless_present = "seasons", conflicts_with = "seasons", value_parser = count)]
    episodes: Option<NonZeroU32>,
    /// Seasons that are to be done, all as long as each other.
    #[arg(long, value_name = "N", requires = "episodes_per_season", value_parser = count)]
    seasons: Option<NonZeroU32>,
    /// Episodes of each season.
    #[arg(long, value_name = "M", requires = "seasons", value_parser = count)]
    episodes_per_season: Option<NonZeroU32>,
    /// Clips of each episode [default: processing.max_expressions, which is 20].
    #[arg(long, value_name = "N")]
    clips_per_episode: Option<String>,

    /// Clips that one node was seen to encode in a second, such as 1.5.
    #[arg(long, value_name = "RATE", value_parser = thousandths)]
    pub(crate) clips_per_second: NonZeroU32,
    /// When all must be done, such as 12h, 90m or 1d12h.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = limit)]
    pub(crate) within: Duration,
    /// What one node costs an hour, in any currency; without it no cost is told.
    #[arg(long, value_name = "NUMBER", value_parser = millionths)]
    pub(crate) price: Option<u64>,
    /// From the moment that a node is asked for until it takes its first clip.
    #[arg(long, value_name = "TIME", default_value = "5m", allow_hyphen_values = true, value_parser = start)]
    pub(crate) node_start: Duration,

    /// Subtitle chunks of each episode, to count the analysis in; CHUNKS of `langflix status`.
    #[arg(long, value_name = "N", value_parser = count)]
    pub(crate) chunks_per_episode: Option<NonZeroU32>,
    /// Requests a minute that the model's provider takes [default: llm.requests_per_minute].
    #[arg(long, value_name = "N", requires = "chunks_per_episode")]
    requests_per_minute: Option<String>,

    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl PlanArgs {
    pub(crate) fn settings(&self) -> Vec<Setting> {
        let given = [
            ("processing.max_expressions", "--clips-per-episode", &self.clips_per_episode),
            ("llm.requests_per_minute", "--requests-per-minute", &self.requests_per_minute),
        ];
        given.into_iter().filter_map(|(key, flag, value)| Some((key, value.clone()?, flag))).collect()
    }

    /// All episodes; why not where they are too many.
    pub(crate) fn episodes(&self) -> Result<NonZeroU32, String> {
        let one = NonZeroU32::MIN;
        let (seasons, each) = (self.seasons.unwrap_or(one), self.episodes_per_season.unwrap_or(one));
        let episodes = self.episodes.or_else(|| seasons.checked_mul(each));
        episodes.filter(|episodes| episodes.get() <= MOST_EPISODES).ok_or_else(|| {
            format!("{seasons} seasons of {each} episodes are too many: {MOST_EPISODES} episodes at most")
        })
    }
}

fn count(text: &str) -> Result<NonZeroU32, String> {
    let number = text.parse().ok().filter(|number: &NonZeroU32| number.get() <= MOST_EPISODES);
    number.ok_or_else(|| format!("a whole number from 1 to {MOST_EPISODES} is allowed"))
}

fn thousandths(text: &str) -> Result<NonZeroU32, String> {
    let number = decimal(text, 1000.0, 1000.0).and_then(|number| u32::try_from(number).ok());
    number.and_then(NonZeroU32::new).ok_or_else(|| "a number from 0.001 to 1000 is allowed".to_owned())
}

fn millionths(text: &str) -> Result<u64, String> {
    let number = decimal(text, 1_000_000.0, 1e6).filter(|number| *number > 0);
    number.ok_or_else(|| "a number from 0.000001 to 1000000 is allowed".to_owned())
}

/// A decimal number of at most `most`, in whole parts of which there are so many in one.
fn decimal(text: &str, parts: f64, most: f64) -> Option<u64> {
    let number: f64 = text.parse().ok().filter(|number| (0.0..=most).contains(number))?;
    Some((number * parts).round() as u64)
}

fn limit(text: &str) -> Result<Duration, String> {
    let time = time(text).filter(|time| (Duration::from_secs(1)..=DAY * 365).contains(time));
    time.ok_or_else(|| "a time such as 12h, 90m or 1d12h is allowed, from 1s to 365d".to_owned())
}

fn start(text: &str) -> Result<Duration, String> {
    let time = time(text).filter(|time| *time <= DAY);
    time.ok_or_else(|| "a time such as 5m or 1m30s is allowed, from 0s to 1d".to_owned())
}

/// Whole numbers, each with a unit: days, hours, minutes and seconds.
fn time(text: &str) -> Option<Duration> {
    let mut seconds = 0_u64;
    let mut rest = text;
    while let Some(end) = rest.find(|letter: char| !letter.is_ascii_digit()) {
        let (number, unit) = rest.split_at(end);
        let unit_seconds = match unit.chars().next()? {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        seconds = seconds.checked_add(number.parse::<u64>().ok()?.checked_mul(unit_seconds)?)?;
        rest = unit.get(1..)?;
    }
    (rest.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_and_its_unit_once_or_more() {
        let seconds = |text| time(text).map(|time| time.as_secs());
        assert_eq!(["12h", "90m", "1d12h", "0s", "1m30s"].map(seconds), [43_200, 5400, 129_600, 0, 90].map(Some));
        for wrong in
            ["", "12", "h", "1h30", "-1h", "1.5h", "12 h", "1w", "99999999999999999999s", "999999999999999999d"]
        {
            assert_eq!(time(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_decimal_number_is_kept_in_whole_parts() {
        assert_eq!(thousandths("1.5").unwrap().get(), 1500);
        assert_eq!(millionths("0.95").unwrap(), 950_000);
        for wrong in ["0", "0.0004", "-1", "1000.1", "nan", "inf", "1e300", "1,5", ""] {
            assert!(thousandths(wrong).is_err(), "{wrong:?}");
        }
    }
}

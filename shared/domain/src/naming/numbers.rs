use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::title;

/// An episode's number, where the text before it ends, and the season if it stands beside it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) at: usize,
    pub(super) season: Option<u16>,
    pub(super) episode: u16,
}

/// A season's number, `None` for a range of seasons, and where the text before it ends.
pub(super) struct SeasonToken {
    pub(super) at: usize,
    pub(super) season: Option<u16>,
}

#[expect(clippy::expect_used, reason = "the pattern is a constant: it compiles, or every test of this module fails")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a well-formed pattern")
}

macro_rules! patterns {
    ($($name:ident = $text:expr;)*) => { $(static $name: LazyLock<Regex> = LazyLock::new(|| pattern($text));)* };
}

// Each begins with what may stand before it, since the engine looks neither behind nor ahead; group 1 is where the text
// before ends. Letters of other scripts may touch: "더글로리S01E01".
patterns! {
    SEASON_EPISODE = r"(?i)(?:^|[^0-9a-z])(s)([0-9]{1,4})[\s._-]*x?(?:episode|ep|e)[\s._-]*([0-9]{1,4})(?:$|[^0-9])";
    CROSS = r"(?i)(?:^|[^0-9a-z])()([0-9]{1,2})x([0-9]{2,3})(?:$|[^0-9a-z]|x[0-9]|v[0-9])";
    MARKED = r"(?ix)(?:^|[^0-9a-z]) ()
        (?:(?:episode|eps|ep|folge|épisode|episodio|episódio|capítulo|capitulo|серия|эпизод|bölüm)[\s._-]*([0-9]{1,4})
        |e([0-9]{2,4})) (?:v[0-9])? (?:$|[^0-9a-z]|e[0-9])";
    COUNTED = r"()第\s*([0-9]{1,4})\s*[話话集回화회]|()([0-9]{1,4})\s*[화회](?:$|[^\p{L}])|()([0-9]{1,4})[\s._-]*сери[яи]";
    DASHED = r"(?i)([\s._]+[-–—][\s._]+)([0-9]{1,4})(?:v[0-9])?(?:$|[^0-9a-z])";
    LEADING = r"(?i)^()([0-9]{1,4})(?:v[0-9])?(?:$|[\s._-])";
    LEADING_PARTED = r"(?i)^()([0-9]{1,4})(?:v[0-9])?(?:$|[\s._]+[-–—][\s._]|\.\s)";
    RANGE = r"(?ix)(?:^|[^a-z]) (?:e|ep|episode|x)[\s._]*([0-9]{1,4})
        (?: [-–~] | [\s._]*[-–~]?[\s._]*(?:ep|e) | (?:-[0-9]{1,2})?x ) ([0-9]{1,4}) (?:$|[^0-9a-z])";
    PART = r"(?i)(?:^|[^0-9a-z])(?:part|pt|volume|vol|chapter|cd|disc)[\s._-]*$";
    TRAILING = r"(?i)(?:[\s_-]|[^0-9]\.)()([0-9]{1,4})(?:v[0-9])?$";
    SEASON = r"(?ix)(?:^|[^0-9a-z]) ()
        (?: s([0-9]{1,2}|(?:19|20)[0-9]{2}) (?:$|[^0-9a-z])
        | (?:season|series|staffel|saison|temporada|stagione|seizoen|sezonul|sezon|säsong|sæson|sesong|сезон|시즌|シーズン)
          [\s._-]*([0-9]{1,4}) (?:$|[^0-9])
        | ([0-9]{1,2})(?:st|nd|rd|th)[\s._-]+season
        | ([0-9]{1,2})\.?[\s._-]*(?:сезон|sezon|staffel|évad|시즌)
        | 第([0-9]{1,2})[季期] )";
    MORE_SEASONS = r"(?i)^(?:-s?[0-9]{1,2}(?:$|[^0-9a-z])|\s*(?:-|–|to|and|&|\+|,)\s*s[0-9])";
}

fn digits<'t>(captures: &Captures<'t>, from: usize) -> Option<&'t str> {
    (from..captures.len()).filter_map(|group| captures.get(group)).map(|m| m.as_str()).find(|text| !text.is_empty())
}

fn start(captures: &Captures<'_>) -> usize {
    captures.iter().skip(1).flatten().next().map_or(0, |m| m.start())
}

/// A number that the name marks as an episode's.
pub(super) fn find_explicit(text: &str) -> Option<Numbers> {
    for both in [&SEASON_EPISODE, &CROSS] {
        if let Some(found) = both.captures(text) {
            let season = found.get(2)?.as_str().parse().ok();
            return Some(Numbers { at: start(&found), season, episode: found.get(3)?.as_str().parse().ok()? });
        }
    }
    let found = MARKED.captures(text).or_else(|| COUNTED.captures(text))?;
    Some(Numbers { at: start(&found), season: None, episode: digits(&found, 1)?.parse().ok()? })
}

/// The last of several episodes in one name, as in `S01E01-E02`.
pub(super) fn last_of_several(text: &str) -> Option<u16> {
    RANGE.captures(text)?.get(2)?.as_str().parse().ok()
}

/// A number that is an episode's by its mark, or else by its place. `folder_season` and `folder_show` are what the
/// folders above say.
pub(super) fn find(text: &str, folder_season: Option<u16>, folder_show: Option<&str>) -> Option<Numbers> {
    find_explicit(text).or_else(|| {
        let context = Context { text, group: title::has_group(text), season: folder_season, show: folder_show };
        // In a season's folder the leading number is the episode's, whatever numbers its title holds.
        let first = if folder_season.is_some() { context.leading(&LEADING_PARTED) } else { None };
        let named = || first.or_else(|| context.dashed()).or_else(|| context.trailing());
        named().or_else(|| context.leading(if folder_season.is_some() { &LEADING } else { &LEADING_PARTED }))
    })
}

struct Context<'t> {
    text: &'t str,
    /// Whether a release group leads the name.
    group: bool,
    season: Option<u16>,
    show: Option<&'t str>,
}

impl Context<'_> {
    fn read(&self, found: &Captures<'_>) -> Option<Numbers> {
        let at = start(found);
        let number = found.get(2)?;
        let rest = self.text.get(number.end()..).unwrap_or_default();
        if is_half_episode(rest) {
            return None;
        }
        let before = self.text.get(..at).unwrap_or_default();
        let season = season_token(before).map_or(self.season, |token| token.season);
        let (season, episode) = plain(number.as_str(), season, self.group)?;
        Some(Numbers { at, season, episode })
    }

    /// The first number after a spaced hyphen. A single digit there may begin a title, unless it stands alone.
    fn dashed(&self) -> Option<Numbers> {
        let mut from = 0;
        // Not `captures_iter`: the space behind one number stands before the next hyphen.
        while let Some(found) = DASHED.captures_at(self.text, from) {
            let number = found.get(2)?;
            from = number.end();
            let rest = self.text.get(from..).unwrap_or_default().trim_start_matches([' ', '.', '_']);
            let alone = rest.is_empty() || rest.starts_with(['-', '–', '—', '[', '(', 'v', 'V']);
            let read = if number.len() > 1 || alone { self.read(&found) } else { None };
            if read.is_some() {
                return read;
            }
        }
        None
    }

    /// The number that the name begins with, unless the show's name does.
    fn leading(&self, pattern: &Regex) -> Option<Numbers> {
        if self.show.is_some_and(|show| super::begins_with_show(self.text, show)) {
            return None;
        }
        pattern.captures(self.text).and_then(|found| self.read(&found))
    }

    /// The last word of the title, where it follows the name of the show's folder or a release group leads.
    fn trailing(&self) -> Option<Numbers> {
        let body = title::before_release(self.text).trim_end_matches([' ', '.', '_', '-', '[', '(']);
        let found = TRAILING.captures(body)?;
        let before = body.get(..start(&found)).unwrap_or_default();
        let after_show = match (self.show, title::clean(before)) {
            (Some(folder), Some(show)) if self.season.is_some() => super::may_be_same_show(folder, &show),
            _ => false,
        };
        if PART.is_match(before) || !(after_show || self.group) {
            return None;
        }
        self.read(&found)
    }
}

/// Recaps are counted "11.5"; the half is no episode of its own number.
fn is_half_episode(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('.')
        && chars.next().is_some_and(|c| c.is_ascii_digit())
        && !chars.next().is_some_and(|c| c.is_ascii_alphanumeric())
}

/// What a bare number means: `102` is S01E02 and `1012` S10E12 where nothing names the season otherwise.
fn plain(digits: &str, season: Option<u16>, group: bool) -> Option<(Option<u16>, u16)> {
    const HEIGHTS: [u16; 7] = [360, 480, 540, 576, 720, 1080, 2160];
    let number: u16 = digits.parse().ok()?;
    let (hundreds, rest) = (number / 100, number % 100);
    if season == Some(hundreds) && digits.len() >= 3 && rest > 0 {
        return Some((season, rest));
    }
    if HEIGHTS.contains(&number) || (1900..=2099).contains(&number) {
        return None;
    }
    match season {
        Some(season) => Some((Some(season), number)),
        None if group || digits.len() < 3 || digits.starts_with('0') => Some((None, number)),
        None => (rest > 0).then_some((Some(hundreds), rest)),
    }
}

/// The first season that the text names, such as `S02`, `Season 2` or `2nd Season`.
pub(super) fn season_token(text: &str) -> Option<SeasonToken> {
    let found = SEASON.captures(text)?;
    let number = (2..found.len()).find_map(|group| found.get(group))?;
    let several = text.get(number.end()..).is_some_and(|rest| MORE_SEASONS.is_match(rest));
    let season = if several { None } else { number.as_str().parse().ok() };
    Some(SeasonToken { at: start(&found), season })
}

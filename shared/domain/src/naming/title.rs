use std::sync::LazyLock;

use regex::Regex;

#[expect(clippy::expect_used, reason = "the pattern is a constant: it compiles, or every test of this module fails")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a well-formed pattern")
}

static GROUP: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(?:\[[^\]]*\]|【[^】]*】)"));
/// How media servers tie a folder to a catalogue: `{imdb-tt0944947}`, `[tvdbid-121361]`.
static CATALOGUE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\s*[\[{](?:imdb|tvdb|tmdb|anidb)[^\]}]*[\]}]"));
static SITE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)^www\.\S+\s+-\s+"));
static PART_OF_SEASON: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:(?:disc|disk|dvd|cd|bd|blu-?ray)[\s._-]*[0-9]{1,2}|subs|subtitles?|samples?|video_ts|bdmv|stream)$",
    )
});
static COLLECTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:videos?|downloads?|movies|films|tv|tv[\s._-]?(?:shows|series)|shows|series|media|desktop|documents|home|tmp|temp|mnt|data|torrents?|completed?)$",
    )
});
/// Where a release's technical description begins.
static RELEASE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix) [\s._\-\[(]+ (?: [0-9]{3,4}[pi] | 4k | uhd | [xh]\.?26[45] | hevc | avc | av1 | 10[\s._-]?bits? | 8[\s._-]?bits?
        | hdtv | web(?:-?dl|-?rip)? | blu-?ray | b[dr]rip | dvd(?:rip)? | xvid | divx | remux | repack | proper
        | complete | dual[\s._-]audio | multi ) (?:$|[^0-9a-z]) | \[ | 【",
    )
});

/// Whether a release group in brackets leads the name.
pub(super) fn has_group(text: &str) -> bool {
    GROUP.is_match(text)
}

/// Whether the folder only parts a season: a disc, its subtitles.
pub(super) fn is_part_of_season(folder: &str) -> bool {
    PART_OF_SEASON.is_match(folder.trim())
}

/// Whether the folder holds a show's specials, its season 0.
pub(super) fn is_specials(folder: &str) -> bool {
    ["special", "specials"].contains(&folder.trim().to_lowercase().as_str())
}

/// Whether the folder holds whatever was put there, so that its name is no show's.
pub(super) fn is_collection(folder: &str) -> bool {
    COLLECTION.is_match(folder.trim())
}

/// The text before the technical description of a release; a leading group is kept.
pub(super) fn before_release(text: &str) -> &str {
    let group = GROUP.find(text).map_or(0, |found| found.end());
    let rest = text.get(group..).unwrap_or_default();
    let end = RELEASE.find(rest).map_or(text.len(), |found| group + found.start());
    text.get(..end).unwrap_or_default()
}

/// A show's name as people write it, or nothing where no letter or digit is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let text = CATALOGUE.replace_all(text, "");
    let mut rest = text.as_ref();
    while let Some(found) = GROUP.find(rest).or_else(|| SITE.find(rest)) {
        rest = rest.get(found.end()..).unwrap_or_default().trim_start_matches([' ', '.', '_', '-']);
    }
    let spaced = rest.replace('_', " ");
    // In a name with spaces a dot is punctuation, as in "Mr. Robot"; elsewhere it stands for a space.
    let spaced = if spaced.trim().contains(char::is_whitespace) { spaced } else { without_dots(&spaced) };
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let name = trim(&words.join(" ")).to_owned();
    name.chars().any(char::is_alphanumeric).then_some(name)
}

/// Dots to spaces, but for those of initials: "S.W.A.T".
fn without_dots(text: &str) -> String {
    let is_initial = |word: &str| {
        let mut chars = word.chars();
        chars.next().is_some_and(char::is_uppercase) && chars.next().is_none()
    };
    let words: Vec<&str> = text.split('.').filter(|word| !word.is_empty()).collect();
    let mut out = String::new();
    for run in words.chunk_by(|a, b| is_initial(a) && is_initial(b)) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(&run.join("."));
        if run.len() > 1 {
            out.push('.');
        }
    }
    out
}

/// Without the separators at both ends; the dot of initials stays.
fn trim(name: &str) -> &str {
    let loose = |c: char| c.is_whitespace() || "-–—,:;~+([{|".contains(c);
    let name = name.trim_start_matches(|c| loose(c) || c == '.').trim_end_matches(loose);
    let bare = name.trim_end_matches('.');
    let mut last = bare.chars().rev();
    let initials = last.next().is_some_and(char::is_uppercase) && last.next() == Some('.');
    if initials && bare.len() < name.len() { &name[..=bare.len()] } else { bare.trim_end_matches(loose) }
}

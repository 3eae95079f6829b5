use crate::LanguageTag;

/// What the words behind a subtitle file's stem say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    /// The languages named, each once.
    pub(super) languages: Vec<LanguageTag>,
    /// Whether it holds only a part of what is said: forced lines, signs, songs, a commentary.
    pub(super) partial: bool,
    /// Whether every word was understood, and a number stands only beside a language.
    pub(super) whole: bool,
}

/// Words that make a file one of forced lines, signs or a commentary.
const PARTIAL: [&str; 4] = ["forced", "signs", "songs", "commentary"];
/// Words that say nothing about which language or how much.
const NEUTRAL: [&str; 18] = [
    "sdh",
    "cc",
    "hi",
    "default",
    "full",
    "sub",
    "subs",
    "subtitle",
    "subtitles",
    "track",
    "captions",
    "utf8",
    "utf",
    "american",
    "america",
    "european",
    "dialogue",
    "latin",
];
/// Regions and scripts that stand behind a language, with what they mean in a tag. Without the list, `en-ko` were one.
#[rustfmt::skip]
const VARIETIES: &[(&str, &str)] = &[
    ("us", "US"), ("gb", "GB"), ("uk", "GB"), ("au", "AU"), ("ca", "CA"), ("ie", "IE"), ("in", "IN"), ("nz", "NZ"), ("za", "ZA"),
    ("br", "BR"), ("pt", "PT"), ("brazil", "BR"), ("brazilian", "BR"), ("es", "ES"), ("mx", "MX"), ("ar", "AR"), ("co", "CO"),
    ("cl", "CL"), ("419", "419"), ("latin", "419"), ("la", "419"), ("fr", "FR"), ("be", "BE"), ("ch", "CH"), ("de", "DE"),
    ("at", "AT"), ("it", "IT"), ("nl", "NL"), ("cn", "CN"), ("tw", "TW"), ("hk", "HK"), ("mo", "MO"), ("sg", "SG"),
    ("hans", "Hans"), ("hant", "Hant"), ("simplified", "Hans"), ("traditional", "Hant"), ("kr", "KR"), ("jp", "JP"), ("vn", "VN"),
    ("se", "SE"), ("no", "NO"), ("dk", "DK"), ("fi", "FI"), ("pl", "PL"), ("ru", "RU"), ("ua", "UA"), ("tr", "TR"), ("cz", "CZ"),
    ("il", "IL"), ("th", "TH"), ("id", "ID"), ("my", "MY"), ("ir", "IR"), ("ro", "RO"), ("hu", "HU"), ("gr", "GR"),
];

impl Label {
    /// Reads words all of which should be a label: what stands behind the video's stem.
    pub(super) fn of_suffix(text: &str) -> Self {
        Self::of_words(&words(text), |_| false)
    }

    /// Reads a name that only ends in a label, such as `720p.WEB.en.sdh`: short codes count at its end only, where they
    /// are no words of a title, names of languages anywhere.
    pub(super) fn of_tail(text: &str) -> Self {
        let is_title =
            |word: &str| word.len() == 2 && word.starts_with(char::is_uppercase) && word.ends_with(char::is_lowercase);
        let words = words(text);
        let tails = (0..=words.len()).map(|from| words.get(from..).unwrap_or_default());
        let mut label = tails.map(|tail| Self::of_words(tail, is_title)).find(|label| label.whole).unwrap_or_default();
        for word in &words {
            label.partial |= PARTIAL.contains(&word.to_lowercase().as_str());
            if word.chars().count() > 3 || !word.is_ascii() {
                LanguageTag::from_label(word).into_iter().for_each(|tag| label.speak(tag));
            }
        }
        label
    }

    fn of_words(words: &[&str], is_title: impl Fn(&str) -> bool) -> Self {
        let mut label = Self { whole: true, ..Self::default() };
        let mut numbered = false;
        let mut rest = words;
        while let Some((word, following)) = rest.split_first() {
            let (taken, part) = Part::read(word, following.first().copied(), label.languages.is_empty());
            label.add(if is_title(word) { Part::Unknown } else { part });
            numbered |= is_number(word);
            rest = rest.get(taken..).unwrap_or_default();
        }
        label.whole &= !numbered || !label.languages.is_empty();
        label
    }

    fn add(&mut self, part: Part) {
        match part {
            Part::Language(tag) => self.speak(tag),
            Part::Partial => self.partial = true,
            Part::Neutral => {}
            Part::Unknown => self.whole = false,
        }
    }

    fn speak(&mut self, tag: LanguageTag) {
        if self.languages.iter().all(|known| known.primary() != tag.primary()) {
            self.languages.push(tag);
        }
    }
}

enum Part {
    Language(LanguageTag),
    Partial,
    Neutral,
    Unknown,
}

impl Part {
    /// The meaning of a word, and of the next one where they belong together, and how many were read. `first` where no
    /// language was read before: "en.hi" is for the hard of hearing, "hi" alone is Hindi.
    fn read(word: &str, next: Option<&str>, first: bool) -> (usize, Self) {
        let (word, next) = (word.to_lowercase(), next.map(str::to_lowercase));
        if PARTIAL.contains(&word.as_str()) {
            return (1, Self::Partial);
        }
        if is_number(&word) || (NEUTRAL.contains(&word.as_str()) && (word != "hi" || !first)) {
            return (1, Self::Neutral);
        }
        if let Some(tag) = next.as_deref().and_then(|next| LanguageTag::from_label(&format!("{word} {next}"))) {
            return (2, Self::Language(tag));
        }
        let Some(tag) = LanguageTag::from_label(&word) else { return (1, Self::Unknown) };
        let variety = VARIETIES.iter().find(|(name, _)| Some(*name) == next.as_deref());
        match variety.and_then(|(_, subtag)| format!("{}-{subtag}", tag.primary()).parse().ok()) {
            Some(joined) => (2, Self::Language(joined)),
            None => (1, Self::Language(tag)),
        }
    }
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || "._-[](){},+&".contains(c)).filter(|word| !word.is_empty()).collect()
}

use crate::LanguageTag;

/// What the words behind a subtitle file's stem say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Label {
    /// The languages named, each once.
    pub(super) languages: Vec<LanguageTag>,
    /// Whether it holds only a part of what is said: forced lines, signs, songs, a commentary.
    pub(super) partial: bool,
    /// Whether every word was understood.
    pub(super) whole: bool,
}

/// Words that make a file one of forced lines, signs or a commentary.
const PARTIAL: [&str; 4] = ["forced", "signs", "songs", "commentary"];
/// Words that say nothing about which language or how much.
const NEUTRAL: [&str; 17] = [
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
        let words = words(text);
        let mut label = Self { whole: true, ..Self::default() };
        let mut at = 0;
        while at < words.len() {
            let (taken, part) = Part::read(&words, at);
            label.add(part);
            at += taken;
        }
        label
    }

    /// Reads a name that only ends in a label, such as `720p.WEB.en.sdh`: short codes count at its end only, where they
    /// are no words of a title, names of languages anywhere.
    pub(super) fn of_tail(text: &str) -> Self {
        let words = words(text);
        let read = |from: usize| {
            let tail = &words[from..];
            let mut label = Self { whole: true, ..Self::default() };
            let mut at = 0;
            while at < tail.len() {
                let (taken, part) = Part::read(tail, at);
                let title_word = tail[at].len() == 2
                    && tail[at].starts_with(char::is_uppercase)
                    && tail[at].ends_with(char::is_lowercase);
                label.add(if title_word { Part::Unknown } else { part });
                at += taken;
            }
            label
        };
        let mut best = (0..=words.len()).map(read).find(|label| label.whole).unwrap_or_default();
        for word in &words {
            let lower = word.to_lowercase();
            best.partial |= PARTIAL.contains(&lower.as_str());
            if word.chars().count() > 3 || !word.is_ascii() {
                LanguageTag::from_label(word).into_iter().for_each(|tag| best.speak(tag));
            }
        }
        best
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
    /// The meaning of the word at `at` and of the next one where they belong together, and how many were read.
    fn read(words: &[&str], at: usize) -> (usize, Self) {
        let word = words[at].to_lowercase();
        let next = words.get(at + 1).map(|next| next.to_lowercase());
        // "en.hi" is for the hard of hearing, "hi" alone is Hindi.
        if PARTIAL.contains(&word.as_str()) {
            return (1, Self::Partial);
        }
        if word.chars().all(|c| c.is_ascii_digit()) || (NEUTRAL.contains(&word.as_str()) && (word != "hi" || at > 0)) {
            return (1, Self::Neutral);
        }
        if let Some(tag) = next.as_deref().and_then(|next| LanguageTag::from_label(&format!("{word} {next}"))) {
            return (2, Self::Language(tag));
        }
        let Some(tag) = LanguageTag::from_label(&word) else { return (1, Self::Unknown) };
        let variety = VARIETIES.iter().find(|(name, _)| Some(*name) == next.as_deref());
        let joined = variety.and_then(|(_, subtag)| format!("{}-{subtag}", tag.primary()).parse().ok());
        match joined {
            Some(joined) => (2, Self::Language(joined)),
            None => (1, Self::Language(tag)),
        }
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| c.is_whitespace() || "._-[](){},+&".contains(c)).filter(|word| !word.is_empty()).collect()
}

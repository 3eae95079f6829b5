use crate::LanguageTag;

/// A language's tag, its English name, and what else files call it: ISO 639-2 codes, its own name, release jargon.
type Row = (&'static str, &'static str, &'static [&'static str]);

/// By primary subtag, and by whole tag where script or region makes another written language.
#[rustfmt::skip]
const LANGUAGES: &[Row] = &[
    ("ar", "Arabic", &["ara", "العربية"]),
    ("bg", "Bulgarian", &["bul", "български"]),
    ("bn", "Bengali", &["ben", "বাংলা"]),
    ("ca", "Catalan", &["cat", "català"]),
    ("cs", "Czech", &["ces", "cze", "čeština", "česky"]),
    ("da", "Danish", &["dan", "dansk"]),
    ("de", "German", &["deu", "ger", "deutsch"]),
    ("el", "Greek", &["ell", "gre", "ελληνικά"]),
    ("en", "English", &["eng"]),
    ("en-GB", "British English", &[]),
    ("en-US", "American English", &[]),
    ("es", "Spanish", &["spa", "español", "espanol", "castellano", "castilian"]),
    ("es-419", "Latin American Spanish", &["latino"]),
    ("es-ES", "European Spanish", &[]),
    ("es-MX", "Mexican Spanish", &[]),
    ("et", "Estonian", &["est", "eesti"]),
    ("fa", "Persian", &["fas", "per", "farsi", "فارسی"]),
    ("fi", "Finnish", &["fin", "suomi"]),
    ("fil", "Filipino", &["tagalog"]),
    ("fr", "French", &["fra", "fre", "français", "francais"]),
    ("fr-CA", "Canadian French", &[]),
    ("he", "Hebrew", &["heb", "iw", "עברית"]),
    ("hi", "Hindi", &["hin", "हिन्दी"]),
    ("hr", "Croatian", &["hrv", "hrvatski"]),
    ("hu", "Hungarian", &["hun", "magyar"]),
    ("id", "Indonesian", &["ind", "bahasa indonesia"]),
    ("it", "Italian", &["ita", "italiano"]),
    ("ja", "Japanese", &["jpn", "jap", "日本語"]),
    ("ko", "Korean", &["kor", "한국어", "한글"]),
    ("lt", "Lithuanian", &["lit", "lietuvių"]),
    ("lv", "Latvian", &["lav", "latviešu"]),
    ("ms", "Malay", &["msa", "may", "bahasa melayu"]),
    ("nb", "Norwegian Bokmål", &["nob", "bokmål"]),
    ("nl", "Dutch", &["nld", "dut", "nederlands"]),
    ("no", "Norwegian", &["nor", "norsk"]),
    ("pl", "Polish", &["pol", "polski"]),
    ("pt", "Portuguese", &["por", "português", "portugues"]),
    ("pt-BR", "Brazilian Portuguese", &["pob", "brazilian"]),
    ("pt-PT", "European Portuguese", &[]),
    ("ro", "Romanian", &["ron", "rum", "română"]),
    ("ru", "Russian", &["rus", "русский"]),
    ("sk", "Slovak", &["slk", "slo", "slovenčina"]),
    ("sl", "Slovenian", &["slv", "slovenščina"]),
    ("sr", "Serbian", &["srp", "srpski", "српски"]),
    ("sv", "Swedish", &["swe", "svenska"]),
    ("sw", "Swahili", &["swa", "kiswahili"]),
    ("ta", "Tamil", &["tam", "தமிழ்"]),
    ("te", "Telugu", &["tel", "తెలుగు"]),
    ("th", "Thai", &["tha", "ไทย"]),
    ("tr", "Turkish", &["tur", "türkçe", "turkce"]),
    ("uk", "Ukrainian", &["ukr", "українська"]),
    ("ur", "Urdu", &["urd", "اردو"]),
    ("uz", "Uzbek", &["uzb", "oʻzbekcha"]),
    ("vi", "Vietnamese", &["vie", "tiếng việt"]),
    ("yue", "Cantonese", &["粵語", "粤语"]),
    ("zh", "Chinese", &["zho", "chi", "chn", "mandarin", "中文", "汉语", "漢語"]),
    ("zh-CN", "Simplified Chinese", &[]),
    ("zh-HK", "Traditional Chinese as written in Hong Kong", &[]),
    ("zh-Hans", "Simplified Chinese", &["chs", "简体", "简中", "简体中文"]),
    ("zh-Hant", "Traditional Chinese", &["cht", "繁體", "繁体", "繁中", "繁體中文"]),
    ("zh-TW", "Traditional Chinese as written in Taiwan", &[]),
];

impl LanguageTag {
    /// The language's English name, with its region or script where that makes another written language.
    pub fn english_name(&self) -> Option<&'static str> {
        let named = |key: &str| LANGUAGES.iter().find(|row| row.0 == key).map(|row| row.1);
        named(self.as_str()).or_else(|| named(self.primary()))
    }

    /// The language that a file or a track is labelled with: a BCP 47 tag, an ISO 639-2 code, or the language's name
    /// in English or in itself. `None` where it is no label of a language known here: any two letters are well-formed.
    pub fn from_label(label: &str) -> Option<Self> {
        let label = label.trim();
        let lower = label.to_lowercase();
        let (code, rest) =
            lower.split_once(['-', '_']).map_or((lower.as_str(), None), |(code, rest)| (code, Some(rest)));
        let named = |name: &str| {
            let exact = |row: &&Row| row.0.eq_ignore_ascii_case(name) || row.2.contains(&name);
            let called = |row: &&Row| row.1.to_lowercase() == name;
            LANGUAGES.iter().find(exact).or_else(|| LANGUAGES.iter().rev().find(called)).map(|row| row.0)
        };
        if let Some(tag) = named(&lower) {
            return tag.parse().ok();
        }
        let primary = named(code)?;
        format!("{primary}-{}", rest?.replace('_', "-")).parse().ok()
    }

    /// Whether text in the language `other` serves where this one is wanted: `pt` and `pt-BR` serve for each other,
    /// `pt-PT` does not for `pt-BR`, and `zh-TW` means the script `zh-Hant`.
    pub fn is_served_by(&self, other: &Self) -> bool {
        let family = |tag: &Self| match tag.primary() {
            "nb" => "no".to_owned(),
            primary => primary.to_owned(),
        };
        let (mine, theirs) = (self.variety(), other.variety());
        family(self) == family(other) && (mine.is_empty() || theirs.is_empty() || mine == theirs)
    }

    /// Whether it is written from right to left: by its script where the tag names one, else as the language mostly is.
    pub fn is_right_to_left(&self) -> bool {
        const SCRIPTS: [&str; 8] = ["Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Aran"];
        const LANGUAGES: [&str; 16] =
            ["ar", "arc", "ckb", "dv", "fa", "glk", "he", "iw", "mzn", "nqo", "ps", "sd", "syr", "ug", "ur", "yi"];
        let script =
            self.as_str().split('-').skip(1).find(|part| part.len() == 4 && !part.starts_with(char::is_numeric));
        script.map_or_else(|| LANGUAGES.contains(&self.primary()), |script| SCRIPTS.contains(&script))
    }

    /// What stands behind the primary subtag; for Chinese the script, which the region implies.
    pub(crate) fn variety(&self) -> &str {
        let rest = self.as_str().split_once('-').map_or("", |(_, rest)| rest);
        match (self.primary(), rest) {
            ("zh", "CN" | "SG") => "Hans",
            ("zh", "TW" | "HK" | "MO") => "Hant",
            ("zh", rest) if rest.starts_with("Han") => rest.get(..4).unwrap_or(rest),
            (_, rest) => rest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_tells_the_direction_and_else_the_language() {
        for (text, expected) in
            [("he", true), ("ar-EG", true), ("ur", true), ("az-Arab", true), ("ar-Latn", false), ("ja", false)]
        {
            assert_eq!(tag(text).is_right_to_left(), expected, "{text}");
        }
    }

    fn tag(text: &str) -> LanguageTag {
        text.parse().unwrap()
    }

    #[test]
    fn every_row_holds_a_canonical_tag_and_lower_case_labels_that_no_other_row_has() {
        let mut seen = std::collections::BTreeSet::new();
        for (code, name, labels) in LANGUAGES {
            assert_eq!(tag(code).as_str(), *code);
            assert_eq!(tag(code).english_name(), Some(*name));
            for label in *labels {
                assert_eq!(*label, label.to_lowercase());
                assert!(seen.insert(*label), "{label} twice");
            }
        }
    }

    #[test]
    fn labels_of_files_and_tracks_name_their_language() {
        for (label, expected) in [
            ("en", "en"),
            ("ENG", "en"),
            ("English", "en"),
            ("en-us", "en-US"),
            ("pt_BR", "pt-BR"),
            ("pob", "pt-BR"),
            ("eng-US", "en-US"),
            ("kor", "ko"),
            ("한국어", "ko"),
            ("jpn", "ja"),
            ("日本語", "ja"),
            ("chi", "zh"),
            ("zho", "zh"),
            ("chs", "zh-Hans"),
            ("cht", "zh-Hant"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("Simplified Chinese", "zh-Hans"),
            ("fre", "fr"),
            ("fra", "fr"),
            ("Français", "fr"),
            ("ger", "de"),
            ("deu", "de"),
            ("Deutsch", "de"),
            ("spa", "es"),
            ("Español", "es"),
            ("Tiếng Việt", "vi"),
            ("Brazilian Portuguese", "pt-BR"),
        ] {
            assert_eq!(LanguageTag::from_label(label), Some(tag(expected)), "{label}");
        }
    }

    #[test]
    fn words_that_are_no_language_have_none() {
        for label in ["", "the", "web", "sdh", "xx", "gsw", "en-", "-", "en--us", "forced", "S01E01", "e\u{301}"] {
            assert_eq!(LanguageTag::from_label(label), None, "{label}");
        }
    }

    #[test]
    fn a_variety_serves_for_its_language_but_not_for_another_variety() {
        for (wanted, has, serves) in [
            ("en", "en-US", true),
            ("pt-BR", "pt", true),
            ("pt-BR", "pt-PT", false),
            ("zh-Hant", "zh-TW", true),
            ("zh-Hant", "zh-CN", false),
            ("zh-Hans-CN", "zh-Hans", true),
            ("zh", "zh-Hans", true),
            ("no", "nb", true),
            ("ko", "ja", false),
        ] {
            assert_eq!(tag(wanted).is_served_by(&tag(has)), serves, "{wanted} {has}");
        }
    }
}

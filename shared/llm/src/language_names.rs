use langflix_domain::LanguageTag;

/// English names by primary subtag, and by whole tag where script or region makes another written language.
const NAMES: &[(&str, &str)] = &[
    ("ar", "Arabic"),
    ("bg", "Bulgarian"),
    ("bn", "Bengali"),
    ("ca", "Catalan"),
    ("cs", "Czech"),
    ("da", "Danish"),
    ("de", "German"),
    ("el", "Greek"),
    ("en", "English"),
    ("en-GB", "British English"),
    ("en-US", "American English"),
    ("es", "Spanish"),
    ("es-419", "Latin American Spanish"),
    ("es-ES", "European Spanish"),
    ("es-MX", "Mexican Spanish"),
    ("et", "Estonian"),
    ("fa", "Persian"),
    ("fi", "Finnish"),
    ("fil", "Filipino"),
    ("fr", "French"),
    ("fr-CA", "Canadian French"),
    ("he", "Hebrew"),
    ("hi", "Hindi"),
    ("hr", "Croatian"),
    ("hu", "Hungarian"),
    ("id", "Indonesian"),
    ("it", "Italian"),
    ("ja", "Japanese"),
    ("ko", "Korean"),
    ("lt", "Lithuanian"),
    ("lv", "Latvian"),
    ("ms", "Malay"),
    ("nb", "Norwegian Bokmål"),
    ("nl", "Dutch"),
    ("no", "Norwegian"),
    ("pl", "Polish"),
    ("pt", "Portuguese"),
    ("pt-BR", "Brazilian Portuguese"),
    ("pt-PT", "European Portuguese"),
    ("ro", "Romanian"),
    ("ru", "Russian"),
    ("sk", "Slovak"),
    ("sl", "Slovenian"),
    ("sr", "Serbian"),
    ("sv", "Swedish"),
    ("sw", "Swahili"),
    ("ta", "Tamil"),
    ("te", "Telugu"),
    ("th", "Thai"),
    ("tr", "Turkish"),
    ("uk", "Ukrainian"),
    ("ur", "Urdu"),
    ("uz", "Uzbek"),
    ("vi", "Vietnamese"),
    ("yue", "Cantonese"),
    ("zh", "Chinese"),
    ("zh-CN", "Simplified Chinese"),
    ("zh-HK", "Traditional Chinese as written in Hong Kong"),
    ("zh-Hans", "Simplified Chinese"),
    ("zh-Hant", "Traditional Chinese"),
    ("zh-TW", "Traditional Chinese as written in Taiwan"),
];

/// How a prompt names the language: its English name with the tag, or the tag alone where the name is not known.
pub(crate) fn language_name(tag: &LanguageTag) -> String {
    let named = |key: &str| NAMES.iter().find(|(tag, _)| *tag == key).map(|(_, name)| *name);
    match named(tag.as_str()).or_else(|| named(tag.primary())) {
        Some(name) => format!("{name} ({tag})"),
        None => format!("the language with the BCP 47 tag {tag}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_named_with_their_tag() {
        for (tag, name) in [
            ("ko", "Korean (ko)"),
            ("pt-BR", "Brazilian Portuguese (pt-BR)"),
            ("de-AT", "German (de-AT)"),
            ("zh-Hant", "Traditional Chinese (zh-Hant)"),
            ("gsw", "the language with the BCP 47 tag gsw"),
        ] {
            assert_eq!(language_name(&tag.parse().unwrap()), name);
        }
    }
}

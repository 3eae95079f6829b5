use langflix_domain::LanguageTag;

/// How a prompt names the language: its English name with the tag, or the tag alone where the name is not known.
pub(crate) fn language_name(tag: &LanguageTag) -> String {
    match tag.english_name() {
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

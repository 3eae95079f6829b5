use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A well-formed BCP 47 language tag in its canonical case, such as `ko`, `pt-BR` or `zh-Hant`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct LanguageTag(String);

/// A text that is no BCP 47 language tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a language tag: give a BCP 47 tag such as ko, ja, pt-BR or zh-Hant")]
pub struct InvalidLanguageTag {
    /// What was given.
    pub text: String,
}

impl LanguageTag {
    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary language subtag: `pt` of `pt-BR`. `x-klingon` and `i-klingon` have none beside themselves.
    pub fn primary(&self) -> &str {
        match self.0.split_once('-') {
            Some((primary, _)) if primary.len() > 1 => primary,
            _ => &self.0,
        }
    }
}

impl FromStr for LanguageTag {
    type Err = InvalidLanguageTag;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidLanguageTag { text: text.chars().take(40).collect() };
        let tag = oxilangtag::LanguageTag::parse_and_normalize(text).map_err(|_| invalid())?;
        let primary = tag.primary_language();
        // Private use, and the few that were registered whole before there were rules, such as `zh-min-nan`.
        let by_itself = tag.as_str().starts_with("x-") || primary.contains('-');
        // Subtags of five to eight letters are well-formed but none is registered: "english" is a slip, not a tag.
        let language = (2..=3).contains(&primary.len()) && primary.is_ascii();
        if !by_itself && !language {
            return Err(invalid());
        }
        Ok(Self(tag.into_inner()))
    }
}

impl TryFrom<String> for LanguageTag {
    type Error = InvalidLanguageTag;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LanguageTag> for String {
    fn from(tag: LanguageTag) -> Self {
        tag.0
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_brought_into_canonical_case() {
        assert_eq!("zh-hant".parse::<LanguageTag>().unwrap().as_str(), "zh-Hant");
        assert_eq!("PT-br".parse::<LanguageTag>().unwrap().primary(), "pt");
    }

    #[test]
    fn tags_of_private_use_and_those_from_before_the_rules_are_tags() {
        for (tag, primary) in [
            ("x-klingon", "x-klingon"),
            ("X-Klingon-Formal", "x-klingon-formal"),
            ("i-klingon", "i-klingon"),
            ("zh-min-nan", "zh"),
            ("de-x-mundart", "de"),
        ] {
            let parsed: LanguageTag = tag.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(parsed.primary(), primary, "{tag}");
            assert!(parsed.as_str().eq_ignore_ascii_case(tag), "{parsed}");
        }
    }

    #[test]
    fn a_language_name_is_refused_with_examples() {
        for wrong in ["english", "", "k", "한국어", "ko_KR", "../../x", "x-", "x-../..", "x"] {
            let error = wrong.parse::<LanguageTag>().unwrap_err().to_string();
            assert!(error.contains("BCP 47"), "{error}");
        }
    }
}

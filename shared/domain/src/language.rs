use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The primary subtags of two letters that are registered (IANA's language subtag registry, those of ISO 639-1 and their
/// former ones): `jp` and `cn` are countries.
const TWO_LETTERS: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da \
    de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik in io \
    is it iu iw ja ji jv jw ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mo mr \
    ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm \
    sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu";

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
        let language = match primary.len() {
            2 => TWO_LETTERS.split(' ').any(|registered| registered == primary),
            3 => primary.is_ascii(),
            _ => false,
        };
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
    fn countries_and_what_is_registered_nowhere_are_no_languages() {
        for text in ["jp", "cn", "gr", "xx", "zz", "jp-JP"] {
            assert!(text.parse::<LanguageTag>().is_err(), "{text}");
        }
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

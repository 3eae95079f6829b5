//! Which sound track to take.

use std::cmp::Reverse;

use langflix_domain::{AudioStream, LanguageTag, MediaInfo};

/// The sound track to take: no commentary, the language asked for, the file's default, the first.
pub(crate) fn track<'a>(info: &'a MediaInfo, language: Option<&str>) -> Option<&'a AudioStream> {
    let speaks = |stream: &AudioStream| {
        let given = stream.language.as_deref().unwrap_or_default();
        language.is_some_and(|wanted| same_language(given, wanted))
    };
    // A commentary in the right language is no dialogue, so that counts before the language.
    let rank = |(at, stream): &(usize, &AudioStream)| (!stream.secondary, speaks(stream), stream.default, Reverse(*at));
    info.audio.iter().enumerate().max_by_key(rank).map(|(_, stream)| stream)
}

/// Whether a file's label means the primary subtag `wanted`.
fn same_language(given: &str, wanted: &str) -> bool {
    LanguageTag::from_label(given).is_some_and(|tag| tag.primary() == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_letter_tags_of_both_kinds_mean_the_language() {
        for (given, wanted) in [("ger", "de"), ("deu", "de"), ("de-AT", "de"), ("CHI", "zh"), ("yue", "yue")] {
            assert!(same_language(given, wanted), "{given} {wanted}");
        }
        assert!(!same_language("eng", "de"));
        assert!(!same_language("", "de"));
    }
}

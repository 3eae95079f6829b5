use langflix_domain::{Cue, CueKind, LanguageTag};

/// How much text the language is told from, in bytes.
const SAMPLE: usize = 8000;
/// Less text than this says nothing, in bytes.
const LEAST: usize = 24;

/// ISO 639-3 as the detector says it, each followed by the shorter code of ISO 639-1, which BCP 47 wants.
const SHORT: &str = "\
    afr af aka ak amh am ara ar aze az bel be ben bn bul bg cat ca ces cs cmn zh cym cy dan da deu de ell el eng \
    en epo eo est et fin fi fra fr guj gu heb he hin hi hrv hr hun hu hye hy ind id ita it jav jv jpn ja kan kn \
    kat ka khm km kor ko lat la lav lv lit lt mal ml mar mr mkd mk mya my nep ne nld nl nob nb ori or pan pa pes \
    fa pol pl por pt ron ro rus ru sin si slk sk slv sl sna sn spa es srp sr swe sv tam ta tel te tgl tl tha th \
    tuk tk tur tr ukr uk urd ur uzb uz vie vi yid yi zul zu";

/// What may stand between the language and the extension.
const FLAGS: [&str; 6] = ["sdh", "cc", "hi", "forced", "full", "default"];

/// The language that a file's name tells: `ko` of `Show.S01E01.ko.srt`, `pt-BR` of `Show.pt-BR.forced.srt`.
pub fn of_name(name: &str) -> Option<LanguageTag> {
    let stem = name.rsplit_once('.')?.0;
    let (rest, last) = stem.rsplit_once('.')?;
    // `hi` is Hindi, and "hearing impaired" behind a language.
    let flagged = FLAGS.contains(&last.to_lowercase().as_str()).then(|| rest.rsplit_once('.')).flatten();
    flagged.and_then(|(_, suffix)| LanguageTag::from_label(suffix)).or_else(|| LanguageTag::from_label(last))
}

/// The language of what is said.
pub(crate) fn of_speech(cues: &[Cue]) -> Option<LanguageTag> {
    let mut sample = String::new();
    for cue in cues.iter().filter(|cue| cue.kind == CueKind::Speech) {
        sample.push_str(&cue.text);
        sample.push(' ');
        if sample.len() > SAMPLE {
            sample.truncate(sample.floor_char_boundary(SAMPLE));
            break;
        }
    }
    let sample = Some(sample).filter(|sample| sample.len() >= LEAST)?;
    let info = whatlang::detect(&sample).filter(|info| info.is_reliable())?;
    let long = info.lang().code();
    let mut codes = SHORT.split(' ').skip_while(|code| *code != long);
    codes.nth(1).unwrap_or(long).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_the_language_in_front_of_its_extension() {
        for (name, expected) in [
            ("Show.S01E01.ko.srt", Some("ko")),
            ("Show.pt-BR.forced.srt", Some("pt-BR")),
            ("Show.en.hi.srt", Some("en")),
            ("Show.hi.srt", Some("hi")),
            ("Show.S01E01.srt", None),
            ("ko.srt", None),
            ("The.End.srt", None),
        ] {
            assert_eq!(of_name(name).map(|tag| tag.to_string()).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn every_code_has_its_shorter_one() {
        let codes: Vec<&str> = SHORT.split(' ').collect();
        assert!(codes.as_chunks::<2>().0.iter().all(|[long, short]| long.len() == 3 && short.len() == 2));
        for lang in whatlang::Lang::all() {
            assert!(codes.contains(&lang.code()), "{lang}");
        }
    }
}

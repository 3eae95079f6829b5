//! Files that other people wrote: what a person reads out of them, and what must be said about them.

mod data;

use std::{collections::BTreeMap, fs};

use data::{count, parsed, root, timed, try_parsed};
use langflix_domain::{CueKind, align};
use langflix_subtitles::{DiagnosticKind as Kind, Format};

#[test]
fn every_entry_that_any_other_reader_finds_is_a_cue_or_has_a_diagnostic() {
    let Some(root) = root() else { return };
    let table = fs::read_to_string(root.join("reference_parses.tsv")).unwrap();
    let mut behind = Vec::new();
    for row in table.lines().skip(1).filter(|row| !row.starts_with("torture_vttjs/")) {
        let fields: Vec<&str> = row.split('\t').collect();
        let counts = fields[3..].iter().filter_map(|field| field.split(';').next()?.parse::<usize>().ok());
        let best = counts.max().unwrap_or(0);
        let found = try_parsed(&root, fields[0]).map_or(0, |parsed| {
            let left_out = [Kind::EmptyCue, Kind::BeforeStart, Kind::Truncated, Kind::StrayTiming];
            parsed.transcript.cues.len() + left_out.map(|kind| count(&parsed, kind)).iter().sum::<usize>()
        });
        if found < best {
            behind.push(format!("{}: {found} of {best}", fields[0]));
        }
    }
    assert!(behind.is_empty(), "{behind:#?}");
}

#[test]
fn real_subtitles_are_read_whole_and_in_their_language() {
    let Some(root) = root() else { return };
    for (name, cues, language, format) in [
        ("film_sintel_short_de_en_es/sintel-de.vtt", 14, "de", Format::Vtt),
        ("film_sintel_short_de_en_es/sintel-es.vtt", 14, "es", Format::Vtt),
        ("film_sintel_short_de_en_es/sintel.srt", 26, "en", Format::Srt),
        ("long_sicp_ass/lec1a.eng.ass", 1033, "en", Format::Ass),
        ("long_sicp_ass/lec9b.chn+eng.ass", 2786, "en", Format::Ass),
        ("long_sicp_en_zh/SrtEN_lec4b.srt", 1438, "en", Format::Srt),
        ("mid_hfcourse_en_fr_ru_zh/fr_42_training-a-new-tokenizer.srt", 67, "fr", Format::Srt),
        ("mid_hfcourse_en_fr_ru_zh/ru_02_the-carbon-footprint-of-transformers.srt", 129, "ru", Format::Srt),
    ] {
        let parsed = parsed(&root, name);
        let found = parsed.transcript.language.as_ref().map(ToString::to_string);
        let seen = (parsed.transcript.cues.len(), found.as_deref(), parsed.format);
        assert_eq!(seen, (cues, Some(language), format), "{name}");
    }
}

#[test]
fn two_languages_of_one_film_meet_by_time() {
    let Some(root) = root() else { return };
    let hf = "mid_hfcourse_en_fr_ru_zh";
    for (source, target) in [
        ("film_sintel_short_de_en_es/sintel-en.vtt".to_owned(), "film_sintel_short_de_en_es/sintel-de.vtt".to_owned()),
        (
            format!("{hf}/en_02_the-carbon-footprint-of-transformers.srt"),
            format!("{hf}/ru_02_the-carbon-footprint-of-transformers.srt"),
        ),
        (
            format!("{hf}/en_02_the-carbon-footprint-of-transformers.srt"),
            format!("{hf}/fr_02_the-carbon-footprint-of-transformers.srt"),
        ),
        (
            format!("{hf}/en_07_transformer-models-encoder-decoders.srt"),
            format!("{hf}/ru_07_transformer-models-encoder-decoders.srt"),
        ),
        (format!("{hf}/en_53_unigram-tokenization.srt"), format!("{hf}/fr_53_unigram-tokenization.srt")),
        ("long_sicp_en_zh/SrtEN_lec1a.srt".to_owned(), "long_sicp_en_zh/SrtCN_lec1a.srt".to_owned()),
        ("long_sicp_ass/lec5a.eng.ass".to_owned(), "long_sicp_ass/lec5a.chn+eng.ass".to_owned()),
    ] {
        let (source, target) = (parsed(&root, &source).transcript, parsed(&root, &target).transcript);
        let aligned = align(&source, &target);
        let speech = || source.cues.iter().zip(&aligned).filter(|(cue, _)| cue.kind == CueKind::Speech);
        let with = speech().filter(|(_, translation)| translation.is_some()).count();
        assert!(with * 100 >= speech().count() * 95, "{with} of {} cues have a translation", speech().count());
    }
}

#[test]
fn one_film_in_several_formats_gives_equal_cues() {
    let Some(root) = root() else { return };
    let cues = |name: &str| {
        let parsed = parsed(&root, name);
        timed(&parsed.transcript.cues)
            .into_iter()
            .map(|(start, end, text)| (start, end, text.to_owned()))
            .collect::<Vec<_>>()
    };
    let srt = cues("torture_mantas/srt.srt");
    for other in ["vtt.vtt", "ass.ass", "ass_different_format.ass", "ass_different_format2.ass"] {
        assert_eq!(cues(&format!("torture_mantas/{other}")), srt, "{other}");
    }
    let typical = cues("torture_exoplayer/subrip_typical.srt");
    for other in
        ["utf16be", "utf16le", "extra_blank_line", "missing_sequence", "with_byte_order_mark", "no_hours_and_millis"]
    {
        let other = cues(&format!("torture_exoplayer/subrip_typical_{other}.srt"));
        let texts = |cues: &[(i64, i64, String)]| cues.iter().map(|cue| cue.2.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&other), texts(&typical));
    }
    for other in ["typical_utf16be.ssa", "typical_utf16le.ssa", "typical_dialogue.ssa"] {
        assert_eq!(
            cues(&format!("torture_exoplayer/ssa_{other}")),
            cues("torture_exoplayer/ssa_typical.ssa"),
            "{other}"
        );
    }
    // One film, shifted, and again with times of its own.
    let [film, shifted, cut] = ["sintel.srt", "sintel_en.srt", "sintel-en.vtt"]
        .map(|name| cues(&format!("film_sintel_short_de_en_es/{name}")));
    assert_eq!((film.len(), shifted.len()), (26, 26));
    assert!(film.iter().zip(&shifted).all(|(a, b)| (b.0 - a.0, b.1 - a.1) == (30_000, 30_000)));
    for (cut, shifted) in cut[1..].iter().zip(&shifted).take(3) {
        assert_eq!(cut.2, shifted.2);
    }
}

#[test]
fn each_damage_keeps_every_cue_and_is_named() {
    let Some(root) = root() else { return };
    let whole = parsed(&root, "torture_mutated/all_index_1.srt");
    let whole = timed(&whole.transcript.cues);
    assert_eq!(whole.len(), 1429);
    for (name, kind, cues) in [
        ("all_index_1", Kind::IrregularIndex, 1429),
        ("no_index", Kind::IrregularIndex, 1429),
        ("crcrlf", Kind::IrregularLineEnd, 1429),
        ("line_sep_2028", Kind::IrregularLineEnd, 1429),
        ("double_bom", Kind::StrayByteOrderMark, 1429),
        ("bom_every_cue", Kind::StrayByteOrderMark, 1429),
        ("dot_ms", Kind::IrregularTiming, 1429),
        ("no_spaces_arrow", Kind::IrregularTiming, 1429),
        ("single_dash_arrow", Kind::IrregularTiming, 1429),
        ("coords", Kind::IrregularTiming, 1429),
        ("hours_100", Kind::ImplausibleTime, 1429),
        ("rtl_marks", Kind::InvisibleCharacter, 1429),
        ("number_only_text", Kind::LoneNumber, 1429),
        ("end_before_start", Kind::ReversedTime, 1428),
        ("truncated_mid_time", Kind::Truncated, 522),
        ("timestamp_in_text", Kind::StrayTiming, 50),
    ] {
        let parsed = parsed(&root, &format!("torture_mutated/{name}.srt"));
        let damaged = &parsed.transcript.cues;
        assert!(count(&parsed, kind) > 0, "{name}: no diagnostic {kind}");
        // The original's last cue ends at zero, so that its reversed twin lasts from zero to the end.
        let damaged: Vec<_> = timed(damaged).into_iter().filter(|cue| cue.1 - cue.0 < 3_000_000).collect();
        assert_eq!(damaged.len(), cues, "{name}");
        for (expected, cue) in whole.iter().zip(damaged).take(1428) {
            let shift = if name == "hours_100" { 360_000_000 } else { 0 };
            assert_eq!((cue.0 - shift, cue.1 - shift), (expected.0, expected.1), "{name}");
            // Points were put for commas in the text as well.
            let plain = |text: &str| text.replace('\n', " ").replace(',', ".");
            assert_eq!(plain(cue.2.trim_end_matches("\n42")), plain(expected.2), "{name}");
        }
    }
}

#[test]
fn what_is_no_subtitle_file_is_named_for_what_it_is() {
    let Some(root) = root() else { return };
    for (name, said) in [
        ("torture_mutated/html_page.srt", "a web page"),
        ("torture_mutated/wrong_ext_zip.srt", "a ZIP archive"),
        ("torture_mutated/only_newlines.srt", "the file is empty"),
        ("torture_exoplayer/subrip_empty.srt", "the file is empty"),
        ("torture_exoplayer/ssa_typical_header.ssa", "no usable cue: read as SubStation Alpha"),
    ] {
        let error = try_parsed(&root, name).unwrap_err();
        assert!(error.starts_with(name) && error.contains(said) && error.lines().count() == 1, "{error}");
    }
    let ass = parsed(&root, "torture_mutated/wrong_ext_ass.srt");
    assert_eq!((ass.format, count(&ass, Kind::WrongExtension)), (Format::Ass, 1));
}

#[test]
fn legacy_encodings_give_the_text_of_the_original() {
    let Some(root) = root() else { return };
    let (cn, fr) =
        ("long_sicp_en_zh/SrtCN_lec1a.srt", "mid_hfcourse_en_fr_ru_zh/fr_02_the-carbon-footprint-of-transformers.srt");
    let ru = "mid_hfcourse_en_fr_ru_zh/ru_02_the-carbon-footprint-of-transformers.srt";
    let ja = "torture_encodings/captions.ja.cp932.vtt";
    let ko = "torture_encodings/kor_Lecture_2___Image_Classification.ko.cp949.srt";
    for (name, original) in [
        ("torture_encodings/SrtCN_lec1a.gbk.srt", cn),
        ("torture_encodings/SrtCN_lec1a.utf-16-le.srt", cn),
        ("torture_encodings/SrtCN_lec1a.utf-32.srt", cn),
        ("torture_mutated/mojibake_zh.srt", cn),
        ("torture_encodings/ru_02_the-carbon-footprint-of-transformers.koi8-r.srt", ru),
        ("torture_encodings/ru_02_the-carbon-footprint-of-transformers.cp866.srt", ru),
        ("torture_encodings/fr_02_the-carbon-footprint-of-transformers.iso8859_15.srt", fr),
        ("torture_mutated/nfd.srt", fr),
        ("torture_encodings/captions.ja.iso2022_jp.vtt", ja),
        ("torture_encodings/kor_Lecture_2___Image_Classification.ko.johab.srt", ko),
        ("torture_encodings/captions.sv.latin-1.vtt", "torture_encodings/captions.sv.cp1252.vtt"),
    ] {
        let (legacy, original) = (parsed(&root, name), parsed(&root, original));
        assert_eq!(timed(&legacy.transcript.cues), timed(&original.transcript.cues), "{name} as {}", legacy.encoding);
    }
    let (mixed, original) = (parsed(&root, "torture_mutated/mixed_encoding.srt"), parsed(&root, cn));
    let known: BTreeMap<(i64, i64), &str> =
        timed(&original.transcript.cues).into_iter().map(|(s, e, t)| ((s, e), t)).collect();
    let same =
        timed(&mixed.transcript.cues).into_iter().filter(|(s, e, text)| known.get(&(*s, *e)) == Some(text)).count();
    // One cue is cut where the two pieces were joined.
    assert!(same >= 500 && count(&mixed, Kind::MixedEncoding) == 1, "{same}");
}

#[test]
fn text_in_legacy_encodings_is_in_its_own_script() {
    let Some(root) = root() else { return };
    for (name, script) in [
        ("captions.ar.cp1256.vtt", '\u{600}'..='\u{6ff}'),
        ("captions.ja.cp932.vtt", '\u{3000}'..='\u{ffef}'),
        ("kor_Lecture_2___Image_Classification.ko.cp949.srt", '\u{ac00}'..='\u{d7a3}'),
    ] {
        let parsed = parsed(&root, &format!("torture_encodings/{name}"));
        let letters = || parsed.transcript.cues.iter().flat_map(|cue| cue.text.chars()).filter(|c| !c.is_ascii());
        let own = letters().filter(|c| script.contains(c)).count();
        assert!(own * 100 >= letters().count() * 95, "{name}: {own} of {}", letters().count());
    }
}

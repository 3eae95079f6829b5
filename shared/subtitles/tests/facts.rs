//! What is met in the wild, one statement a test: files of our own making, each with one thing wrong.

use langflix_domain::{Cue, CueKind};
use langflix_subtitles::{DiagnosticKind as Kind, Parsed, parse};

fn read(name: &str, text: &str) -> Parsed {
    parse(name, text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

fn srt(text: &str) -> Parsed {
    read("a.srt", text)
}

fn vtt(text: &str) -> Parsed {
    read("a.vtt", &format!("WEBVTT\n\n{text}"))
}

fn ass(events: &str) -> Parsed {
    read("a.ass", &format!("[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Text\n{events}"))
}

fn texts(parsed: &Parsed) -> Vec<&str> {
    parsed.transcript.cues.iter().map(|cue| cue.text.as_str()).collect()
}

fn times(parsed: &Parsed) -> Vec<(i64, i64)> {
    parsed.transcript.cues.iter().map(|cue| (cue.span.start.as_millis(), cue.span.end.as_millis())).collect()
}

fn first(parsed: &Parsed) -> &Cue {
    &parsed.transcript.cues[0]
}

/// Line and kind of every diagnostic.
fn said(parsed: &Parsed) -> Vec<(u32, Kind)> {
    parsed.diagnostics.iter().map(|diagnostic| (diagnostic.line, diagnostic.kind)).collect()
}

const TWO: &str = "1\n00:00:01,000 --> 00:00:02,000\none\n\n2\n00:00:03,000 --> 00:00:04,000\ntwo\n";

#[test]
fn a_regular_file_gives_no_diagnostic() {
    assert_eq!(said(&srt(TWO)), []);
    assert_eq!(said(&vtt("id\n00:01.000 --> 00:02.000 align:start\none\n\n00:03.000 --> 00:04.000\ntwo\n")), []);
    assert_eq!(said(&ass("Dialogue: 0,0:00:01.00,0:00:02.00,Default,,one\n")), []);
}

#[test]
fn utf_16_is_read_with_and_without_its_mark() {
    for (little, mark) in [(true, true), (true, false), (false, true), (false, false)] {
        let text = if mark { format!("\u{feff}{TWO}") } else { TWO.to_owned() };
        let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
        let bytes: Vec<u8> = text.encode_utf16().flat_map(unit).collect();
        let parsed = parse("a.srt", &bytes).unwrap();
        assert_eq!(texts(&parsed), ["one", "two"], "{little} {mark}");
        assert_eq!(said(&parsed), if mark { vec![] } else { vec![(1, Kind::GuessedEncoding)] });
    }
}

#[test]
fn text_in_the_encodings_of_the_world_is_told_apart() {
    for (label, line) in [
        ("windows-1250", "Zażółć gęślą jaźń, proszę. Dziękuję bardzo, że przyszłaś tu dziś wieczorem."),
        ("windows-1251", "Мы не можем так больше жить, ты же понимаешь. Завтра всё изменится."),
        ("euc-kr", "나는 그것을 포기하지 않을 거예요. 우리는 내일 다시 만나기로 했습니다."),
        ("shift_jis", "そんなことは言っていないよ。明日また会いましょう。"),
        ("gb18030", "我们不能再这样下去了，你明白吗？明天一切都会改变。"),
        ("big5", "我們不能再這樣下去了，你明白嗎？明天一切都會改變。"),
        ("windows-1252", "Ça n'a pas été très agréable à entendre, c’est évident, mais voilà où nous en sommes."),
    ] {
        let text: String =
            (1..9).map(|n| format!("{n}\r\n00:00:0{n},000 --> 00:00:0{n},900\r\n{line}\r\n\r\n")).collect();
        let bytes = encoding_rs::Encoding::for_label(label.as_bytes()).unwrap().encode(&text).0.into_owned();
        let parsed = parse("a.srt", &bytes).unwrap();
        assert_eq!(texts(&parsed), [line; 8], "{label} read as {}", parsed.encoding);
        assert!(said(&parsed).contains(&(1, Kind::GuessedEncoding)), "{label}");
    }
}

#[test]
fn a_sign_in_utf_8_is_not_taken_for_a_legacy_encoding() {
    assert_eq!(texts(&srt("1\n00:00:01,000 --> 00:00:02,000\nWindows® café\n")), ["Windows® café"]);
}

#[test]
fn lines_end_as_they_like() {
    for end in ["\r\n", "\r", "\n", "\r\r\n"] {
        assert_eq!(texts(&srt(&TWO.replace('\n', end))), ["one", "two"], "{end:?}");
    }
    let mixed = TWO.replacen('\n', "\r\n", 3).replacen("\n\n", "\r\r", 1);
    assert_eq!(texts(&srt(&mixed)), ["one", "two"]);
}

#[test]
fn blank_lines_may_lead_double_and_miss() {
    assert_eq!(texts(&srt(&format!("\n\n{TWO}"))), ["one", "two"]);
    assert_eq!(texts(&srt(&TWO.replace('\n', "\n\n"))), ["one", "two"]);
    let missing = srt(&TWO.replace("one\n\n", "one\n"));
    assert_eq!((texts(&missing), said(&missing)), (vec!["one", "two"], vec![(4, Kind::MissingBlankLine)]));
}

#[test]
fn a_blank_line_below_the_times_or_in_the_text_parts_nothing() {
    let below = TWO.replace(",000\none", ",000\n\none");
    assert_eq!(texts(&srt(&below)), ["one", "two"]);
    assert_eq!(texts(&srt(&TWO.replace("one", "one\n\nmore"))), ["one\nmore", "two"]);
    assert_eq!(
        texts(&vtt("00:01.000 --> 00:02.000\n\none\n\nmore\n\n00:03.000 --> 00:04.000\ntwo")),
        ["one\nmore", "two"]
    );
}

#[test]
fn an_index_may_be_missing_repeated_or_absurd_and_a_number_may_be_text() {
    assert_eq!(said(&srt(&TWO.replace("\n2\n", "\n"))), [(5, Kind::IrregularIndex)]);
    assert_eq!(said(&srt(&TWO.replace("\n2\n", "\n1\n"))), [(5, Kind::IrregularIndex)]);
    assert_eq!(said(&srt(&TWO.replace("\n2\n", "\n9999\n"))), [(5, Kind::IrregularIndex)]);
    let number = srt(&TWO.replace("one\n", "one\n42\n"));
    assert_eq!((texts(&number), said(&number)), (vec!["one\n42", "two"], vec![(4, Kind::LoneNumber)]));
    assert_eq!(texts(&srt(&TWO.replace("one", "3"))), ["3", "two"]);
}

#[test]
fn times_are_read_in_every_form_and_named() {
    for line in [
        "00:00:01.000 --> 00:00:02.000",
        "00:00:01 --> 00:00:02",
        "00:00:01,0 --> 00:00:02,00",
        "00:00:01,000000 --> 00:00:02,000000",
        "0:0:1,000 --> 0:0:2,000",
        "00:00:01,000 -> 00:00:02,000",
        "00:00:01,000-->00:00:02,000",
        "00:00:01,000 --> 00:00:02,000 X1:10 X2:20 Y1:30 Y2:40",
        "00:01,000 --> 00:02,000",
    ] {
        let parsed = srt(&format!("1\n{line}\none\n"));
        assert_eq!((times(&parsed), said(&parsed)), (vec![(1000, 2000)], vec![(2, Kind::IrregularTiming)]), "{line}");
    }
    let late = srt("1\n99:00:01,000 --> 99:00:02,000\none\n\n2\n100:00:01,000 --> 100:00:02,000\ntwo\n");
    assert_eq!(times(&late), [(356_401_000, 356_402_000), (360_001_000, 360_002_000)]);
    assert_eq!(said(&late), [(2, Kind::ImplausibleTime), (6, Kind::ImplausibleTime)]);
}

#[test]
fn a_time_that_cannot_be_read_costs_its_entry_and_nothing_else() {
    let parsed = srt(&TWO.replace("00:00:01,000 -->", "00:xx:01,000 -->"));
    assert_eq!((texts(&parsed), said(&parsed)), (vec!["two"], vec![(2, Kind::UnreadableTiming)]));
    let untimed = srt(&TWO.replace("\n\n2\n00:00:03,000", "\n\n2\nlost\n\n3\n00:00:03,000"));
    assert_eq!((texts(&untimed), said(&untimed)), (vec!["one", "two"], vec![(5, Kind::MissingTiming)]));
}

#[test]
fn times_below_zero_are_set_to_zero_or_dropped() {
    let parsed = srt("1\n-00:00:03,000 --> -00:00:02,000\nnever\n\n2\n-00:00:01,000 --> 00:00:02,000\nhalf\n");
    assert_eq!((texts(&parsed), times(&parsed)), (vec!["half"], vec![(0, 2000)]));
    let kinds: Vec<Kind> = parsed.diagnostics.iter().map(|diagnostic| diagnostic.kind).collect();
    assert_eq!(kinds, [Kind::IrregularTiming, Kind::BeforeStart, Kind::IrregularTiming, Kind::NegativeTime]);
}

#[test]
fn reversed_times_are_swapped_or_estimated_and_zero_ones_kept() {
    let swapped = srt("1\n00:00:05,000 --> 00:00:03,000\none\n");
    assert_eq!((times(&swapped), said(&swapped)), (vec![(3000, 5000)], vec![(2, Kind::ReversedTime)]));
    let wild =
        srt("1\n00:10:00,000 --> 00:00:01,000\nan end that says nothing\n\n2\n00:10:01,500 --> 00:10:03,000\nx\n");
    assert_eq!(times(&wild)[0], (600_000, 601_500));
    let zero = srt("1\n00:00:05,000 --> 00:00:05,000\none\n");
    assert_eq!((times(&zero), said(&zero)), (vec![(5000, 5000)], vec![(2, Kind::ZeroDuration)]));
    let filler = srt("1\n00:00:00,000 --> 00:00:01,000\n\n\n2\n00:00:01,000 --> 00:00:02,000\none\n");
    assert_eq!((texts(&filler), said(&filler)), (vec!["one"], vec![(2, Kind::EmptyCue)]));
}

#[test]
fn overlaps_are_kept_and_disorder_is_sorted_stably() {
    let parsed = srt(
        "1\n00:00:05,000 --> 00:00:09,000\nb\n\n2\n00:00:01,000 --> 00:00:08,000\na\n\n3\n00:00:05,000 --> 00:00:06,000\nc\n",
    );
    assert_eq!((texts(&parsed), said(&parsed)), (vec!["a", "b", "c"], vec![(6, Kind::OutOfOrder)]));
}

#[test]
fn tags_go_and_words_stay() {
    let raw = "{\\an8}<i>I</i> <font color=\"red\">see</font> &amp; <b>hear</b>\u{200e} <3";
    let parsed = srt(&TWO.replace("one", raw));
    assert_eq!((texts(&parsed)[0], said(&parsed)), ("I see & hear <3", vec![(2, Kind::InvisibleCharacter)]));
    assert_eq!(texts(&vtt("00:01.000 --> 00:02.000\n<c.yellow>one</c> <00:01.500>two")), ["one two"]);
}

#[test]
fn webvtt_blocks_and_headers_are_no_cues() {
    let parsed = read(
        "a.vtt",
        "WEBVTT - title\nLanguage: sv\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\nNOTE one\ntwo\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\nx\n00:01.000 --> 00:02.000 line:0\n<v Ann>one\n\nlost words\n",
    );
    assert_eq!((texts(&parsed), first(&parsed).speaker.as_deref()), (vec!["one"], Some("Ann")));
    assert_eq!(parsed.transcript.language.as_ref().map(ToString::to_string).as_deref(), Some("sv"));
    assert_eq!(said(&parsed), [(3, Kind::TimestampMap), (18, Kind::UnknownBlock)]);
}

#[test]
fn a_webvtt_cue_may_begin_with_the_word_of_a_comment() {
    let parsed = vtt("00:01.000 --> 00:02.000\nNOTE this well\n\nNOTE not shown\n\n00:03.000 --> 00:04.000\nSTYLE\n");
    assert_eq!((texts(&parsed), said(&parsed)), (vec!["NOTE this well", "STYLE"], vec![]));
}

#[test]
fn cues_of_two_speakers_at_one_time_stay_two() {
    assert_eq!(texts(&vtt("00:01.000 --> 00:02.000\none\n\n00:01.000 --> 00:02.000\ntwo\n")), ["one", "two"]);
}

#[test]
fn rolling_captions_say_each_line_once() {
    let mut text = String::new();
    for n in 0..8 {
        let (start, end) = (n * 2, n * 2 + 2);
        let upper = if n == 0 { String::new() } else { format!("line {}\n", n - 1) };
        text += &format!("00:{start:02}.000 --> 00:{end:02}.000\n{upper}line {n}\n\n");
    }
    let parsed = vtt(&text);
    assert_eq!(texts(&parsed), ["line 0", "line 1", "line 2", "line 3", "line 4", "line 5", "line 6", "line 7"]);
    assert_eq!(said(&parsed).iter().filter(|(_, kind)| *kind == Kind::RollingCaption).count(), 7);
}

#[test]
fn columns_follow_the_format_line_and_text_keeps_its_commas() {
    let parsed = read(
        "a.ass",
        "[Events]\nFormat: Start, End, Style, Name, Text\nDialogue: 0:00:01.00,0:00:02.00,Default,Ann,One, two\\Nthree\\hfour\n",
    );
    assert_eq!((texts(&parsed), first(&parsed).speaker.as_deref()), (vec!["One, two\nthree four"], Some("Ann")));
}

#[test]
fn drawings_karaoke_and_signs_are_told_from_speech() {
    let parsed = ass("Dialogue: 0,0:00:01.00,0:00:02.00,Default,,{\\p1}m 0 0 l 9 9\n\
         Dialogue: 0,0:00:03.00,0:00:04.00,Default,,{\\k20}la {\\k30}la\n\
         Dialogue: 0,0:00:05.00,0:00:06.00,Signs,,{\\pos(1,2)}Exit\n\
         Comment: 0,0:00:06.00,0:00:07.00,Default,,not shown\n\
         Dialogue: 0,0:00:07.00,0:00:08.00,Default,,{\\an8}Who is there?\n\
         Dialogue: 0,soon,0:00:08.00,Default,,never\n");
    let kinds: Vec<(CueKind, &str)> = parsed.transcript.cues.iter().map(|cue| (cue.kind, cue.text.as_str())).collect();
    let expected = [(CueKind::Music, "la la"), (CueKind::Sign, "Exit"), (CueKind::Speech, "Who is there?")];
    assert_eq!(kinds, expected);
    assert_eq!(said(&parsed), [(5, Kind::Drawing), (10, Kind::UnreadableTiming)]);
}

#[test]
fn annotations_music_and_speakers_are_named_and_never_deleted() {
    for (text, kind, words, speaker) in [
        ("[DOOR SLAMS]", CueKind::Annotation, "[DOOR SLAMS]", None),
        ("(sighs)", CueKind::Annotation, "(sighs)", None),
        ("（笑い声）", CueKind::Annotation, "（笑い声）", None),
        ("♪ la la la", CueKind::Music, "♪ la la la", None),
        ("MIKE: Give it up.", CueKind::Speech, "Give it up.", Some("MIKE")),
        ("look: an earring", CueKind::Speech, "look: an earring", None),
    ] {
        let parsed = srt(&TWO.replace("one", text));
        let cue = first(&parsed);
        assert_eq!((cue.kind, cue.text.as_str(), cue.speaker.as_deref()), (kind, words, speaker));
    }
}

#[test]
fn adverts_are_marked_at_the_edges_and_addresses_may_be_said_in_between() {
    let middle: String =
        (2..9).map(|n| format!("{n}\n00:00:0{n},000 --> 00:00:0{n},900\nsee www.example.org\n\n")).collect();
    let text = format!(
        "1\n00:00:00,000 --> 00:00:01,000\nwww.example.org\n\n{middle}9\n00:00:09,000 --> 00:00:09,900\nDownloaded from OpenSubtitles\n"
    );
    let parsed = srt(&text);
    let adverts: Vec<usize> = (0..9).filter(|&at| parsed.transcript.cues[at].kind == CueKind::Advert).collect();
    assert_eq!(adverts, [0, 1, 7, 8]);
    assert_eq!(said(&parsed).iter().filter(|(_, kind)| *kind == Kind::Advert).count(), 4);
}

#[test]
fn a_file_that_ends_too_early_is_named() {
    for (text, line) in [
        (format!("{TWO}\n3\n"), 9),
        (format!("{TWO}\n3\n00:00:05,000 --> 00:0"), 10),
        (format!("{TWO}\n3\n00:00:05,000 --> 00:00:06,000\n"), 10),
    ] {
        let parsed = srt(&text);
        assert_eq!(texts(&parsed), ["one", "two"], "{text}");
        assert!(said(&parsed).iter().any(|said| said.0 == line && said.1 != Kind::LoneNumber), "{:?}", said(&parsed));
    }
}

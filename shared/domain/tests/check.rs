//! What of a model's answer is used: a quote must stand where it is said to, and one bad item costs one item.

#[path = "../../testkit/src/nasty.rs"]
mod nasty;

use langflix_domain::{
    AnalysisRequest, AnalysisSettings, Chunk, Cue, CueKind, CueRange, LearnerLevel, Span, Transcript, check, request,
};
use nasty::nasty;
use proptest::prelude::*;
use serde_json::{Value, json};

const LINES: [&str; 6] = [
    "I can't keep this up.",
    "Then give it up already!",
    "You changed my mind, you know.",
    "[door slams]",
    "Let's call it a day.",
    "I took it for granted.",
];

fn transcript() -> Transcript {
    let cue = |(at, text): (usize, &&str)| Cue {
        span: Span::from_millis(at as i64 * 4000, at as i64 * 4000 + 3500),
        text: (*text).to_owned(),
        speaker: None,
        kind: if text.starts_with('[') { CueKind::Annotation } else { CueKind::Speech },
    };
    Transcript { language: None, cues: LINES.iter().enumerate().map(cue).collect() }
}

/// All lines but the last are the chunk; the last is context.
fn asked(translate_lines: bool) -> (Transcript, Chunk, AnalysisRequest) {
    let transcript = transcript();
    let cues = CueRange { first: 0, last: 4 };
    let chunk = Chunk { position: 0, cues, with_context: CueRange { first: 0, last: 5 } };
    let request = request(&transcript, &chunk, &settings(translate_lines));
    (transcript, chunk, request)
}

fn settings(translate_lines: bool) -> AnalysisSettings {
    let tag = |tag: &str| tag.parse().unwrap_or_else(|_| panic!("{tag}"));
    AnalysisSettings {
        source_language: tag("en"),
        language: tag("ko"),
        level: LearnerLevel::Intermediate,
        min_expressions: 1,
        max_expressions: 3,
        translate_lines,
    }
}

fn item(expression: &str, line: u32, quote: &str) -> Value {
    json!({
        "expression": expression, "first_line": line, "last_line": line, "quote": quote,
        "scene_first_line": line, "scene_last_line": line, "meaning": "what it means",
        "similar": ["another"], "level": "B1", "kind": "idiom",
    })
}

/// Expressions taken, and the reasons for those that were not.
fn judged(answer: &str) -> (Vec<String>, Vec<String>) {
    let (transcript, chunk, request) = asked(false);
    let checked = check(answer, &request, &chunk, &transcript).unwrap_or_else(|error| panic!("{error}"));
    let taken = checked.expressions.into_iter().map(|expression| expression.expression).collect();
    (taken, checked.rejected.into_iter().map(|rejected| rejected.reason).collect())
}

#[test]
fn a_list_is_read_bare_wrapped_fenced_or_alone() {
    let one = item("give up", 2, "Then give it up already!");
    for answer in [
        json!([one]).to_string(),
        json!({ "expressions": [one] }).to_string(),
        one.to_string(),
        format!("```json\n{}\n```", json!([one])),
        format!("Here you are: {}", json!([one])),
    ] {
        assert_eq!(judged(&answer), (vec!["give up".to_owned()], vec![]), "{answer}");
    }
}

#[test]
fn an_expression_is_taken_in_any_form_in_which_its_line_says_it() {
    for (expression, line, quote) in [
        ("keep something up", 1, "I can't keep this up."),
        ("change one's mind", 3, "you changed my mind"),
        ("call it a day", 5, "Let’s call it a day"),
    ] {
        assert_eq!(judged(&json!([item(expression, line, quote)]).to_string()).0, [expression]);
    }
}

#[test]
fn what_a_model_invents_is_rejected_with_its_reason() {
    for (item, reason) in [
        (item("give up", 2, "I will never give up"), "the quote does not stand in line 2"),
        (item("break up", 2, "Then give it up already!"), "the expression is not said in its line"),
        (item("under the weather", 3, "You changed my mind"), "the expression is not said in its line"),
        (item("—", 2, "give it up"), "the expression is not said in its line"),
        (item("take for granted", 6, "I took it for granted."), "line 6 is context only"),
        (item("slam a door", 4, "[door slams]"), "line 4 is context only"),
        (item("give up", 9, "give it up"), "lines 9 to 9 are not among the 6 lines"),
        (item("give up", 0, "give it up"), "lines 0 to 0 are not among the 6 lines"),
    ] {
        assert_eq!(judged(&json!([item]).to_string()), (vec![], vec![reason.to_owned()]));
    }
}

#[test]
fn a_bad_item_costs_its_own_place_alone() {
    let good = item("give up", 2, "give it up");
    let twice = item("gave up", 2, "give it up");
    let (taken, reasons) = judged(&json!([{ "expression": "x" }, good, twice, 7]).to_string());
    assert_eq!(taken, ["give up"]);
    assert_eq!(reasons.len(), 3);
    assert!(reasons[0].starts_with("not readable: missing field") && reasons[1] == "named twice", "{reasons:?}");
}

#[test]
fn no_more_are_taken_than_were_asked_for() {
    let texts = [("keep up", 1), ("give up", 2), ("change one's mind", 3), ("call it a day", 5)];
    let items: Vec<Value> = texts.iter().map(|(text, line)| item(text, *line, LINES[*line as usize - 1])).collect();
    let (taken, reasons) = judged(&Value::from(items).to_string());
    assert_eq!((taken.len(), reasons), (3, vec!["beyond the 3 asked for".to_owned()]));
}

#[test]
fn every_line_of_a_scene_is_translated_once_where_that_was_asked() {
    let (transcript, chunk, request) = asked(true);
    let translated = |lines: &[u32]| {
        let mut item = item("give up", 2, "give it up");
        item["translation"] = json!("포기하다");
        item["quote_translation"] = json!("그럼 포기해!");
        item["scene_first_line"] = json!(1);
        item["scene_last_line"] = json!(3);
        item["scene_translations"] = lines.iter().map(|line| json!({ "line": line, "text": "번역" })).collect();
        let answer = json!([item]).to_string();
        check(&answer, &request, &chunk, &transcript).unwrap_or_else(|error| panic!("{error}"))
    };
    assert_eq!(translated(&[1, 2, 3]).expressions.len(), 1);
    assert_eq!(translated(&[1, 3]).rejected[0].reason, "line 2 of the scene is not translated");
    assert_eq!(translated(&[1, 2, 2, 3]).rejected[0].reason, "line 2 is translated twice");
}

/// The answer that has a scene of these lines, all of them translated.
fn scene_of(expression: &str, line: u32, first: u32, last: u32) -> Value {
    let mut item = item(expression, line, LINES[line as usize - 1]);
    (item["translation"], item["quote_translation"]) = (json!("표현"), json!("한 줄"));
    (item["scene_first_line"], item["scene_last_line"]) = (json!(first), json!(last));
    item["scene_translations"] = (first..=last).map(|line| json!({ "line": line, "text": "번역" })).collect();
    item
}

#[test]
fn a_scene_that_had_to_grow_is_rejected_with_the_lines_that_make_it_whole() {
    let (transcript, chunk, request) = asked(true);
    let judged = |items: &[Value]| check(&json!(items).to_string(), &request, &chunk, &transcript).unwrap();
    let short = judged(&[scene_of("give up", 2, 2, 2)]);
    assert_eq!((short.expressions.len(), short.incomplete.len(), short.rejected.len()), (0, 1, 1));
    let reason = "the scene is too short: make it lines 1 to 3, and translate each of them";
    assert_eq!((short.rejected[0].expression.as_str(), short.rejected[0].reason.as_str()), ("give up", reason));
    let translations: Vec<bool> = short.incomplete[0].scene_translations.iter().map(Option::is_some).collect();
    assert_eq!(translations, [false, true, false]);
    // What was asked for makes it whole, and one of both counts.
    let whole = judged(&[scene_of("give up", 2, 1, 3), scene_of("gave up", 2, 2, 2)]);
    assert_eq!((whole.expressions.len(), whole.incomplete.len()), (1, 0));
    assert_eq!(whole.rejected[0].reason, "named twice");
    assert_eq!(whole.expressions[0].scene, short.incomplete[0].scene);
}

#[test]
fn a_line_that_the_model_was_not_shown_is_not_asked_for() {
    let (transcript, mut chunk, _) = asked(true);
    (chunk.cues, chunk.with_context) = (CueRange { first: 1, last: 1 }, CueRange { first: 1, last: 2 });
    let request = request(&transcript, &chunk, &settings(true));
    let judged = |item: &Value| check(&item.to_string(), &request, &chunk, &transcript).unwrap();
    let mut item = scene_of("give up", 2, 1, 1);
    (item["first_line"], item["last_line"]) = (json!(1), json!(1));
    let reason = "the scene is too short: make it lines 1 to 2, and translate each of them";
    assert_eq!(judged(&item).rejected[0].reason, reason);
    item["scene_last_line"] = json!(2);
    item["scene_translations"] = json!([{ "line": 1, "text": "하나" }, { "line": 2, "text": "둘" }]);
    let taken = judged(&item).expressions.remove(0);
    assert_eq!(taken.scene.indices().len(), 3);
    assert_eq!(taken.scene_translations.iter().filter(|line| line.is_none()).count(), 1);
}

#[test]
fn an_answer_without_a_list_is_unreadable() {
    let (transcript, chunk, request) = asked(false);
    for answer in ["", "I'm sorry, I can't.", "[{\"expression\": \"give", "{\"expressions\": 3}"] {
        assert!(check(answer, &request, &chunk, &transcript).is_err(), "{answer}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_answer_breaks_the_check(answer in "(.{0,40}|[\\[\\]{}:,\"0-9a-z ]{0,60})") {
        let (transcript, chunk, request) = asked(true);
        let _ = check(&answer, &request, &chunk, &transcript);
    }

    #[test]
    fn whatever_is_taken_lies_in_the_chunk_and_quotes_it(
        text in "(give|keep|call|up|day|mind|my| ){1,5}", lines in prop::collection::vec(0u32..8, 4), quote in 0usize..6,
    ) {
        let (transcript, chunk, request) = asked(false);
        let mut item = item(&text, lines[0], LINES[quote]);
        item["last_line"] = json!(lines[1]);
        item["scene_first_line"] = json!(lines[2]);
        item["scene_last_line"] = json!(lines[3]);
        if let Ok(checked) = check(&json!([item]).to_string(), &request, &chunk, &transcript) {
            for taken in checked.expressions {
                prop_assert!(chunk.cues.covers(taken.cues) && taken.scene.covers(taken.cues));
                prop_assert_eq!(taken.scene_translations.len(), taken.scene.indices().len());
                prop_assert!(taken.line.contains(LINES[quote]));
            }
        }
    }
}

#[test]
fn whatever_a_model_writes_is_bounded_text_and_nothing_that_nobody_asked_for_passes() {
    let (transcript, chunk, request) = asked(true);
    for text in nasty() {
        let mut item = item("give it up", 2, "Then give it up already!");
        for field in ["meaning", "translation", "quote_translation", "why", "html", "start", "files"] {
            item[field] = text.as_str().into();
        }
        item["similar"] = json!(vec![text.as_str(); 1000]);
        item["scene_translations"] = json!([{ "line": 2, "text": text.as_str(), "html": text.as_str() }]);
        let answer = json!({ "expressions": [item], "system": text }).to_string();
        let checked = check(&answer, &request, &chunk, &transcript).unwrap();
        for taken in checked.expressions.iter().chain(&checked.incomplete) {
            let kept = serde_json::to_value(taken).unwrap();
            let names: Vec<&String> = kept.as_object().unwrap().keys().collect();
            assert!(
                !names.iter().any(|name| ["html", "files", "start", "system"].contains(&name.as_str())),
                "{names:?}"
            );
            let translations = taken.scene_translations.iter().flatten();
            let texts = [&taken.expression, &taken.meaning, &taken.why].into_iter().chain(&taken.similar);
            for text in texts.chain(translations).chain(&taken.translation).chain(&taken.line_translation) {
                assert!(text.chars().count() <= 600 && !text.contains(char::is_control), "{text:?}");
            }
            assert!(taken.similar.len() <= 3 && taken.expression.chars().count() <= 80);
        }
        let named = json!([{ "expression": text, "first_line": text, "kind": text }]).to_string();
        for item in check(&named, &request, &chunk, &transcript).unwrap().rejected {
            assert!(item.expression.chars().count() <= 80 && item.reason.chars().count() <= 200, "{}", item.reason);
        }
    }
}

#[test]
fn an_answer_of_very_many_items_costs_no_more_than_one_of_some() {
    let (transcript, chunk, request) = asked(false);
    let items: Vec<Value> = (0..200_000).map(|number| json!({ "expression": number.to_string() })).collect();
    let checked = check(&Value::Array(items).to_string(), &request, &chunk, &transcript).unwrap();
    assert_eq!((checked.expressions.len(), checked.rejected.len()), (0, 501));
    assert!(checked.rejected[500].reason.starts_with("199500 more items"), "{}", checked.rejected[500].reason);
}

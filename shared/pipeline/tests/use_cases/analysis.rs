use langflix_domain::{ChunkAnalysis, FailureKind, Outcome, TaskId, Usage};
use langflix_pipeline::{Recorded, RunRequest, analyse_chunk, plan_analysis};
use langflix_ports::llm::ErrorKind;
use serde_json::{Value, json};

use crate::{
    episode::{Room, cue, episode},
    fakes::{COST, Model, good, item},
};

/// Analyses the first chunk.
async fn first_chunk(room: &Room, model: &Model, asked: &RunRequest) -> Recorded<ChunkAnalysis> {
    let plan = plan_analysis(&room.store, asked).await.unwrap();
    let failure = analyse_chunk(&room.store, model, asked, &plan.tasks[0]).await.unwrap();
    let recorded = room.chunks(asked).await.remove(&TaskId::chunk(0)).unwrap();
    assert_eq!(failure.as_ref(), recorded.failure());
    recorded
}

fn names(recorded: &Recorded<ChunkAnalysis>) -> Vec<&str> {
    recorded.result().unwrap().expressions.iter().map(|expression| expression.expression.as_str()).collect()
}

fn times(usage: Usage, count: u32) -> Usage {
    let of = |tokens: u64| tokens * u64::from(count);
    Usage {
        requests: usage.requests * count,
        input_tokens: of(usage.input_tokens),
        output_tokens: of(usage.output_tokens),
    }
}

/// One chunk in which several expressions are said.
fn rich() -> RunRequest {
    let mut asked = episode();
    asked.transcript.cues = vec![cue(0, "We give up."), cue(4000, "We break the ice."), cue(8000, "We hit the road.")];
    asked
}

fn wrong(request: &langflix_domain::AnalysisRequest, expression: &str) -> Value {
    let mut item = item(request, expression);
    item["quote"] = json!("nobody says this");
    item
}

#[tokio::test]
async fn a_chunk_that_is_delivered_again_keeps_its_first_outcome_and_costs_nothing() {
    for (first, second) in [(Ok("[]".to_owned()), Err(ErrorKind::Auth)), (Err(ErrorKind::Auth), Ok("[]".to_owned()))] {
        let (room, asked) = (Room::new(), episode());
        let recorded = first_chunk(&room, &Model::new(move |_| first.clone()), &asked).await;
        let again = Model::new(move |_| second.clone());
        assert_eq!(first_chunk(&room, &again, &asked).await, recorded);
        assert!(again.asks().is_empty());
    }
}

#[tokio::test]
async fn a_rejected_item_is_asked_for_again_with_its_reason() {
    let model = Model::new(|ask| match ask.before {
        0 => Ok(Value::from(vec![wrong(&ask.request, "give up")]).to_string()),
        _ => Ok(good(&ask.request)),
    });
    let recorded = first_chunk(&Room::new(), &model, &episode()).await;
    let asks = model.asks();
    assert_eq!((asks.len(), asks[0].feedback.len()), (2, 0));
    assert_eq!(asks[1].feedback[0].expression, "give up");
    assert!(asks[1].feedback[0].reason.contains("quote"), "{:?}", asks[1].feedback);
    assert_eq!(names(&recorded), ["give up"]);
    assert!(recorded.result().unwrap().rejected.is_empty(), "what was put right is no longer rejected");
    assert_eq!(recorded.usage, times(COST, 2));
}

#[tokio::test]
async fn what_was_kept_of_each_answer_is_joined() {
    let mut asked = rich();
    asked.settings.min_expressions_per_chunk = 3;
    let model = Model::new(|ask| {
        let items = match ask.before {
            0 => vec![item(&ask.request, "give up"), wrong(&ask.request, "break the ice")],
            1 => vec![item(&ask.request, "give up"), wrong(&ask.request, "hit the road")],
            _ => vec![item(&ask.request, "break the ice"), wrong(&ask.request, "hit the road")],
        };
        Ok(Value::from(items).to_string())
    });
    let recorded = first_chunk(&Room::new(), &model, &asked).await;
    assert_eq!(model.asks().len(), 3, "a model is asked again twice at most");
    assert_eq!(names(&recorded), ["give up", "break the ice"]);
    let rejected = &recorded.result().unwrap().rejected;
    assert_eq!(rejected.len(), 1, "each reason once: {rejected:?}");
    assert_eq!(rejected[0].expression, "hit the road");
    assert_eq!(recorded.usage, times(COST, 3));
}

/// An item whose scene is its own line alone, too short by itself.
fn short(request: &langflix_domain::AnalysisRequest, expression: &str) -> Value {
    let mut item = item(request, expression);
    let line = item["first_line"].clone();
    item["scene_translations"] = json!([{ "line": line, "text": format!("<{expression}>") }]);
    (item["scene_first_line"], item["scene_last_line"]) = (line.clone(), line);
    item
}

#[tokio::test]
async fn a_scene_that_had_to_grow_is_asked_for_again_with_its_lines() {
    let model = Model::new(|ask| match ask.before {
        0 => Ok(Value::from(vec![short(&ask.request, "give up")]).to_string()),
        _ => Ok(good(&ask.request)),
    });
    let (room, asked) = (Room::new(), episode());
    let recorded = first_chunk(&room, &model, &asked).await;
    let asks = model.asks();
    assert_eq!(asks.len(), 2);
    assert!(asks[1].feedback[0].reason.contains("make it lines 1 to 3, and translate each"), "{:?}", asks[1].feedback);
    let analysis = recorded.result().unwrap();
    assert!(analysis.rejected.is_empty() && analysis.expressions.len() == 1, "{analysis:?}");
    assert!(analysis.expressions[0].scene_translations.iter().all(Option::is_some));
}

#[tokio::test]
async fn an_expression_whose_scene_no_answer_translates_is_kept_and_counted() {
    let model = Model::new(|ask| match (crate::fakes::found(&ask.request)[0], ask.before) {
        (name @ ("give up" | "break the ice"), 0) => Ok(Value::from(vec![short(&ask.request, name)]).to_string()),
        // Neither nonsense nor a provider that is gone takes back what was had.
        ("give up", _) => Ok("?".to_owned()),
        ("break the ice", _) => Err(ErrorKind::Unavailable),
        _ => Ok(good(&ask.request)),
    });
    let manifest = Room::new().drive(&model, &crate::fakes::Encoder::good(), &episode()).await;
    assert_eq!(model.asks().len(), 3 + 1 + 2 + 1);
    assert_eq!(crate::episode::names(&manifest), crate::episode::EXPRESSIONS);
    assert!(manifest.rejected.is_empty() && manifest.failures.is_empty(), "{manifest:?}");
    let lines = |clip: usize| manifest.clips[clip].cues.iter().filter(|cue| cue.translation.is_some()).count();
    assert_eq!([lines(0), lines(1), lines(2), lines(3)], [1, 3, 1, 3]);
    assert_eq!(manifest.notes, ["Scenes in which the model left lines without a translation: 2."]);
}

#[tokio::test]
async fn whole_scenes_go_before_those_that_had_to_grow_and_nothing_is_asked_for_their_sake() {
    let model = Model::new(|ask| {
        Ok(Value::from(vec![short(&ask.request, "give up"), item(&ask.request, "break the ice")]).to_string())
    });
    let recorded = first_chunk(&Room::new(), &model, &rich()).await;
    assert_eq!((names(&recorded), model.asks().len()), (vec!["break the ice", "give up"], 1));
    assert!(recorded.result().unwrap().rejected.is_empty());
}

#[tokio::test]
async fn a_rejection_is_recorded_even_if_the_next_answer_is_empty() {
    let model = Model::new(|ask| match ask.before {
        0 => Ok(Value::from(vec![wrong(&ask.request, "give up")]).to_string()),
        _ => Ok("[]".to_owned()),
    });
    let recorded = first_chunk(&Room::new(), &model, &episode()).await;
    assert_eq!(recorded.result().unwrap().rejected[0].expression, "give up");
}

#[tokio::test]
async fn a_failed_second_ask_costs_nothing_of_what_was_kept() {
    let mut asked = rich();
    asked.settings.min_expressions_per_chunk = 2;
    let model = Model::new(|ask| match ask.before {
        0 => Ok(Value::from(vec![item(&ask.request, "give up"), wrong(&ask.request, "hit the road")]).to_string()),
        _ => Err(ErrorKind::Unavailable),
    });
    let recorded = first_chunk(&Room::new(), &model, &asked).await;
    assert_eq!(names(&recorded), ["give up"]);
    assert_eq!(recorded.result().unwrap().rejected[0].expression, "hit the road");
    assert_eq!(recorded.usage, times(COST, 2));
}

#[tokio::test]
async fn an_unreadable_answer_is_malformed_after_three_asks() {
    let model = Model::new(|_| Ok("I cannot find any, sorry.".to_owned()));
    let recorded = first_chunk(&Room::new(), &model, &episode()).await;
    assert_eq!(recorded.failure().unwrap().kind, FailureKind::Malformed);
    assert_eq!(model.asks().len(), 3);
    assert!(model.asks()[2].feedback[0].reason.contains("no JSON"), "{:?}", model.asks()[2].feedback);
    assert_eq!(recorded.usage, times(COST, 3));
}

#[tokio::test]
async fn an_answer_that_becomes_readable_counts() {
    let model = Model::new(|ask| if ask.before < 2 { Ok("no".to_owned()) } else { Ok(good(&ask.request)) });
    assert_eq!(names(&first_chunk(&Room::new(), &model, &episode()).await), ["give up"]);
}

#[tokio::test]
async fn a_chunk_with_nothing_to_find_is_not_asked_about_again() {
    let model = Model::new(|_| Ok("[]".to_owned()));
    let recorded = first_chunk(&Room::new(), &model, &episode()).await;
    assert_eq!((names(&recorded).len(), model.asks().len()), (0, 1));
}

#[tokio::test]
async fn no_more_is_taken_of_a_chunk_than_was_asked_for() {
    let mut asked = rich();
    asked.settings.max_expressions_per_chunk = 2;
    let recorded = first_chunk(&Room::new(), &Model::good(), &asked).await;
    assert_eq!(names(&recorded), ["give up", "break the ice"]);
    assert_eq!(recorded.result().unwrap().rejected[0].expression, "hit the road");
}

#[tokio::test]
async fn each_kind_of_error_is_a_kind_of_failure_with_its_cost() {
    let kinds = [
        (ErrorKind::RateLimited { after: None }, FailureKind::RateLimited),
        (ErrorKind::Unavailable, FailureKind::Unavailable),
        (ErrorKind::Refused, FailureKind::Refused),
        (ErrorKind::Malformed, FailureKind::Malformed),
        (ErrorKind::Auth, FailureKind::Auth),
        (ErrorKind::QuotaExhausted, FailureKind::QuotaExhausted),
    ];
    for (error, failure) in kinds {
        let model = Model::new(move |_| Err(error));
        let recorded = first_chunk(&Room::new(), &model, &episode()).await;
        assert_eq!(recorded.failure().unwrap().kind, failure);
        assert_eq!((model.asks().len(), recorded.usage), (1, COST), "{error:?}");
    }
}

#[tokio::test]
async fn a_chunk_whose_answer_is_cut_off_is_asked_about_in_halves() {
    // One line at a time is all that this model can answer.
    let own = |ask: &crate::fakes::Ask| ask.request.lines.iter().filter(|line| !line.context).count();
    let model = Model::new(move |ask| if own(ask) > 1 { Err(ErrorKind::Truncated) } else { Ok(good(&ask.request)) });
    let asked = rich();
    let recorded = first_chunk(&Room::new(), &model, &asked).await;
    assert_eq!(names(&recorded), ["give up", "break the ice", "hit the road"]);
    let asks = model.asks();
    assert_eq!(asks.iter().map(own).collect::<Vec<_>>(), [3, 1, 2, 1, 1], "the whole, then its parts, none twice");
    assert!(asks.iter().all(|ask| ask.feedback.is_empty() && ask.request.lines.len() == 3), "the rest is context");
    assert_eq!(recorded.usage, times(COST, 5));
}

#[tokio::test]
async fn an_answer_that_is_cut_off_for_a_single_line_is_a_failure() {
    let model = Model::new(|_| Err(ErrorKind::Truncated));
    let recorded = first_chunk(&Room::new(), &model, &rich()).await;
    assert_eq!(recorded.failure().unwrap().kind, FailureKind::Truncated);
    assert_eq!(recorded.usage, times(COST, model.asks().len() as u32));
    assert!(matches!(recorded.outcome, Outcome::Failed(_)));
}

#[tokio::test]
async fn the_manifest_counts_what_every_attempt_cost() {
    let model = Model::new(|ask| match (crate::fakes::found(&ask.request)[0], ask.before) {
        ("give up", _) => Err(ErrorKind::Unavailable),
        ("call it a day", 0) => Ok("?".to_owned()),
        _ => Ok(good(&ask.request)),
    });
    let manifest = Room::new().drive(&model, &crate::fakes::Encoder::good(), &episode()).await;
    assert_eq!(model.asks().len(), 5);
    assert_eq!(manifest.timing.usage, times(COST, 5));
}

//! Gemini.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use crate::support::{
    KEY, LINE, TEXT, answering, ask, cutting_server, expect_error, nobody, provider, reply, request, sent, server,
    settings, usage,
};
use langflix_domain::{RejectedItem, Usage};
use langflix_llm::{BuildError, Gemini, ProviderSettings, build};
use langflix_ports::llm::{ErrorKind, LanguageModel as _};
use langflix_testkit::cache::MemoryCache;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

/// What every finished answer of this server costs.
const COST: Usage = Usage { requests: 1, input_tokens: 120, output_tokens: 45 };
const UNPAID: Usage = Usage { requests: 1, input_tokens: 0, output_tokens: 0 };

fn finished(reason: &str, text: &str) -> ResponseTemplate {
    reply(
        200,
        json!({
            "candidates": [{
                "content": {"role": "model", "parts": [{"text": "let me see", "thought": true}, {"text": text}]},
                "finishReason": reason,
            }],
            "usageMetadata": {"promptTokenCount": 120, "candidatesTokenCount": 30, "thoughtsTokenCount": 15},
        }),
    )
}

fn error(status: u16, name: &str, message: &str, details: Value) -> ResponseTemplate {
    reply(status, json!({"error": {"code": status, "status": name, "message": message, "details": details}}))
}

fn retry_info(delay: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
}

fn quota(id: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]})
}

fn too_many(details: Value) -> ResponseTemplate {
    error(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", details)
}

fn gemini(server: &MockServer) -> Gemini {
    Gemini::new(provider(format!("{}/v1beta", server.uri()))).unwrap()
}

#[tokio::test]
async fn a_good_answer_is_handed_on_without_the_thoughts_but_with_their_cost() {
    let server = server([finished("STOP", TEXT)]).await;
    let answer = ask(&gemini(&server)).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), (TEXT, COST));
}

#[tokio::test]
async fn the_request_carries_the_key_in_a_header_and_the_schema_in_the_body() {
    let server = server([finished("STOP", TEXT)]).await;
    let feedback = [RejectedItem { expression: "give up".into(), reason: "not in line 1".into() }];
    gemini(&server).ask(&request(), &feedback).await.unwrap();
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!(request.url.path(), "/v1beta/models/model-1:generateContent");
    assert_eq!(request.url.query(), None);
    assert_eq!(request.headers["x-goog-api-key"], KEY);
    let body: Value = request.body_json().unwrap();
    assert_eq!(body["generationConfig"]["responseMimeType"], "application/json");
    assert_eq!(body["generationConfig"]["responseSchema"]["type"], "OBJECT");
    assert_eq!(body["generationConfig"]["temperature"], 0.2);
    let lines = body["contents"][0]["parts"][0]["text"].as_str().unwrap();
    assert!(lines.contains(LINE) && lines.contains("not in line 1"), "{lines}");
    assert!(!body["systemInstruction"].to_string().contains(LINE));
}

#[tokio::test]
async fn fenced_and_half_valid_answers_are_handed_on_as_they_came() {
    let texts = ["```json\n[{}]\n```", r#"[{"expression":"give up"},{"expression":3}]"#, r#"[{"expression":"give"#];
    let server = server(texts.map(|text| finished("STOP", text))).await;
    for text in texts {
        assert_eq!(ask(&gemini(&server)).await.unwrap().text, text);
    }
}

#[tokio::test]
async fn a_cut_off_answer_is_truncated_even_where_it_reads_well_and_is_not_asked_for_again() {
    let server = server([finished("MAX_TOKENS", TEXT)]).await;
    let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
    expect_error(&*model, ErrorKind::Truncated, COST).await;
    assert_eq!(sent(&server).await, 1);
}

#[tokio::test]
async fn every_permanent_end_is_a_refusal_that_names_its_reason() {
    for reason in ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"] {
        let server = server([finished(reason, TEXT)]).await;
        let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
        let error = expect_error(&*model, ErrorKind::Refused, COST).await;
        assert!(error.message.contains(reason), "{error}");
        assert_eq!(sent(&server).await, 1);
    }
}

#[tokio::test]
async fn a_blocked_prompt_is_a_refusal_whatever_else_the_reply_says() {
    for reason in ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"] {
        let server = server([reply(
            200,
            json!({
                "promptFeedback": {"blockReason": reason},
                "candidates": [{"content": {"parts": [{"text": TEXT}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 120},
            }),
        )])
        .await;
        let error = expect_error(&gemini(&server), ErrorKind::Refused, usage(1, 120, 0)).await;
        assert!(error.message.contains(reason), "{error}");
    }
}

#[tokio::test]
async fn an_end_without_a_reason_is_asked_again_once_and_both_are_counted() {
    let twice = server([finished("OTHER", ""), finished("OTHER", ""), finished("STOP", TEXT)]).await;
    let model = build(&settings("gemini", twice.uri()), Arc::new(MemoryCache::default())).unwrap();
    expect_error(&*model, ErrorKind::Unavailable, usage(2, 240, 90)).await;
    assert_eq!(sent(&twice).await, 2);

    let once = server([finished("OTHER", ""), finished("STOP", TEXT)]).await;
    let model = build(&settings("gemini", once.uri()), Arc::new(MemoryCache::default())).unwrap();
    assert_eq!(ask(&*model).await.unwrap().usage, usage(2, 240, 90));
}

#[tokio::test]
async fn replies_that_break_the_protocol_are_malformed() {
    for (response, cost) in [
        (finished("STOP", " "), COST),
        (finished("MALFORMED_FUNCTION_CALL", TEXT), COST),
        (reply(200, json!({"candidates": []})), UNPAID),
        (reply(200, json!({"candidates": [{"content": {"parts": [{"text": TEXT}]}}]})), UNPAID),
        (reply(200, json!([1, 2])), UNPAID),
        (ResponseTemplate::new(200).set_body_string("<html>I told him I gave it up.</html>"), UNPAID),
        (ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 * 1024 * 1024]), UNPAID),
    ] {
        let server = server([response]).await;
        expect_error(&gemini(&server), ErrorKind::Malformed, cost).await;
    }
}

#[tokio::test]
async fn a_rate_limit_with_a_short_delay_is_waited_for_and_both_requests_are_counted() {
    let server = server([too_many(json!([retry_info("0.05s")])), finished("STOP", TEXT)]).await;
    let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
    let started = std::time::Instant::now();
    assert_eq!(ask(&*model).await.unwrap().usage, Usage { requests: 2, ..COST });
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_rate_limit_without_a_delay_is_asked_again_as_often_as_allowed() {
    let server = server((0..4).map(|_| too_many(json!([])))).await;
    let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
    expect_error(&*model, ErrorKind::RateLimited { after: None }, usage(4, 0, 0)).await;
    assert_eq!(sent(&server).await, 4);
}

#[tokio::test]
async fn a_rate_limit_with_a_long_delay_is_given_back_at_once() {
    let details = json!([quota("GenerateContentInputTokensPerModelPerMinute-FreeTier"), retry_info("41s")]);
    let server = server([too_many(details)]).await;
    let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
    expect_error(&*model, ErrorKind::RateLimited { after: Some(Duration::from_secs(41)) }, UNPAID).await;
    assert_eq!(sent(&server).await, 1);
}

#[tokio::test]
async fn a_daily_quota_is_exhausted_and_not_asked_again() {
    for details in [
        json!([quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), retry_info("12s")]),
        json!([quota("GenerateRequestsPerMinutePerProject"), retry_info("301s")]),
    ] {
        let server = server([too_many(details)]).await;
        let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
        expect_error(&*model, ErrorKind::QuotaExhausted, UNPAID).await;
        assert_eq!(sent(&server).await, 1);
    }
}

#[tokio::test]
async fn server_errors_are_asked_again_until_the_answer_comes() {
    for status in [500, 503, 504] {
        let failing = || error(status, "UNAVAILABLE", LINE, json!([]));
        let server = server([failing(), failing(), finished("STOP", TEXT)]).await;
        let bare = gemini(&server);
        expect_error(&bare, ErrorKind::Unavailable, UNPAID).await;
        let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
        assert_eq!(ask(&*model).await.unwrap().usage, Usage { requests: 2, ..COST });
    }
}

#[tokio::test]
async fn a_wrong_key_is_said_to_be_one_and_asked_once() {
    let info = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]);
    let message = format!("API key not valid: {KEY}");
    for response in [
        error(400, "INVALID_ARGUMENT", &message, info),
        error(400, "INVALID_ARGUMENT", &message, json!([])),
        error(401, "UNAUTHENTICATED", &message, json!([])),
        error(403, "PERMISSION_DENIED", &message, json!([])),
    ] {
        let server = server([response]).await;
        let model = build(&settings("gemini", server.uri()), Arc::new(MemoryCache::default())).unwrap();
        let error = expect_error(&*model, ErrorKind::Auth, UNPAID).await;
        assert!(error.message.contains("the key is not accepted"), "{error}");
        assert_eq!(sent(&server).await, 1);
    }
}

#[tokio::test]
async fn other_declined_requests_say_what_to_change() {
    let argument = "INVALID_ARGUMENT";
    for (response, kind, says) in [
        (error(404, "NOT_FOUND", "models/model-1 is not found", json!([])), ErrorKind::Auth, "no model 'model-1'"),
        (error(403, "PERMISSION_DENIED", "no", json!([])), ErrorKind::Auth, "may not use the model 'model-1'"),
        (error(400, "FAILED_PRECONDITION", "location", json!([])), ErrorKind::Auth, "billing and region"),
        (error(400, argument, "The input token count (9) exceeds", json!([])), ErrorKind::Truncated, "too long"),
        (error(400, argument, LINE, json!([])), ErrorKind::Refused, "HTTP 400 (INVALID_ARGUMENT)"),
    ] {
        let server = server([response]).await;
        let error = expect_error(&gemini(&server), kind, UNPAID).await;
        assert!(error.to_string().starts_with("gemini/model-1: ") && error.message.contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = server([finished("STOP", TEXT)]).await;
    let server = server([ResponseTemplate::new(307).insert_header("location", elsewhere.uri())]).await;
    let error = expect_error(&gemini(&server), ErrorKind::Malformed, UNPAID).await;
    assert!(error.message.contains("llm.base_url"), "{error}");
    assert_eq!(sent(&elsewhere).await, 0);
}

#[tokio::test]
async fn a_slow_server_is_given_up_after_the_timeout() {
    let server = server([finished("STOP", TEXT).set_delay(Duration::from_secs(30))]).await;
    let settings = ProviderSettings { request_timeout: Duration::from_millis(150), ..provider(server.uri()) };
    let error = expect_error(&Gemini::new(settings).unwrap(), ErrorKind::Unavailable, UNPAID).await;
    assert!(error.message.contains("no answer from 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_cut_connection_is_tried_again_and_counted() {
    for start in ["", "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"cand"] {
        let (address, connections) = cutting_server(start).await;
        let model = build(&settings("gemini", format!("http://{address}")), Arc::new(MemoryCache::default())).unwrap();
        let error = expect_error(&*model, ErrorKind::Unavailable, usage(4, 0, 0)).await;
        assert!(error.message.contains("was cut"), "{error}");
        assert_eq!(connections.load(Ordering::SeqCst), 4);
    }
}

#[tokio::test]
async fn where_nobody_listens_the_error_says_so() {
    let model = Gemini::new(provider(format!("http://{}", nobody().await))).unwrap();
    let error = expect_error(&model, ErrorKind::Unavailable, UNPAID).await;
    assert!(error.message.contains("cannot connect to 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn an_answer_is_paid_for_once() {
    let server = server([finished("STOP", TEXT)]).await;
    let cache = Arc::new(MemoryCache::default());
    let model = build(&settings("gemini", server.uri()), cache.clone()).unwrap();
    assert_eq!(ask(&*model).await.unwrap().usage, COST);
    let again = build(&settings("gemini", server.uri()), cache).unwrap();
    let answer = ask(&*again).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), (TEXT, Usage::default()));
    assert_eq!(sent(&server).await, 1);
}

#[test]
fn without_a_key_nothing_is_set_up_and_no_setting_shows_the_key() {
    let without = ProviderSettings { api_key: None, ..provider("https://host/v1beta".into()) };
    assert!(matches!(Gemini::new(without), Err(BuildError::MissingKey { .. })));
    assert!(!format!("{:?}", settings("gemini", "https://host".into())).contains(KEY));
    assert!(!format!("{:?}", provider("https://host".into())).contains(KEY));
}

#[test]
fn a_model_may_be_named_as_lists_of_models_do() {
    let settings = ProviderSettings { model: "models/gemini-2.5-pro".into(), ..provider("https://host".into()) };
    assert_eq!(Gemini::new(settings).unwrap().name(), "gemini/gemini-2.5-pro");
}

#[tokio::test]
async fn a_check_reads_what_the_model_is_and_says_what_is_wrong_as_a_question_does() {
    let described = reply(200, json!({"name": "models/model-1", "displayName": "M"}));
    let no_key = error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", Value::Null);
    let server = answering(
        "GET",
        [described, no_key, error(404, "NOT_FOUND", "no such model", Value::Null), reply(200, json!(1))],
    )
    .await;
    let gemini = gemini(&server);
    gemini.check().await.unwrap();
    let errors = [gemini.check().await, gemini.check().await, gemini.check().await].map(Result::unwrap_err);
    assert_eq!(errors.each_ref().map(|error| error.kind), [ErrorKind::Auth, ErrorKind::Auth, ErrorKind::Malformed]);
    assert!(errors[0].message.contains("GEMINI_API_KEY") && errors[1].message.contains("llm.model"), "{errors:?}");
    for request in server.received_requests().await.unwrap() {
        assert_eq!((request.method.as_str(), request.url.path()), ("GET", "/v1beta/models/model-1"));
        assert!(request.body.is_empty() && request.headers["x-goog-api-key"] == KEY);
    }
}

//! Chat completions.

use std::{sync::Arc, sync::atomic::Ordering, time::Duration};

use crate::support::{
    KEY, LINE, TEXT, answering, ask, cutting_server, expect_error, nobody, provider, reply, sent, server, settings,
    usage,
};
use langflix_domain::Usage;
use langflix_llm::{BuildError, LlmSettings, OpenAi, ProviderSettings, Secret, build};
use langflix_ports::llm::{ErrorKind, LanguageModel};
use langflix_testkit::cache::MemoryCache;
use serde_json::{Value, json};
use wiremock::{MockServer, ResponseTemplate};

/// What every finished answer of this server costs.
const COST: Usage = Usage { requests: 1, input_tokens: 120, output_tokens: 45 };
const UNPAID: Usage = Usage { requests: 1, input_tokens: 0, output_tokens: 0 };

fn completion(finish_reason: Value, message: Value) -> ResponseTemplate {
    reply(
        200,
        json!({
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165},
        }),
    )
}

fn finished(reason: &str, text: &str) -> ResponseTemplate {
    completion(reason.into(), json!({"role": "assistant", "content": text, "refusal": null}))
}

fn error(status: u16, code: Value, kind: &str, message: &str) -> ResponseTemplate {
    reply(status, json!({"error": {"message": message, "type": kind, "param": null, "code": code}}))
}

fn too_many() -> ResponseTemplate {
    error(429, "rate_limit_exceeded".into(), "requests", "Rate limit reached for model-1")
}

fn openai(server: &MockServer) -> OpenAi {
    OpenAi::new(provider(format!("{}/v1", server.uri()))).unwrap()
}

fn whole(server: &MockServer) -> Arc<dyn LanguageModel> {
    build(&settings("openai", format!("{}/v1", server.uri())), Arc::new(MemoryCache::default())).unwrap()
}

async fn formats(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| request.body_json::<Value>().unwrap()["response_format"]["type"].clone()).collect()
}

#[tokio::test]
async fn a_good_answer_is_handed_on_with_its_cost() {
    let server = server([finished("stop", TEXT)]).await;
    let answer = ask(&openai(&server)).await.unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), (TEXT, COST));
}

#[tokio::test]
async fn the_request_carries_the_key_in_a_header_and_a_strict_schema() {
    let server = server([finished("stop", TEXT)]).await;
    ask(&openai(&server)).await.unwrap();
    let request = server.received_requests().await.unwrap().remove(0);
    assert_eq!((request.url.path(), request.url.query()), ("/v1/chat/completions", None));
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    let body: Value = request.body_json().unwrap();
    assert_eq!(body["model"], "model-1");
    assert_eq!(body["temperature"], 0.2);
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    assert_eq!(body["response_format"]["json_schema"]["schema"]["additionalProperties"], false);
    assert!(body["messages"][1]["content"].as_str().unwrap().contains(LINE));
}

#[tokio::test]
async fn a_local_server_is_asked_without_a_key_and_a_model_without_a_temperature() {
    let server = server([finished("stop", TEXT)]).await;
    let settings = ProviderSettings { api_key: None, temperature: None, ..provider(server.uri()) };
    ask(&OpenAi::new(settings).unwrap()).await.unwrap();
    let request = server.received_requests().await.unwrap().remove(0);
    assert!(!request.headers.contains_key("authorization"));
    assert!(request.body_json::<Value>().unwrap().get("temperature").is_none());
}

#[tokio::test]
async fn fenced_half_valid_and_split_answers_are_handed_on_as_they_came() {
    for text in ["```json\n[{}]\n```", r#"[{"expression":"give up"},{"expression":3}]"#] {
        let server = server([finished("stop", text)]).await;
        assert_eq!(ask(&openai(&server)).await.unwrap().text, text);
    }
    let parts = json!({"content": [{"type": "text", "text": "[{"}, {"type": "text", "text": "}]"}]});
    let server = server([completion("stop".into(), parts)]).await;
    assert_eq!(ask(&openai(&server)).await.unwrap().text, "[{}]");
}

#[tokio::test]
async fn a_cut_off_answer_is_truncated_and_not_asked_for_again() {
    let server = server([finished("length", TEXT)]).await;
    expect_error(&*whole(&server), ErrorKind::Truncated, COST).await;
    assert_eq!(sent(&server).await, 1);
}

#[tokio::test]
async fn refusals_and_filters_are_refusals_and_not_asked_again() {
    let refusal = json!({"content": null, "refusal": format!("I cannot help with: {LINE}")});
    for response in [completion("stop".into(), refusal), finished("content_filter", "")] {
        let server = server([response]).await;
        expect_error(&*whole(&server), ErrorKind::Refused, COST).await;
        assert_eq!(sent(&server).await, 1);
    }
}

#[tokio::test]
async fn replies_that_break_the_protocol_are_malformed() {
    for (response, cost) in [
        (finished("stop", ""), COST),
        (finished("tool_calls", TEXT), COST),
        (completion(Value::Null, json!({"content": TEXT})), COST),
        (reply(200, json!({"choices": []})), UNPAID),
        (ResponseTemplate::new(200).set_body_string("I told him I gave it up."), UNPAID),
    ] {
        let server = server([response]).await;
        expect_error(&openai(&server), ErrorKind::Malformed, cost).await;
    }
}

#[tokio::test]
async fn a_server_without_response_formats_is_asked_in_the_best_form_it_knows_and_that_is_remembered() {
    let no_schema =
        || error(400, Value::Null, "invalid_request_error", "response_format type json_schema is unavailable");
    let no_object = || reply(422, json!({"detail": "response_format: unknown field"}));
    let server = server([no_schema(), no_object(), finished("stop", TEXT), finished("stop", TEXT)]).await;
    let model = openai(&server);
    assert_eq!(ask(&model).await.unwrap().usage, Usage { requests: 3, ..COST });
    assert_eq!(ask(&model).await.unwrap().usage, COST);
    assert_eq!(formats(&server).await, [json!("json_schema"), json!("json_object"), Value::Null, Value::Null]);
    let last = server.received_requests().await.unwrap().pop().unwrap().body_json::<Value>().unwrap();
    let system = last["messages"][0]["content"].as_str().unwrap();
    assert!(system.contains("JSON Schema") && system.contains("scene_last_line"), "{system}");
}

#[tokio::test]
async fn a_400_about_something_else_is_not_asked_in_another_form() {
    let server = server([error(400, "unsupported_value".into(), "invalid_request_error", LINE)]).await;
    let error = expect_error(&openai(&server), ErrorKind::Refused, UNPAID).await;
    assert!(error.message.contains("HTTP 400 (unsupported_value)"), "{error}");
    assert_eq!(formats(&server).await.len(), 1);
}

#[tokio::test]
async fn a_rate_limit_with_a_short_delay_is_waited_for_and_both_requests_are_counted() {
    let server = server([too_many().insert_header("retry-after", "0.05"), finished("stop", TEXT)]).await;
    let started = std::time::Instant::now();
    assert_eq!(ask(&*whole(&server)).await.unwrap().usage, Usage { requests: 2, ..COST });
    assert!(started.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_rate_limit_without_a_delay_is_asked_again_as_often_as_allowed() {
    let server = server((0..4).map(|_| too_many())).await;
    expect_error(&*whole(&server), ErrorKind::RateLimited { after: None }, usage(4, 0, 0)).await;
    assert_eq!(sent(&server).await, 4);
}

#[tokio::test]
async fn a_longer_wait_is_read_from_whichever_header_has_it_and_given_back() {
    let in_a_minute = httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(61));
    for (name, value, seconds) in [
        ("retry-after", "45", 45..=45),
        ("retry-after", in_a_minute.as_str(), 58..=61),
        ("x-ratelimit-reset-tokens", "1m30s", 90..=90),
    ] {
        let server = server([too_many().insert_header(name, value)]).await;
        let error = ask(&*whole(&server)).await.unwrap_err();
        match error.kind {
            ErrorKind::RateLimited { after: Some(after) } => assert!(seconds.contains(&after.as_secs()), "{after:?}"),
            other => panic!("{other:?}"),
        }
        assert_eq!((error.usage, sent(&server).await), (UNPAID, 1));
    }
}

#[tokio::test]
async fn a_used_up_account_or_day_is_exhausted_and_not_asked_again() {
    for response in [
        error(429, "insufficient_quota".into(), "insufficient_quota", "You exceeded your current quota"),
        error(402, 402.into(), "payment", "Insufficient credits"),
        too_many().insert_header("retry-after", "3600"),
        too_many()
            .insert_header("x-ratelimit-remaining-requests", "0")
            .insert_header("x-ratelimit-reset-requests", "6m0s"),
    ] {
        let server = server([response]).await;
        expect_error(&*whole(&server), ErrorKind::QuotaExhausted, UNPAID).await;
        assert_eq!(sent(&server).await, 1);
    }
}

#[tokio::test]
async fn server_errors_are_asked_again_until_the_answer_comes() {
    for status in [500, 502, 503] {
        let failing = || ResponseTemplate::new(status).set_body_string(LINE);
        let server = server([failing(), failing(), finished("stop", TEXT)]).await;
        expect_error(&openai(&server), ErrorKind::Unavailable, UNPAID).await;
        assert_eq!(ask(&*whole(&server)).await.unwrap().usage, Usage { requests: 2, ..COST });
    }
}

#[tokio::test]
async fn an_error_inside_a_200_counts_as_what_it_says() {
    let server = server([reply(200, json!({"error": {"code": 503, "message": LINE}}))]).await;
    expect_error(&openai(&server), ErrorKind::Unavailable, UNPAID).await;
}

#[tokio::test]
async fn declined_requests_say_what_to_change() {
    let echo = format!("Incorrect API key provided: {KEY}");
    for (response, kind, says) in [
        (
            error(401, "invalid_api_key".into(), "invalid_request_error", &echo),
            ErrorKind::Auth,
            "key is missing or not",
        ),
        (error(403, Value::Null, "permission", &echo), ErrorKind::Auth, "may not use the model 'model-1'"),
        (error(404, "model_not_found".into(), "invalid_request_error", LINE), ErrorKind::Auth, "no model 'model-1'"),
        (error(400, "context_length_exceeded".into(), "x", LINE), ErrorKind::Truncated, "too long"),
        (
            reply(400, json!({"object": "error", "type": "BadRequestError", "code": 400})),
            ErrorKind::Refused,
            "BadRequest",
        ),
    ] {
        let server = server([response]).await;
        let error = expect_error(&*whole(&server), kind, UNPAID).await;
        assert!(error.to_string().starts_with("openai/model-1: ") && error.message.contains(says), "{error}");
        assert_eq!(sent(&server).await, 1);
    }
}

#[tokio::test]
async fn a_slow_server_is_given_up_after_the_timeout() {
    let server = server([finished("stop", TEXT).set_delay(Duration::from_secs(30))]).await;
    let settings = ProviderSettings { request_timeout: Duration::from_millis(150), ..provider(server.uri()) };
    let error = expect_error(&OpenAi::new(settings).unwrap(), ErrorKind::Unavailable, UNPAID).await;
    assert!(error.message.contains("no answer from 127.0.0.1"), "{error}");
}

#[tokio::test]
async fn a_cut_connection_is_tried_again_and_counted() {
    let (address, connections) = cutting_server("").await;
    let model = build(&settings("openai", format!("http://{address}")), Arc::new(MemoryCache::default())).unwrap();
    let error = expect_error(&*model, ErrorKind::Unavailable, usage(4, 0, 0)).await;
    assert!(error.message.contains("was cut"), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn an_address_with_a_password_is_not_shown_in_errors() {
    let address = nobody().await;
    let model = OpenAi::new(provider(format!("http://user:{KEY}@{address}/v1?key={KEY}"))).unwrap();
    expect_error(&model, ErrorKind::Unavailable, UNPAID).await;
}

#[test]
fn wrong_settings_are_named() {
    let base = settings("openai", "http://localhost/v1".into());
    let cases = [
        (LlmSettings { provider: "claude".into(), ..base.clone() }, "llm.provider 'claude'"),
        (LlmSettings { base_url: Some("localhost".into()), ..base.clone() }, "llm.base_url"),
        (LlmSettings { base_url: None, api_key: None, ..base.clone() }, "OPENAI_API_KEY"),
        (LlmSettings { base_url: None, api_key: Some(Secret::new(" \n")), ..base.clone() }, "OPENAI_API_KEY"),
        (LlmSettings { api_key: Some(Secret::new("a\nb")), ..base.clone() }, "key"),
        (LlmSettings { model: Some("a b?".into()), ..base.clone() }, "llm.model"),
        (LlmSettings { temperature: Some(2.5), ..base.clone() }, "llm.temperature"),
        (LlmSettings { temperature: Some(f64::NAN), ..base.clone() }, "llm.temperature"),
    ];
    for (wrong, says) in cases {
        let error = build(&wrong, Arc::new(MemoryCache::default())).err().unwrap();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!matches!(error, BuildError::Client(_)));
    }
    assert_eq!(build(&base, Arc::new(MemoryCache::default())).unwrap().name(), "openai/model-1");
}

#[tokio::test]
async fn a_check_looks_for_the_model_in_the_list_of_the_server() {
    let list = |name: &str| reply(200, json!({"object": "list", "data": [{"id": "other"}, {"id": name}]}));
    let refused = reply(401, json!({"error": {"code": "invalid_api_key", "message": "no"}}));
    let server =
        answering("GET", [list("model-1"), list("model-1:latest"), list("model-2"), reply(404, json!({})), refused])
            .await;
    let openai = openai(&server);
    for expected in [true, true, false, false] {
        assert_eq!(openai.check().await.unwrap(), expected);
    }
    let error = openai.check().await.unwrap_err();
    assert!(error.kind == ErrorKind::Auth && error.message.contains("OPENAI_API_KEY"), "{error}");
    for request in server.received_requests().await.unwrap() {
        assert!(request.method.as_str() == "GET" && request.url.path().ends_with("/models") && request.body.is_empty());
    }
}

//! What the replies of chat completions mean.

use std::time::SystemTime;

use langflix_domain::Usage;
use langflix_ports::llm::{Answer, ErrorKind};
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::headers;
use crate::{
    failure::{Failure, code},
    http::Reply,
};

pub(super) fn read(reply: Reply, model: &str) -> Result<Answer, Failure> {
    let status = status(&reply);
    let body = reply.body.unwrap_or_default();
    let usage = usage(&body);
    let answer = match status {
        200..=299 => answer(&body),
        status => Err(error(status, &body, &reply.headers, model)),
    };
    match answer {
        Ok(text) => Ok(Answer { text, usage }),
        Err(failure) => Err(failure.with_usage(usage)),
    }
}

/// Whether the server turned the request down for its `response_format`. Its wording differs from server to server,
/// but all name the parameter or the type.
pub(super) fn refuses_format(reply: &Reply) -> bool {
    let told = reply.body.as_ref().map(Value::to_string).unwrap_or_default();
    matches!(reply.status.as_u16(), 400 | 422)
        && ["response_format", "json_schema", "json_object", "structured output"]
            .iter()
            .any(|word| told.to_ascii_lowercase().contains(word))
}

/// Whether the list of a server's models has this one. Ollama lists its models with their tags, and takes them without.
pub(super) fn lists(reply: &Reply, model: &str) -> Result<bool, Failure> {
    let body = reply.body.as_ref().unwrap_or(&Value::Null);
    let is_model = |listed: &Value| {
        let name = listed["id"].as_str().unwrap_or_default();
        name == model || name.strip_suffix(":latest") == Some(model)
    };
    match status(reply) {
        200..=299 => Ok(body["data"].as_array().is_some_and(|all| all.iter().any(is_model))),
        404 | 405 | 501 => Ok(false),
        status => Err(error(status, body, &reply.headers, model)),
    }
}

/// The status, or the one inside the body: OpenRouter answers 200 and puts its upstream's error into the body.
fn status(reply: &Reply) -> u16 {
    let status = reply.status.as_u16();
    let body = reply.body.as_ref();
    let inner = body.filter(|body| body["choices"].is_null()).and_then(|body| body["error"]["code"].as_u64());
    match inner.and_then(|code| u16::try_from(code).ok()) {
        Some(inner @ 400..=599) if status == 200 => inner,
        _ => status,
    }
}

fn usage(body: &Value) -> Usage {
    let count = |name: &str| body["usage"][name].as_u64().unwrap_or(0);
    // Reasoning is part of `completion_tokens`.
    Usage { requests: 1, input_tokens: count("prompt_tokens"), output_tokens: count("completion_tokens") }
}

fn answer(body: &Value) -> Result<String, Failure> {
    let choice = &body["choices"][0];
    let message = &choice["message"];
    if !message.is_object() {
        return Err(Failure::new(ErrorKind::Malformed, "the reply is not a chat completion"));
    }
    // The refusal's words are the model's and may quote the lines.
    if message["refusal"].as_str().is_some_and(|refusal| !refusal.is_empty()) {
        return Err(Failure::new(ErrorKind::Refused, "the model declined these lines (refusal)"));
    }
    finished(choice["finish_reason"].as_str())?;
    let text = text(&message["content"]);
    match text.trim().is_empty() {
        true => Err(Failure::new(ErrorKind::Malformed, "the answer is empty")),
        false => Ok(text),
    }
}

fn finished(reason: Option<&str>) -> Result<(), Failure> {
    let named = code(reason);
    let (kind, message) = match reason {
        // The second and third are what text-generation-inference and some gateways say for "stop".
        Some("stop" | "eos_token" | "stop_sequence") => return Ok(()),
        Some("length") => (ErrorKind::Truncated, format!("the answer was cut off{named}: lower llm.chunk_size")),
        Some("content_filter") => (ErrorKind::Refused, format!("the model declined these lines{named}")),
        _ => (ErrorKind::Malformed, format!("the answer did not end as one does{named}")),
    };
    Err(Failure::new(kind, message))
}

/// The content: a text, or a list of parts of which the texts count.
fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn error(status: u16, body: &Value, headers: &HeaderMap, model: &str) -> Failure {
    // OpenAI nests the error, older vLLM does not.
    let error = if body["error"].is_object() { &body["error"] } else { body };
    let reason = error["code"].as_str().or_else(|| error["type"].as_str());
    let is = |word: &str| ["code", "type"].iter().any(|field| error[*field].as_str() == Some(word));
    let named = code(reason);
    let (kind, message) = match status {
        401 => (ErrorKind::Auth, format!("the key is missing or not accepted{named}: check OPENAI_API_KEY")),
        403 => (ErrorKind::Auth, format!("this key may not use the model '{model}'{named}")),
        404 => (
            ErrorKind::Auth,
            format!("there is no model '{model}' at this address{named}: check llm.model and llm.base_url"),
        ),
        402 => (ErrorKind::QuotaExhausted, format!("the account has no credit left{named}")),
        429 if is("insufficient_quota") || is("billing_hard_limit_reached") => {
            (ErrorKind::QuotaExhausted, format!("the account has no credit left{named}: check plan and billing"))
        }
        429 => return Failure::too_many_requests(headers::wait(headers, SystemTime::now()), &named),
        413 => (ErrorKind::Truncated, format!("the request is too long{named}: lower llm.chunk_size")),
        400 if is("context_length_exceeded") => {
            (ErrorKind::Truncated, format!("the request is too long{named}: lower llm.chunk_size"))
        }
        400 if is("invalid_api_key") => (ErrorKind::Auth, format!("the key is not accepted{named}")),
        408 | 500..=599 => (ErrorKind::Unavailable, format!("the server failed with HTTP {status}{named}")),
        300..=399 => {
            (ErrorKind::Malformed, format!("the server redirects (HTTP {status}): set llm.base_url to its address"))
        }
        _ => (ErrorKind::Refused, format!("the request was not accepted, HTTP {status}{named}")),
    };
    Failure::new(kind, message)
}

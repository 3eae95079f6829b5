//! What Gemini's replies mean. First `promptFeedback.blockReason`, then `finishReason`; only `STOP` is whole.

use std::time::Duration;

use langflix_domain::Usage;
use langflix_ports::llm::{Answer, ErrorKind};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    failure::{Failure, code},
    http::Reply,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(default)]
    candidates: Vec<Candidate>,
    prompt_feedback: Option<PromptFeedback>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PromptFeedback {
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Option<Content>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
    #[serde(default)]
    thought: bool,
}

pub(super) fn read(reply: Reply, model: &str) -> Result<Answer, Failure> {
    let body = reply.body.unwrap_or_default();
    let usage = usage(&body);
    let answer = match reply.status.as_u16() {
        200..=299 => answer(body),
        status => Err(error(status, &body, model)),
    };
    match answer {
        Ok(text) => Ok(Answer { text, usage }),
        Err(failure) => Err(failure.with_usage(usage)),
    }
}

/// Reads the description of a model.
pub(super) fn described(reply: &Reply, model: &str) -> Result<(), Failure> {
    match (reply.status.as_u16(), reply.body.as_ref().unwrap_or(&Value::Null)) {
        (200..=299, body) if body["name"].is_string() => Ok(()),
        (200..=299, _) => Err(Failure::new(ErrorKind::Malformed, "the reply describes no model: check llm.base_url")),
        (status, body) => Err(error(status, body, model)),
    }
}

fn usage(body: &Value) -> Usage {
    let metadata = &body["usageMetadata"];
    let count = |name: &str| metadata[name].as_u64().unwrap_or(0);
    Usage {
        requests: 1,
        input_tokens: count("promptTokenCount").saturating_add(count("toolUsePromptTokenCount")),
        // Thoughts are billed as output and not counted among the candidates'.
        output_tokens: count("candidatesTokenCount").saturating_add(count("thoughtsTokenCount")),
    }
}

fn answer(body: Value) -> Result<String, Failure> {
    let response: Response = serde_json::from_value(body)
        .map_err(|_| Failure::new(ErrorKind::Malformed, "the reply is not a generateContent response"))?;
    if let Some(reason) = response.prompt_feedback.and_then(|feedback| feedback.block_reason) {
        let reason = code(Some(&reason));
        return Err(Failure::new(ErrorKind::Refused, format!("the lines were blocked{reason}")));
    }
    let candidate = response
        .candidates
        .into_iter()
        .next()
        .ok_or_else(|| Failure::new(ErrorKind::Malformed, "the reply holds no answer"))?;
    finished(candidate.finish_reason.as_deref())?;
    let parts = candidate.content.map(|content| content.parts).unwrap_or_default();
    let text: String = parts.into_iter().filter(|part| !part.thought).map(|part| part.text).collect();
    match text.trim().is_empty() {
        true => Err(Failure::new(ErrorKind::Malformed, "the answer is empty")),
        false => Ok(text),
    }
}

fn finished(reason: Option<&str>) -> Result<(), Failure> {
    let named = code(reason);
    let (kind, message) = match reason {
        Some("STOP") => return Ok(()),
        Some("MAX_TOKENS") => (ErrorKind::Truncated, format!("the answer was cut off{named}: lower llm.chunk_size")),
        Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE" | "IMAGE_SAFETY") => {
            (ErrorKind::Refused, format!("the model declined these lines{named}"))
        }
        Some("OTHER") => (ErrorKind::Unavailable, format!("the model stopped without saying why{named}")),
        _ => (ErrorKind::Malformed, format!("the answer did not end as one does{named}")),
    };
    Err(Failure::new(kind, message))
}

/// The parts of a `google.rpc.Status` that decide.
struct Status<'a> {
    status: Option<&'a str>,
    reason: Option<&'a str>,
    message: &'a str,
    per_day: bool,
    retry_delay: Option<Duration>,
}

impl<'a> Status<'a> {
    fn of(body: &'a Value) -> Self {
        let error = &body["error"];
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let quota_ids = details.iter().filter_map(|detail| detail["violations"].as_array()).flatten();
        Self {
            status: error["status"].as_str(),
            reason: details.iter().find_map(|detail| detail["reason"].as_str()),
            message: error["message"].as_str().unwrap_or_default(),
            per_day: quota_ids.filter_map(|violation| violation["quotaId"].as_str()).any(|id| id.contains("PerDay")),
            retry_delay: details.iter().find_map(|detail| detail["retryDelay"].as_str()).and_then(protobuf_duration),
        }
    }
}

fn error(status: u16, body: &Value, model: &str) -> Failure {
    let found = Status::of(body);
    let named = code(found.reason.or(found.status));
    let wrong_key =
        found.reason.is_some_and(|reason| reason.starts_with("API_KEY_")) || found.message.starts_with("API key");
    let (kind, message) = match status {
        401 => (ErrorKind::Auth, format!("the key is not accepted{named}: check GEMINI_API_KEY")),
        400 | 403 if wrong_key => (ErrorKind::Auth, format!("the key is not accepted{named}: check GEMINI_API_KEY")),
        403 => (ErrorKind::Auth, format!("this key may not use the model '{model}'{named}")),
        400 if found.status == Some("FAILED_PRECONDITION") => {
            (ErrorKind::Auth, format!("the account may not use the API from here{named}: check billing and region"))
        }
        404 => (
            ErrorKind::Auth,
            format!("there is no model '{model}' at this address{named}: check llm.model and llm.base_url"),
        ),
        413 => (ErrorKind::Truncated, format!("the request is too long{named}: lower llm.chunk_size")),
        400 if found.message.contains("token count") => {
            (ErrorKind::Truncated, format!("the request is too long{named}: lower llm.chunk_size"))
        }
        429 if found.per_day => (
            ErrorKind::QuotaExhausted,
            format!("the daily quota is used up{named}: go on tomorrow, or raise the quota"),
        ),
        429 => return Failure::too_many_requests(found.retry_delay, &named),
        408 | 500..=599 => (ErrorKind::Unavailable, format!("the server failed with HTTP {status}{named}")),
        300..=399 => {
            (ErrorKind::Malformed, format!("the server redirects (HTTP {status}): set llm.base_url to its address"))
        }
        _ => (ErrorKind::Refused, format!("the request was not accepted, HTTP {status}{named}")),
    };
    Failure::new(kind, message)
}

/// A duration in the JSON form of protobuf: `36s`, `1.5s`.
fn protobuf_duration(text: &str) -> Option<Duration> {
    let seconds: f64 = text.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_delays_are_read_with_and_without_a_fraction() {
        assert_eq!(protobuf_duration("36s"), Some(Duration::from_secs(36)));
        assert_eq!(protobuf_duration("0.25s"), Some(Duration::from_millis(250)));
        for wrong in ["", "36", "-1s", "NaNs", "infs", "1e300s"] {
            assert_eq!(protobuf_duration(wrong), None, "{wrong}");
        }
    }
}

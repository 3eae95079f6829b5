use std::collections::BTreeMap;

use super::{
    Entry, Fault, Origin, Sources,
    kind::Kind,
    origin::visible,
    sources::{environment_name, key_of},
};

/// A value as a source gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) key: String,
    /// The text; `None` for a list, which no key takes.
    pub(super) text: Option<String>,
    pub(super) origin: Origin,
}

/// What is known of a key beside its value.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) key: &'static str,
    pub(super) default: String,
    pub(super) allowed: String,
    pub(super) help: &'static str,
}

/// Takes values out of the sources. A key is declared by being read; what nobody read is unknown.
pub(super) struct Reader {
    /// Lowest source first.
    given: BTreeMap<String, Vec<Given>>,
    pub(super) declared: Vec<Declared>,
    entries: Vec<Entry>,
    faults: Vec<Fault>,
}

impl Reader {
    pub(super) fn new(sources: &Sources) -> Self {
        let (all, faults) = sources.given();
        let mut given: BTreeMap<String, Vec<Given>> = BTreeMap::new();
        for one in all {
            given.entry(one.key.clone()).or_default().push(one);
        }
        Self { given, declared: Vec::new(), entries: Vec::new(), faults }
    }

    /// The value of `key`: of the highest source that gives one that is allowed, else `default`.
    pub(super) fn value<T: Clone>(&mut self, key: &'static str, kind: Kind<T>, default: T, help: &'static str) -> T {
        let shown = (kind.show)(&default);
        self.declared.push(Declared { key, default: shown, allowed: kind.allowed.clone(), help });
        let (mut value, mut origin) = (default, Origin::Default);
        for given in self.given.remove(key).unwrap_or_default() {
            match given.text.as_deref().and_then(&kind.parse) {
                Some(parsed) => (value, origin) = (parsed, given.origin),
                None => self.faults.push(not_allowed(given, &kind)),
            }
        }
        self.entries.push(Entry { key, value: (kind.show)(&value), origin });
        value
    }

    /// Reports that the value of `key`, fine by itself, does not go with the others.
    pub(super) fn refuse(&mut self, key: &'static str, allowed: String) {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        let value = entry.map(|entry| format!("'{}'", visible(&entry.value))).unwrap_or_default();
        let origin = self.origin(key);
        self.faults.push(Fault::NotAllowed { key: key.to_owned(), value, origin, allowed });
    }

    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Whether a value was given that is not allowed.
    pub(super) fn refused(&self, key: &str) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::NotAllowed { key: of, .. } if of == key))
    }

    pub(super) fn origin(&self, key: &str) -> Origin {
        self.entries.iter().find(|entry| entry.key == key).map_or(Origin::Default, |entry| entry.origin.clone())
    }

    /// Lists something that holds and is no key of its own, or shows more of one that is.
    pub(super) fn list(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|other| other.key == entry.key) {
            Some(other) => *other = entry,
            None => self.entries.push(entry),
        }
    }

    /// What holds, and all that is wrong.
    pub(super) fn finish(mut self) -> (Vec<Entry>, Vec<Fault>) {
        let unknown: Vec<Given> = std::mem::take(&mut self.given).into_values().flatten().collect();
        for given in unknown {
            let fault = self.unknown(given);
            self.faults.push(fault);
        }
        (self.entries, self.faults)
    }

    fn unknown(&self, given: Given) -> Fault {
        let Given { key, origin, text } = given;
        let shown = visible(&key);
        if let Some(instead) = place_of_secret(&key) {
            return Fault::Secret { key: shown, origin, instead };
        }
        if self.declared.iter().any(|known| known.key.strip_prefix(&key).is_some_and(|rest| rest.starts_with('.'))) {
            let value = described(text.as_deref());
            let allowed = format!("a section, its keys below it as in '{key}: {{ … }}'");
            return Fault::NotAllowed { key: shown, value, origin, allowed };
        }
        let nearest = match &origin {
            Origin::Environment { variable } => {
                key_of(variable).and_then(|key| self.nearest(&key)).map(environment_name)
            }
            _ => self.nearest(&key).map(str::to_owned),
        };
        Fault::UnknownKey { key: shown, origin, nearest }
    }

    fn nearest(&self, key: &str) -> Option<&'static str> {
        // Similarity takes time and memory by the product of both lengths.
        const LONGEST: usize = 100;
        const NEAR: f64 = 0.7;
        if key.len() > LONGEST {
            return None;
        }
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_lowercase();
        let likeness = |known: &'static str| {
            let whole = strsim::normalized_damerau_levenshtein(&key.to_lowercase(), known);
            whole.max(0.95 * strsim::normalized_damerau_levenshtein(&last(key), &last(known)))
        };
        let scored = self.declared.iter().map(|known| (likeness(known.key), known.key));
        scored.filter(|(score, _)| *score >= NEAR).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, known)| known)
    }
}

/// Where a secret that `key` would hold is taken from; `None` where `key` does not sound like one.
fn place_of_secret(key: &str) -> Option<&'static str> {
    const LLM: &str = "set GEMINI_API_KEY or OPENAI_API_KEY, or name a file with llm.api_key_file";
    const RABBITMQ: &str = "set RABBITMQ_PASSWORD, or name a file with rabbitmq.password_file";
    const REDIS: &str = "set REDIS_PASSWORD, or name a file with redis.password_file";
    const S3: &str =
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name files with s3.access_key_file and s3.secret_key_file";
    const TOKEN: &str = "set AWS_SESSION_TOKEN";
    const WEB: &str = "name a file with web.view_token_file or web.action_token_file";
    const HEADERS: &str = "set OTEL_EXPORTER_OTLP_HEADERS, or name a file with telemetry.otlp_headers_file";
    let ends = |ends: &[&str]| ends.iter().any(|end| key.ends_with(end));
    match key.split('.').next() {
        _ if ends(&["api_key"]) => Some(LLM),
        _ if ends(&["access_key", "access_key_id", "secret_key"]) => Some(S3),
        _ if ends(&["session_token"]) => Some(TOKEN),
        _ if ends(&["view_token", "action_token"]) => Some(WEB),
        Some("telemetry") if ends(&["headers"]) => Some(HEADERS),
        Some("redis") if ends(&["password"]) => Some(REDIS),
        _ if ends(&["password"]) => Some(RABBITMQ),
        _ => None,
    }
}

fn not_allowed<T>(given: Given, kind: &Kind<T>) -> Fault {
    let value = match kind.repeatable {
        true => described(given.text.as_deref()),
        false => "the value, not repeated since it may hold a secret,".to_owned(),
    };
    Fault::NotAllowed { key: given.key, value, origin: given.origin, allowed: kind.allowed.clone() }
}

fn described(text: Option<&str>) -> String {
    text.map_or_else(|| "a list".to_owned(), |text| format!("'{}'", visible(text)))
}

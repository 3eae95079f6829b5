use std::{fmt, io::Write as _};

use serde::Serialize;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    fmt::{
        MakeWriter,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    layer::Context,
    registry::LookupSpan,
};

/// One JSON object a line, in which the fields of an event and of the spans around it stand side by side, so that a search
/// for a run, a task or a trace needs to know nothing of spans. What a span says is written once, for all events within it.
pub(super) struct Lines<W> {
    pub(super) writer: W,
}

/// The fields of a span or an event, in their order: names, and values as JSON.
#[derive(Default)]
struct Fields(Vec<(&'static str, String)>);

struct Line {
    text: String,
    /// What stands there already: of one name, the innermost holds.
    names: Vec<&'static str>,
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut line = Line::begin(*event.metadata().level());
        let mut fields = Fields::default();
        event.record(&mut fields);
        line.add(&fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.add(fields);
            }
        }
        let text = line.end(event.metadata().target());
        // There is no other place to say that nothing can be said.
        let _unheard = self.writer.make_writer_for(event.metadata()).write_all(text.as_bytes());
    }
}

impl Line {
    fn begin(level: Level) -> Self {
        let mut line = Self { text: String::with_capacity(512), names: Vec::with_capacity(16) };
        line.text.push_str(r#"{"timestamp":""#);
        // Digits, and a String takes all.
        let _always = SystemTime.format_time(&mut Writer::new(&mut line.text));
        line.text.push('"');
        line.put("level", &json(level.as_str()));
        line
    }

    fn add(&mut self, Fields(fields): &Fields) {
        for (name, value) in fields {
            if !self.names.contains(name) {
                self.names.push(name);
                self.put(name, value);
            }
        }
    }

    fn put(&mut self, name: &str, value: &str) {
        self.text.push(',');
        self.text.push_str(&json(name));
        self.text.push(':');
        self.text.push_str(value);
    }

    fn end(mut self, target: &str) -> String {
        self.put("target", &json(target));
        self.text.push_str("}\n");
        self.text
    }
}

impl Fields {
    /// What is said later holds.
    fn put(&mut self, field: &Field, value: String) {
        match self.0.iter_mut().find(|(name, _)| *name == field.name()) {
            Some((_, before)) => *before = value,
            None => self.0.push((field.name(), value)),
        }
    }
}

/// Texts, numbers and truths: what always is JSON.
fn json(value: impl Serialize) -> String {
    serde_json::to_string(&value).unwrap_or_default()
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json(value));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json(value));
    }
}

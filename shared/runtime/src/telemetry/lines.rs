use std::fmt;

use serde::ser::{SerializeMap as _, Serializer as _};
use serde_json::{Map, Value};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormattedFields,
        format::{JsonFields, Writer},
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// One JSON object a line, in which the fields of an event and of the spans around it stand side by side, so that a search
/// for a run, a task or a trace needs to know nothing of spans.
pub(super) struct Lines;

/// The fields of an event, in their order.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl<S> FormatEvent<S, JsonFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let around = around(context);
        let line = written(event, &time, fields.0, around).map_err(|_| fmt::Error)?;
        writer.write_str(&line)?;
        writer.write_char('\n')
    }
}

/// The fields of the spans around an event; those of an inner span hold.
fn around<S>(context: &FmtContext<'_, S, JsonFields>) -> Map<String, Value>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let mut fields = Map::new();
    for span in context.event_scope().into_iter().flat_map(|spans| spans.from_root()) {
        let extensions = span.extensions();
        let Some(of_span) = extensions.get::<FormattedFields<JsonFields>>() else { continue };
        fields.extend(serde_json::from_str::<Map<String, Value>>(of_span).unwrap_or_default());
    }
    fields
}

fn written(
    event: &Event<'_>,
    time: &str,
    fields: Vec<(&'static str, Value)>,
    mut around: Map<String, Value>,
) -> Result<String, serde_json::Error> {
    let mut bytes = Vec::with_capacity(512);
    let mut json = serde_json::Serializer::new(&mut bytes);
    let mut line = json.serialize_map(None)?;
    line.serialize_entry("timestamp", time)?;
    line.serialize_entry("level", event.metadata().level().as_str())?;
    for (name, value) in fields {
        around.remove(name);
        line.serialize_entry(name, &value)?;
    }
    for (name, value) in around {
        line.serialize_entry(&name, &value)?;
    }
    line.serialize_entry("target", event.metadata().target())?;
    line.end()?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push((field.name(), format!("{value:?}").into()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push((field.name(), value.into()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.push((field.name(), value.into()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.push((field.name(), value.into()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.push((field.name(), value.into()));
    }
}

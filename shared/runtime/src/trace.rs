//! The thread that runs through the spans of all programs that work on one thing.

use std::{fmt, pin::pin};

use opentelemetry::{
    Context, KeyValue, Value, global,
    trace::{
        FutureExt as _, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
        TraceState, Tracer as _,
    },
};

/// The flag of `traceparent` that says that the trace is to be sent.
const SAMPLED: u8 = 1;

/// A span's place, in the form of W3C's Trace Context (`traceparent`), in which it travels beside messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    trace: u128,
    span: u64,
    flags: u8,
}

impl Trace {
    /// A span that belongs to no other.
    pub fn begin() -> Self {
        Self { trace: fastrand::u128(1..), span: fastrand::u64(1..), flags: SAMPLED }
    }

    /// The span that a `traceparent` names; `None` where it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let mut hex = |digits: usize| {
            let field = fields.next()?;
            let fits = field.len() == digits && field.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            fits.then(|| u128::from_str_radix(field, 16).ok()).flatten()
        };
        let (version, trace, span, flags) = (hex(2)?, hex(32)?, hex(16)?, hex(2)?);
        // Later versions may say more behind these four, version 0 may not; 255 is no version.
        let whole = version != 0xff && (version > 0 || fields.next().is_none());
        let (span, flags) = (u64::try_from(span).ok()?, u8::try_from(flags).ok()?);
        (whole && trace != 0 && span != 0).then_some(Self { trace, span, flags })
    }

    /// A span below this one.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span: fastrand::u64(1..), ..self }
    }

    fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// What all spans of the thread have in common, as 32 digits.
    pub fn id(self) -> String {
        format!("{:032x}", self.trace)
    }
}

/// A span of work that begins here or was asked for by a message. What is done within it and timed as an operation is a span
/// below it.
#[derive(Debug)]
pub struct Span {
    /// `None` where no collector gets to see it.
    context: Option<Context>,
    place: Option<Trace>,
}

impl Span {
    /// Begins a span below `parent`, whose message is taken, or else one that belongs to no other. Whether a collector gets to see it was decided where
    /// the trace began.
    pub fn begin(parent: Option<Trace>, name: impl FnOnce() -> String) -> Self {
        if let Some(parent) = parent.filter(|parent| !parent.is_sampled()) {
            return Self { context: None, place: Some(parent.child()) };
        }
        let around = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent.into()));
        let tracer = global::tracer("langflix");
        let kind = if parent.is_some() { SpanKind::Consumer } else { SpanKind::Internal };
        let span = tracer.build_with_context(tracer.span_builder(name()).with_kind(kind), &around);
        let place = Trace::try_from(span.span_context()).ok();
        if span.is_recording() {
            return Self { context: Some(around.with_span(span)), place };
        }
        // Where spans of this process go nowhere, this one has its parent's place.
        Self { context: None, place: parent.map(Trace::child).or(place) }
    }

    /// Its place; `None` where it belongs to no other and spans of this process go nowhere.
    pub fn place(&self) -> Option<Trace> {
        self.place
    }

    /// Does `work` within it, which ends with that.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        let mut work = pin!(work);
        match self.context {
            Some(context) => work.as_mut().with_context(context).await,
            None => work.await,
        }
    }
}

/// Says something of the span that is at work.
pub fn say(key: &'static str, value: impl Into<Value>) {
    Context::map_current(|at| at.has_active_span().then(|| at.span().set_attribute(KeyValue::new(key, value))));
}

/// Lets the span that is at work point to another, which `traceparent` names: one that it follows from and that is not its
/// parent.
pub fn link(traceparent: &str) {
    Context::map_current(|at| {
        if let Some(other) = at.has_active_span().then(|| Trace::parse(traceparent)).flatten() {
            at.span().add_link(other.into(), Vec::new());
        }
    });
}

/// Says of the span that is at work how it ended, and why where it failed.
pub(crate) fn ended(how: &'static str, failure: Option<&str>) {
    say("end", how);
    if let Some(why) = failure {
        Context::map_current(|at| at.span().set_status(Status::error(why.to_owned())));
    }
}

impl From<Trace> for SpanContext {
    fn from(Trace { trace, span, flags }: Trace) -> Self {
        let (trace, span) = (TraceId::from(trace), SpanId::from(span));
        Self::new(trace, span, TraceFlags::new(flags), true, TraceState::NONE)
    }
}

impl TryFrom<&SpanContext> for Trace {
    type Error = ();

    fn try_from(context: &SpanContext) -> Result<Self, ()> {
        let (trace, span) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
        let flags = context.trace_flags().to_u8();
        let place = Self { trace: u128::from_be_bytes(trace), span: u64::from_be_bytes(span), flags };
        context.is_valid().then_some(place).ok_or(())
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.span, self.flags)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_traceparent_is_read_and_written_as_it_was() {
        let trace = Trace::parse(EXAMPLE).unwrap();
        assert_eq!((trace.to_string().as_str(), trace.id().as_str()), (EXAMPLE, "0af7651916cd43dd8448eb211c80319c"));
        let later = EXAMPLE.replacen("00-", "01-", 1) + "-more";
        assert_eq!(Trace::parse(&later), Some(trace));
    }

    #[test]
    fn a_child_stays_in_its_thread() {
        let (trace, other) = (Trace::begin(), Trace::begin());
        assert!(trace.child().id() == trace.id() && trace.child() != trace && other.id() != trace.id());
    }

    #[test]
    fn what_is_no_traceparent_is_none() {
        for text in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(Trace::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd_and_what_is_read_can_be_read_again(text in any::<String>(), near in "[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}") {
            for text in [text, near] {
                if let Some(trace) = Trace::parse(&text) {
                    prop_assert_eq!(Trace::parse(&trace.to_string()), Some(trace));
                }
            }
        }
    }
}

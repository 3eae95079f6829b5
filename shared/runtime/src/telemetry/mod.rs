//! What the program tells of itself: events on stderr, for people or for programs, and spans to a collector.

mod collector;
mod export;
mod harmless;
mod lines;
#[cfg(test)]
#[path = "../../../testkit/src/nasty.rs"]
mod nasty;
mod outbox;

use std::io::{self, IsTerminal};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    filter::filter_fn,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

pub use export::{Export, Exporting};
use harmless::OneLine;
pub use harmless::{harmless, one_line};
use lines::Lines;

/// What is told, and how.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How much is told.
    pub verbosity: Verbosity,
    /// Directives as in `RUST_LOG` (`info,langflix_media=debug`), instead of `verbosity`; empty counts as none.
    pub filter: Option<String>,
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Whether text is coloured; never is JSON.
    pub color: bool,
    /// Where spans go, if anywhere.
    pub export: Option<Export>,
}

/// How much is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    /// Errors.
    Quiet,
    /// Warnings too.
    #[default]
    Normal,
    /// What the program itself does.
    Verbose,
    /// Each step of it.
    Debug,
    /// Everything, other libraries' events too.
    Trace,
}

impl Verbosity {
    fn directives(self) -> &'static str {
        match self {
            Self::Quiet => "error",
            Self::Normal => "warn",
            Self::Verbose => "warn,langflix=info",
            Self::Debug => "info,langflix=debug",
            Self::Trace => "debug,langflix=trace",
        }
    }
}

/// Whether an event of this kind keeps to itself what no log may show, whatever filter is asked for. lapin tells as errors
/// what comes back to its caller, who says it in words of his own, and tells the whole body of a message that no queue
/// took, which quotes subtitles. The signer of S3's requests tells a session's token at its lowest level.
fn is_discreet(event: &Metadata<'_>) -> bool {
    let of = |library: &str| event.target().split("::").next() == Some(library);
    !(of("lapin") || of("aws_sigv4") && *event.level() == Level::TRACE)
}

/// Why nothing is told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directives are none.
    #[error("'{filter}' is no list of log directives such as info,langflix_media=debug")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Nothing can be sent to the collector.
    #[error("telemetry.otlp_endpoint: spans cannot be sent: {0}")]
    Export(String),
    /// Something else has been set up to tell before.
    #[error("events of this process already go somewhere")]
    AlreadySet(#[source] tracing_subscriber::util::TryInitError),
}

impl Settings {
    /// Coloured where stderr is a terminal and `NO_COLOR` is not set.
    pub fn for_stderr(verbosity: Verbosity, filter: Option<String>, json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { verbosity, filter, json, color: !plain && io::stderr().is_terminal(), export: None }
    }

    /// What a service tells: what it does, as JSON or not, or else as JSON unless a person looks on.
    pub fn for_service(filter: Option<String>, json: Option<bool>) -> Self {
        let json = json.unwrap_or_else(|| !io::stderr().is_terminal());
        Self::for_stderr(Verbosity::Verbose, filter, json)
    }
}

/// Tells panics as events, with their place. What they say is told where it is fixed text: a formatted one may quote a
/// subtitle.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let says = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("a text that is not repeated");
        tracing::error!(place, says, "panicked");
    }));
}

/// Tells events of this process on stderr, and sends its spans until what this gives is dropped.
///
/// # Errors
/// [`Error`] where the directives are none, nothing can be sent, or events already go somewhere.
pub fn init(settings: &Settings) -> Result<Exporting, Error> {
    init_with(settings, io::stderr)
}

/// Tells events of this process to `writer`, where stderr also shows progress that lines must not break.
///
/// # Errors
/// As [`init`].
pub fn init_with<W>(settings: &Settings, writer: W) -> Result<Exporting, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    events(settings, writer)?.try_init().map_err(Error::AlreadySet)?;
    settings.export.as_ref().map_or_else(|| Ok(Exporting::default()), Export::begin)
}

fn events<W>(settings: &Settings, writer: W) -> Result<impl Subscriber + Send + Sync + use<W>, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let given = settings.filter.as_deref().filter(|filter| !filter.trim().is_empty());
    let directives = given.unwrap_or(settings.verbosity.directives());
    let filter = EnvFilter::builder()
        .parse(directives)
        .map_err(|source| Error::Filter { filter: directives.chars().take(120).collect(), source })?;
    // Warnings among a user's progress are read at once and by people: neither time nor module means anything to them.
    let plain = settings.verbosity <= Verbosity::Normal && given.is_none();
    let color = settings.color;
    let text = || fmt::layer().with_ansi(color);
    let layer = match (settings.json, plain) {
        (true, _) => Lines { writer }.boxed(),
        (false, true) => text().with_writer(OneLine { writer, color }).without_time().with_target(false).boxed(),
        (false, false) => text().with_writer(OneLine { writer, color }).boxed(),
    };
    // Filters for all that follows: one of a layer's own looks up every span whenever it is entered or left.
    Ok(Registry::default().with(filter_fn(is_discreet)).with(filter).with(layer))
}

/// What is told while `work` runs on this thread.
#[cfg(test)]
pub(crate) fn told_of(settings: &Settings, work: impl FnOnce()) -> String {
    use std::sync::{Arc, Mutex, PoisonError};

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let page = Page::default();
    let writer = page.clone();
    let told = events(settings, move || writer.clone()).unwrap();
    tracing::subscriber::with_default(told, work);
    let bytes = page.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told of an event of each level of ours, and of one of another library.
    fn told(settings: &Settings) -> String {
        told_of(settings, || {
            tracing::error!(target: "langflix_media", clip = 3, "ours-error");
            tracing::warn!(target: "langflix_media", "ours-warn");
            tracing::info!(target: "langflix_media", "ours-info");
            tracing::debug!(target: "langflix", "ours-debug");
            tracing::trace!(target: "langflix", "ours-trace");
            tracing::info!(target: "hyper", "other-info");
        })
    }

    fn words(verbosity: Verbosity) -> Vec<&'static str> {
        let told = told(&Settings { verbosity, ..Settings::default() });
        let all = ["ours-error", "ours-warn", "ours-info", "ours-debug", "ours-trace", "other-info"];
        all.into_iter().filter(|word| told.contains(word)).collect()
    }

    #[test]
    fn each_verbosity_tells_more_than_the_one_before() {
        assert_eq!(words(Verbosity::Quiet), ["ours-error"]);
        assert_eq!(words(Verbosity::Normal), ["ours-error", "ours-warn"]);
        assert_eq!(words(Verbosity::Verbose), ["ours-error", "ours-warn", "ours-info"]);
        assert_eq!(words(Verbosity::Debug), ["ours-error", "ours-warn", "ours-info", "ours-debug", "other-info"]);
        assert_eq!(words(Verbosity::Trace).len(), 6);
    }

    #[test]
    fn what_libraries_tell_of_bodies_and_tokens_is_never_told() {
        use Verbosity::{Debug, Normal, Quiet, Trace, Verbose};
        let said = || {
            tracing::error!(target: "lapin::channels", "a body");
            tracing::trace!(target: "aws_sigv4::http_request", "a token");
        };
        for verbosity in [Quiet, Normal, Verbose, Debug, Trace] {
            assert_eq!(told_of(&Settings { verbosity, ..Settings::default() }, said), "", "{verbosity:?}");
        }
        for filter in ["trace", "lapin=trace,aws_sigv4=trace", "error"] {
            let settings = Settings { filter: Some(filter.to_owned()), ..Settings::default() };
            assert_eq!(told_of(&settings, said), "", "{filter}");
        }
    }

    #[test]
    fn a_filter_replaces_the_verbosity() {
        let filter = Some("off,hyper=info".to_owned());
        let told = told(&Settings { verbosity: Verbosity::Trace, filter, ..Settings::default() });
        assert!(told.contains("other-info") && !told.contains("ours"), "{told}");
    }

    #[test]
    fn an_empty_filter_is_none() {
        let told = told(&Settings { filter: Some(" ".to_owned()), ..Settings::default() });
        assert!(told.contains("ours-warn") && !told.contains("ours-info"), "{told}");
    }

    #[test]
    fn json_is_one_plain_object_a_line() {
        let told = told(&Settings { json: true, color: true, ..Settings::default() });
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.starts_with('{') && line.ends_with('}') && !line.contains('\u{1b}')));
        assert!(lines[0].contains(r#""message":"ours-error","clip":3"#), "{}", lines[0]);
    }

    #[test]
    fn fields_of_spans_stand_beside_those_of_the_event_which_hold() {
        let told = told_of(&Settings { json: true, verbosity: Verbosity::Verbose, ..Settings::default() }, || {
            let _outer = tracing::info_span!(target: "langflix", "outer", run = "a \"b\"", attempt = 1).entered();
            let _inner = tracing::info_span!(target: "langflix", "inner", attempt = 2, task = "x").entered();
            tracing::info!(target: "langflix", task = "y", ok = true, share = 0.5, "ended\n");
        });
        let line: serde_json::Value = serde_json::from_str(&told).unwrap();
        let expected = serde_json::json!({
            "level": "INFO", "message": "ended\n", "run": "a \"b\"", "attempt": 2, "task": "y", "ok": true, "share": 0.5,
            "target": "langflix", "timestamp": line["timestamp"],
        });
        assert_eq!(line, expected);
        assert!(told.matches("task").count() == 1 && told.trim_end().lines().count() == 1, "{told}");
    }

    #[test]
    fn colour_is_used_where_it_is_wanted() {
        assert!(told(&Settings { color: true, ..Settings::default() }).contains('\u{1b}'));
        assert!(!told(&Settings::default()).contains('\u{1b}'));
    }

    #[test]
    fn a_wrong_filter_is_an_error_that_shows_how_to_write_one() {
        let filter = Some("langflix=loudly=very".to_owned());
        let error = init(&Settings { filter, ..Settings::default() }).unwrap_err().to_string();
        assert_eq!(error, "'langflix=loudly=very' is no list of log directives such as info,langflix_media=debug");
    }

    #[test]
    fn setting_up_twice_is_an_error_rather_than_a_panic() {
        let quiet = Settings { verbosity: Verbosity::Quiet, ..Settings::default() };
        let _exporting = init_with(&quiet, io::sink).unwrap();
        assert!(matches!(init_with(&quiet, io::sink), Err(Error::AlreadySet(_))));
    }
    #[test]
    fn a_panic_is_an_event_that_repeats_fixed_texts_only() {
        let told = told_of(&Settings::default(), || {
            tell_panics();
            for subtitle in [None, Some("he said")] {
                let _ = std::panic::catch_unwind(|| match subtitle {
                    None => panic!("a fixed text"),
                    Some(text) => panic!("no such place in '{text}'"),
                });
            }
            let _ = std::panic::take_hook();
        });
        let lines: Vec<&str> = told.lines().collect();
        assert!(lines[0].contains("panicked") && lines[0].contains("telemetry/mod.rs:"), "{told}");
        assert!(lines[0].contains("a fixed text") && lines[1].contains("a text that is not repeated"), "{told}");
        assert!(lines.len() == 2 && !told.contains("he said"), "{told}");
    }
}

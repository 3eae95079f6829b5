//! What the program tells of itself: events on stderr, for people or for programs.

use std::io::{self, IsTerminal};

use tracing_subscriber::{
    EnvFilter, Layer, Registry,
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// What is told, and how.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How much is told.
    pub verbosity: Verbosity,
    /// Directives as in `RUST_LOG` (`info,langflix_media=debug`), instead of `verbosity`.
    pub filter: Option<String>,
    /// One JSON object a line instead of text.
    pub json: bool,
    /// Whether text is coloured; never is JSON.
    pub color: bool,
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
    /// Something else has been set up to tell before.
    #[error("events of this process already go somewhere")]
    AlreadySet(#[source] tracing_subscriber::util::TryInitError),
}

impl Settings {
    /// Coloured where stderr is a terminal and `NO_COLOR` is not set.
    pub fn for_stderr(verbosity: Verbosity, filter: Option<String>, json: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { verbosity, filter, json, color: !plain && io::stderr().is_terminal() }
    }
}

/// Tells events of this process on stderr.
///
/// # Errors
/// [`Error`] where the directives are none, or events already go somewhere.
pub fn init(settings: &Settings) -> Result<(), Error> {
    init_with(settings, io::stderr)
}

/// Tells events of this process to `writer`, where stderr also shows progress that lines must not break.
///
/// # Errors
/// As [`init`].
pub fn init_with<W>(settings: &Settings, writer: W) -> Result<(), Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Registry::default().with(layer(settings, writer)?).try_init().map_err(Error::AlreadySet)
}

fn layer<W>(settings: &Settings, writer: W) -> Result<impl Layer<Registry> + use<W>, Error>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let directives = settings.filter.as_deref().unwrap_or(settings.verbosity.directives());
    let filter = EnvFilter::builder()
        .parse(directives)
        .map_err(|source| Error::Filter { filter: directives.chars().take(120).collect(), source })?;
    let layer = fmt::layer().with_writer(writer).with_ansi(settings.color && !settings.json);
    let layer = if settings.json { layer.json().flatten_event(true).boxed() } else { layer.boxed() };
    Ok(layer.with_filter(filter))
}

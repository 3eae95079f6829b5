//! What a user sees while a run goes on.

mod bars;
mod json;
mod lines;
pub(crate) mod screen;
mod season;

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use langflix_domain::{EpisodeId, RunId};
use langflix_fleet::view::Queue;
use langflix_ports::observer::Observer;

pub(crate) use bars::Bars;
pub(crate) use json::Json;
pub(crate) use lines::{Lines, noun};
use season::Season;

use crate::cli::Output;

/// Sees nothing and says nothing.
struct Silent;

impl Observer for Silent {
    fn notice(&self, _: &langflix_domain::RunId, _: langflix_ports::observer::Event) {}
}

/// The observer that fits where the output goes.
pub(crate) fn observer(output: Output) -> Box<dyn Observer> {
    match output {
        Output::Json => Box::new(Json::new(io::stdout())),
        Output::Quiet => Box::new(Silent),
        Output::Text if io::stderr().is_terminal() => Box::new(Bars::new()),
        Output::Text => Box::new(Lines::new(io::stderr())),
    }
}

/// What is seen of runs that are waited for.
pub(crate) enum Following {
    /// All of them together.
    Season(Box<Season>),
    /// As [`observer`] shows them.
    Plain(Box<dyn Observer>),
}

impl Following {
    /// Begins to follow these runs.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub(crate) fn new<'a>(
        output: Output,
        runs: impl IntoIterator<Item = (&'a EpisodeId, &'a RunId)>,
    ) -> io::Result<Self> {
        match output {
            Output::Text => Season::new(runs).map(|season| Self::Season(Box::new(season))),
            Output::Json | Output::Quiet => Ok(Self::Plain(observer(output))),
        }
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        match self {
            Self::Season(season) => season.as_ref(),
            Self::Plain(observer) => observer.as_ref(),
        }
    }

    /// Whether nothing else may be written to the terminal.
    pub(crate) fn is_screen(&self) -> bool {
        matches!(self, Self::Season(season) if season.is_screen())
    }

    /// All runs were looked at; what keeps some from being seen is told where there is a place for it.
    pub(crate) fn looked(&self, trouble: Option<String>) {
        if let Self::Season(season) = self {
            season.show(trouble);
        }
    }

    /// This lies in the queues.
    pub(crate) fn queues(&self, queues: Result<Vec<Queue>, String>) {
        if let Self::Season(season) = self {
            season.queues(queues);
        }
    }

    /// All have ended.
    pub(crate) fn end(&self) {
        if let Self::Season(season) = self {
            season.end();
        }
    }

    /// Lets the time pass until the next look.
    pub(crate) async fn idle(&self, time: Duration) {
        match self {
            Self::Season(season) => season.idle(time).await,
            Self::Plain(_) => tokio::time::sleep(time).await,
        }
    }
}

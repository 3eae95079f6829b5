//! What a user sees while a run goes on.

mod bars;
mod json;
mod lines;
mod season;

use std::io::{self, IsTerminal as _};

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
    /// One bar for all of them.
    Bar(Season),
    /// As [`observer`] shows them.
    Plain(Box<dyn Observer>),
}

impl Following {
    pub(crate) fn new(output: Output, runs: usize) -> Self {
        if output == Output::Text && io::stderr().is_terminal() {
            Self::Bar(Season::new(runs))
        } else {
            Self::Plain(observer(output))
        }
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        match self {
            Self::Bar(season) => season,
            Self::Plain(observer) => observer.as_ref(),
        }
    }

    /// Prints beside the bar.
    pub(crate) fn aside(&self, print: impl FnOnce()) {
        match self {
            Self::Bar(season) => season.aside(print),
            Self::Plain(_) => print(),
        }
    }
}

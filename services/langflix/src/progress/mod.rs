//! What a user sees while a run goes on.

mod bars;
mod json;
mod lines;

use std::io::{self, IsTerminal as _};

use langflix_ports::observer::Observer;

pub(crate) use bars::Bars;
pub(crate) use json::Json;
pub(crate) use lines::{Lines, noun};

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

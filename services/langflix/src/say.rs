//! What the program says. A reader that has gone away ends no work: `| head` is no fault.

use std::{
    fmt::{Arguments, Display},
    io::{self, Write as _},
};

use anyhow::Context as _;
use langflix_runtime::telemetry::{harmless, one_line};

/// Says a line on standard output, as `println!` does; an error where it cannot be written although somebody reads it.
macro_rules! out {
    ($($words:tt)*) => { $crate::say::to_stdout(format_args!($($words)*)) };
}

/// Says a line on standard error, as `eprintln!` does. Where that fails nobody can be told.
macro_rules! err {
    ($($words:tt)*) => { $crate::say::to_stderr(format_args!($($words)*)) };
}

pub(crate) use {err, out};

/// Says what is wrong, on a line of its own whatever names it holds.
pub(crate) fn error(what: impl Display) {
    err!("error: {}", one_line(&what.to_string()));
}

pub(crate) fn to_stdout(line: Arguments<'_>) -> anyhow::Result<()> {
    // Names of files and shows are whatever somebody made them.
    match writeln!(io::stdout(), "{}", harmless(&line.to_string())) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("standard output"),
        _ => Ok(()),
    }
}

pub(crate) fn to_stderr(line: Arguments<'_>) {
    let _gone = writeln!(io::stderr(), "{}", harmless(&line.to_string()));
}

//! A terminal that is drawn upon, and is afterwards as it was.

use std::io::{self, IsTerminal as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Live;

/// The other screen, so that what stood there comes back; no cursor; and lines that are cut instead of wrapped.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// The size of a terminal that does not tell.
const USUAL: (usize, usize) = (80, 24);

/// Where is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Stream {
    /// Whether it is a terminal that can be drawn upon.
    pub(super) fn is_drawable(self) -> bool {
        let is_terminal = match self {
            Self::Out => io::stdout().is_terminal(),
            Self::Err => io::stderr().is_terminal(),
        };
        is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// Columns and lines.
    fn size(self) -> (usize, usize) {
        let told = match self {
            Self::Out => rustix::termios::tcgetwinsize(io::stdout()),
            Self::Err => rustix::termios::tcgetwinsize(io::stderr()),
        };
        let told = told.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        told.map_or(USUAL, |size| (size.ws_col.into(), size.ws_row.into()))
    }

    /// Columns, where it is a terminal.
    pub(crate) fn width(self) -> Option<usize> {
        self.is_drawable().then(|| self.size().0)
    }

    pub(super) fn write(self, text: &str) -> io::Result<()> {
        let write = |mut out: Box<dyn io::Write>| out.write_all(text.as_bytes()).and_then(|()| out.flush());
        match self {
            Self::Out => write(Box::new(io::stdout().lock())),
            Self::Err => write(Box::new(io::stderr().lock())),
        }
    }
}

/// A terminal that is drawn upon until this is dropped.
#[derive(Debug)]
pub(super) struct Terminal {
    stream: Stream,
    paint: bool,
}

impl Terminal {
    pub(super) fn enter(stream: Stream) -> io::Result<Self> {
        // https://no-color.org: set and not empty.
        let paint = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        stream.write(ENTER)?;
        Ok(Self { stream, paint })
    }

    /// Draws over what was there. `lines` makes as many as there is room for, of the width given, painted or not.
    pub(super) fn draw(&self, lines: impl FnOnce(usize, usize, bool) -> Vec<String>) -> io::Result<()> {
        let (width, height) = self.stream.size();
        // What stands in the last column is erased by erasing to the line's end: the cursor cannot stand behind it.
        let width = width.saturating_sub(1);
        self.stream.write(&frame(&lines(width, height, self.paint)))
    }

    /// Gives the terminal back while the program is stopped (Ctrl-Z), and takes it again when it goes on.
    pub(super) fn pause(&self) -> io::Result<()> {
        self.stream.write(LEAVE)?;
        // The process stands still in here until somebody has it go on.
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        self.stream.write(ENTER)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _gone = self.stream.write(LEAVE);
    }
}

/// Home; each line to its end; what is left below. In one piece, so that nothing flickers.
fn frame(lines: &[String]) -> String {
    format!("\x1b[H{}\x1b[K\x1b[J", lines.join("\x1b[K\r\n"))
}

/// What happens to a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Resized,
    Paused,
}

/// Waits for what happens to a terminal.
#[derive(Debug)]
pub(crate) struct Happenings {
    resized: Option<Signal>,
    paused: Option<Signal>,
}

impl Happenings {
    /// Of the terminal that is drawn upon; none where none is.
    pub(crate) fn of(live: &Live) -> Self {
        let listen = |kind| live.is_screen().then(|| signal(kind).ok()).flatten();
        let paused = SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw());
        Self { resized: listen(SignalKind::window_change()), paused: listen(paused) }
    }

    pub(crate) async fn next(&mut self) -> Happened {
        tokio::select! {
            () = received(self.resized.as_mut()) => Happened::Resized,
            () = received(self.paused.as_mut()) => Happened::Paused,
        }
    }
}

async fn received(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_erased_to_its_end_and_all_below_the_last() {
        let lines = ["one".to_owned(), String::new(), "three".to_owned()];
        assert_eq!(frame(&lines), "\x1b[Hone\x1b[K\r\n\x1b[K\r\nthree\x1b[K\x1b[J");
    }
}

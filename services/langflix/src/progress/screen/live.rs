use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    Screen, Seen,
    terminal::{Happened, Stream, Terminal},
};

/// Between two lines where there is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Shows a season as it goes on: on a terminal as a screen, elsewhere as a line whenever something was done.
pub(crate) struct Live {
    screen: Screen,
    began: Instant,
    place: Place,
}

enum Place {
    Terminal(Terminal),
    Lines(Lines),
}

struct Lines {
    stream: Stream,
    told: String,
    at: Option<Instant>,
}

impl Live {
    /// Begins to show it there.
    ///
    /// # Errors
    /// Where nothing can be written.
    pub(crate) fn on(stream: Stream) -> io::Result<Self> {
        let place = match stream.is_drawable() {
            true => Place::Terminal(Terminal::enter(stream)?),
            false => Place::Lines(Lines { stream, told: String::new(), at: None }),
        };
        Ok(Self { screen: Screen::default(), began: Instant::now(), place })
    }

    /// Whether all of the terminal is drawn upon, so that nothing else may be written to it.
    pub(crate) fn is_screen(&self) -> bool {
        matches!(self.place, Place::Terminal(_))
    }

    /// Shows what was seen.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn show(&mut self, seen: Seen) -> io::Result<()> {
        self.screen.look(self.began.elapsed(), seen);
        self.draw(false)
    }

    /// Deals with what happened to the terminal.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn happened(&mut self, happened: Happened) -> io::Result<()> {
        if let (Place::Terminal(terminal), Happened::Paused) = (&self.place, happened) {
            terminal.pause()?;
        }
        self.draw(false)
    }

    /// Shows what was not shown yet: there is no more to come.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.draw(true)
    }

    fn draw(&mut self, last: bool) -> io::Result<()> {
        match &mut self.place {
            Place::Terminal(terminal) => terminal.draw(|width, height, paint| self.screen.lines(width, height, paint)),
            Place::Lines(lines) => lines.tell(&self.screen, last),
        }
    }
}

impl Lines {
    /// Tells what changed, and not too often; what is not told now is when it may be.
    fn tell(&mut self, screen: &Screen, last: bool) -> io::Result<()> {
        let line = screen.line();
        let early = !last && self.at.is_some_and(|at| at.elapsed() < BETWEEN_LINES);
        if line == self.told || early {
            return Ok(());
        }
        self.at = Some(Instant::now());
        let left = screen.left().map(|left| format!(", {left}")).unwrap_or_default();
        let written = self.stream.write(&format!("{}{left}\n", super::fitted(&line, usize::MAX)));
        self.told = line;
        written
    }
}

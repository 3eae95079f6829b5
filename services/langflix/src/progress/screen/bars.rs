//! Lines with a bar in them.

use langflix_fleet::pace::Sum;
use langflix_pipeline::fleet::Progress;
use unicode_width::UnicodeWidthStr as _;

use super::{
    Episode,
    paint::{Line, Style, fitted},
};

/// Most columns of a stage's bar; one of an episode has half as many.
const BAR: usize = 24;
/// A shorter one tells nothing.
const LEAST_BAR: usize = 6;
/// Least columns of an episode's name.
const LEAST_NAME: usize = 6;
/// Columns between what stands beside each other.
const GAP: usize = 2;

/// How long a bar may be that stands in lines of these widths, `most` columns at the most; 0 where there is no room for any.
fn bar_beside(widths: impl Iterator<Item = usize>, width: usize, most: usize) -> usize {
    let room = width.saturating_sub(widths.max().unwrap_or(0) + GAP).min(most);
    if room < LEAST_BAR { 0 } else { room }
}

/// What is told of a stage.
pub(super) struct Stage {
    name: &'static str,
    progress: Progress,
    told: Line,
}

impl Stage {
    /// Columns of what stands before the bar.
    const INDENT: usize = 10;

    pub(super) fn new(name: &'static str, noun: &str, sum: &Sum, a_minute: Option<f64>) -> Self {
        let expected = sum.expected.map_or(0, |expected| expected.round() as usize);
        let of = match sum.expected {
            None => format!("{noun} are not planned yet"),
            Some(_) if sum.whole => format!("{}/{} {noun}", sum.done, sum.tasks),
            Some(_) => format!("{} of about {expected} {noun}", sum.done),
        };
        let told = Line::new().and(Style::Plain, format!("  {of}"));
        let told = match a_minute {
            Some(rate) if rate > 0.0 => told.and(Style::Faint, format!("  {} a minute", rounded(rate))),
            _ => told,
        };
        Self { name, progress: Progress { done: sum.done, tasks: expected, failed: None }, told }
    }

    /// All of them. A bar is the first that goes where there is no room.
    pub(super) fn lines(stages: &[Self], width: usize) -> Vec<Line> {
        let bar = bar_beside(stages.iter().map(Self::width), width, BAR);
        stages.iter().flat_map(|stage| stage.line(bar).folded(width, Self::INDENT)).collect()
    }

    /// Without a bar.
    fn width(&self) -> usize {
        self.name.len() + self.told.width()
    }

    /// `analysis  ██████░░░░  320 of about 960 chunks  22 a minute`
    fn line(&self, columns: usize) -> Line {
        bar(Line::new().and(Style::Plain, self.name), self.progress, columns).then(&self.told)
    }
}

/// An episode that is under way.
pub(super) struct Row<'a> {
    pub(super) name: String,
    pub(super) episode: &'a Episode,
}

impl Row<'_> {
    /// Columns of what it is in.
    const PHASE: usize = 10;

    /// All of them, in columns. Nouns are left out and names are cut before figures are.
    pub(super) fn lines(rows: &[Self], width: usize) -> Vec<Line> {
        let told = |nouns| rows.iter().map(|row| row.told(nouns)).collect::<Vec<Line>>();
        let rest = |told: &[Line]| GAP + Self::PHASE + told.iter().map(Line::width).max().unwrap_or(0);
        let widest = rows.iter().map(|row| row.name.width()).max().unwrap_or(0);
        let whole = told(true);
        let told = if widest + rest(&whole) > width { told(false) } else { whole };
        let name = widest.min(width.saturating_sub(rest(&told)).max(LEAST_NAME));
        let columns = bar_beside([name + rest(&told)].into_iter(), width, BAR / 2);
        rows.iter().zip(&told).map(|(row, told)| row.line(name, columns, told)).collect()
    }

    /// What it is in decides which stage is told.
    fn progress(&self) -> Option<(&'static str, Progress)> {
        match (self.episode.analysis, self.episode.encoding) {
            (_, Some(clips)) => Some(("clips", clips)),
            (Some(chunks), None) => Some(("chunks", chunks)),
            (None, None) => None,
        }
    }

    fn told(&self, nouns: bool) -> Line {
        let Some((noun, Progress { done, tasks, .. })) = self.progress() else { return Line::new() };
        let noun = if nouns { format!(" {noun}") } else { String::new() };
        let line = Line::new().and(Style::Plain, format!("  {done}/{tasks}{noun}"));
        match self.episode.failed {
            0 => line,
            failed => line.and(Style::Bad, format!("  {failed} failed")),
        }
    }

    /// Its name in so many columns. The code at its end tells it from others, so that its show is cut.
    fn called(&self, columns: usize) -> String {
        match self.name.rsplit_once(' ') {
            Some((show, code)) if self.name.width() > columns => {
                let room = columns.saturating_sub(code.width() + 1);
                format!("{} {code}", fitted(show, room)).trim_start().to_owned()
            }
            _ => self.name.clone(),
        }
    }

    fn line(&self, name: usize, columns: usize, told: &Line) -> Line {
        let phase = if self.episode.cancelled { "cancelling" } else { self.episode.phase.as_str() };
        let shown = self.called(name);
        let space = " ".repeat(name.saturating_sub(shown.width()) + GAP);
        let phase = format!("{phase:<width$}", width = if self.progress().is_some() { Self::PHASE } else { 0 });
        let line = Line::new().and(Style::Plain, format!("{shown}{space}{phase}"));
        match self.progress() {
            Some((_, progress)) => bar(line, progress, columns).then(told),
            None => line,
        }
    }
}

fn bar(line: Line, Progress { done, tasks, .. }: Progress, columns: usize) -> Line {
    if columns == 0 {
        return line;
    }
    let full = (columns * done.min(tasks)).checked_div(tasks).unwrap_or(0);
    let line = line.and(Style::Plain, " ".repeat(GAP));
    line.and(Style::Good, "█".repeat(full)).and(Style::Faint, "░".repeat(columns - full))
}

fn rounded(rate: f64) -> String {
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

//! From what was seen to lines.

use std::{collections::BTreeSet, time::Duration};

use langflix_domain::EpisodeStatus;
use langflix_fleet::{
    pace::{Count, Far, Sum},
    view::{Phase, Queue},
};

use super::{
    Episode, Failed, Screen,
    estimate::about,
    paint::{Line, Style},
};
use crate::counted;

/// Most failures that are shown; how many there are is told in any case.
const FAILURES: usize = 5;
/// Columns of a bar.
const BAR: usize = 24;

impl Screen {
    /// The screen: at most `height` lines of at most `width` columns.
    pub(crate) fn lines(&self, width: usize, height: usize, paint: bool) -> Vec<String> {
        let mut lines = self.head();
        let room = height.saturating_sub(lines.len());
        let queues: Vec<Line> = self.queues().into_iter().filter(|_| room >= 3).collect();
        let failures = self.failures(match room {
            0..8 => 0,
            8..14 => 2,
            _ => FAILURES,
        });
        let below = [failures, queues].into_iter().filter(|part| !part.is_empty());
        let below: Vec<Line> = below.flat_map(|part| [vec![Line::new()], part].concat()).collect();
        let episodes = self.episodes(room.saturating_sub(below.len() + 1));
        if !episodes.is_empty() {
            lines.push(Line::new());
            lines.extend(episodes);
        }
        lines.extend(below);
        lines.iter().take(height).map(|line| line.render(width, paint)).collect()
    }

    /// All of it in one line, but for what changes without anything having been done.
    pub(crate) fn line(&self) -> String {
        let [chunks, clips] = self.sums();
        let of = |sum: &Sum| format!("{}/{}{}", sum.done, sum.tasks, if sum.whole { "" } else { "+" });
        let (ended, all) = (self.ended(), self.seen.episodes.len());
        let mut line = format!("{}: {ended}/{all} ended, chunks {}, clips {}", self.title(), of(&chunks), of(&clips));
        match (self.failed(), self.seen.failures.first()) {
            (0, _) => {}
            (failed, None) => line += &format!(", {failed} failed"),
            (failed, Some(last)) => line += &format!(", {failed} failed, the last: {}: {}", last.label, last.message),
        }
        line.extend(self.seen.trouble.iter().map(|trouble| format!("; {trouble}")));
        line
    }

    /// How long it still takes, in words; `None` before that is known.
    pub(crate) fn left(&self) -> Option<String> {
        self.pace.left(self.far()).map(|left: Duration| format!("{} left", about(left)))
    }

    fn head(&self) -> Vec<Line> {
        let [analysis, encoding] = self.sums();
        let [chunks, clips] = self.pace.a_minute();
        let mut lines = vec![
            self.standing(),
            self.ahead(),
            stage("analysis", "chunks", &analysis, chunks),
            stage("encoding", "clips", &encoding, clips),
        ];
        lines.extend(self.seen.trouble.iter().map(|trouble| Line::new().and(Style::Bad, trouble)));
        lines
    }

    /// `suits S01  24 episodes: 10 complete, 1 partial, 13 open`
    fn standing(&self) -> Line {
        let episodes = &self.seen.episodes;
        let names: BTreeSet<_> = episodes.iter().map(|one| (&one.show, one.season, one.number)).collect();
        let noun = if names.len() == episodes.len() { "episode" } else { "run" };
        let mut line = Line::new()
            .and(Style::Strong, self.title())
            .and(Style::Plain, format!("  {}", counted(episodes.len(), noun)));
        let of = |status| episodes.iter().filter(|episode| episode.status == status).count();
        let groups = [
            (Style::Good, "complete", of(Some(EpisodeStatus::Complete))),
            (Style::Doubtful, "partial", of(Some(EpisodeStatus::Partial))),
            (Style::Bad, "failed", of(Some(EpisodeStatus::Failed))),
            (Style::Plain, "open", of(None)),
        ];
        for (at, (style, name, count)) in groups.into_iter().filter(|(_, _, count)| *count > 0).enumerate() {
            line = line.and(Style::Plain, if at == 0 { ": " } else { ", " }).and(style, format!("{count} {name}"));
        }
        line
    }

    /// What is to come, and what went wrong.
    fn ahead(&self) -> Line {
        let open = self.seen.episodes.len() - self.ended();
        let ahead = match (open, self.left()) {
            (0, _) => "nothing under way".to_owned(),
            (_, Some(left)) => left,
            (_, None) => "how long it takes is not known yet".to_owned(),
        };
        let line = Line::new().and(Style::Plain, ahead);
        match self.failed() {
            0 => line,
            failed => line.and(Style::Plain, "  ").and(Style::Bad, counted(failed, "failure")),
        }
    }

    /// Those that are under way, in at most `room` lines.
    fn episodes(&self, room: usize) -> Vec<Line> {
        let open = self.seen.episodes.iter().filter(|episode| episode.status.is_none());
        let (waiting, working): (Vec<&Episode>, Vec<&Episode>) =
            open.partition(|episode| episode.phase == Phase::Waiting && !episode.cancelled);
        let rest = |hidden: usize| {
            let parts = [(hidden, "more under way"), (waiting.len(), "waiting")];
            let parts = parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
            parts.collect::<Vec<_>>().join(", ")
        };
        let all = working.len() + usize::from(!waiting.is_empty());
        let shown = if all <= room { working.len() } else { room.saturating_sub(1).min(working.len()) };
        let names: Vec<String> = working.iter().map(|episode| self.name(episode)).collect();
        let widest = names.iter().map(|name| unicode_width::UnicodeWidthStr::width(name.as_str())).max().unwrap_or(0);
        let lines = working.iter().zip(&names).take(shown).map(|(episode, name)| one(episode, name, widest));
        let rest = rest(working.len() - shown);
        let more = (!rest.is_empty() && room > 0).then(|| Line::new().and(Style::Faint, rest));
        lines.chain(more).collect()
    }

    fn failures(&self, most: usize) -> Vec<Line> {
        let name = |failed: &Failed| {
            let of = self.seen.episodes.iter().find(|episode| episode.run == failed.run);
            of.map_or_else(|| failed.run.to_string(), |episode| self.name(episode))
        };
        let line = |failed: &Failed| {
            let line = Line::new().and(Style::Bad, format!("{}  {}", name(failed), failed.label));
            line.and(Style::Plain, format!(": {}", failed.message))
        };
        self.seen.failures.iter().take(most).map(line).collect()
    }

    fn queues(&self) -> Option<Line> {
        match self.seen.queues.as_ref()? {
            Ok(queues) => Some(lying(queues)),
            Err(error) => Some(Line::new().and(Style::Doubtful, format!("queues: {error}"))),
        }
    }

    /// What all episodes have in common.
    fn title(&self) -> String {
        let shows: BTreeSet<&str> = self.seen.episodes.iter().map(|episode| episode.show.as_str()).collect();
        let seasons: BTreeSet<u16> = self.seen.episodes.iter().map(|episode| episode.season).collect();
        match (shows.first(), shows.len(), seasons.first(), seasons.len()) {
            (Some(show), 1, Some(season), 1) => format!("{show} S{season:02}"),
            (Some(show), 1, ..) => (*show).to_owned(),
            (None, ..) => "no run".to_owned(),
            (_, shows, ..) => counted(shows, "show"),
        }
    }

    /// What one is called among the others.
    fn name(&self, episode: &Episode) -> String {
        let same = self.seen.episodes.iter().all(|other| other.show == episode.show);
        let code = format!("S{:02}E{:02}", episode.season, episode.number);
        if same { code } else { format!("{} {code}", episode.show) }
    }

    fn far(&self) -> impl Iterator<Item = Far<'_>> {
        self.seen.episodes.iter().map(Far::from)
    }

    fn ended(&self) -> usize {
        self.seen.episodes.iter().filter(|episode| episode.status.is_some()).count()
    }

    fn failed(&self) -> usize {
        self.seen.episodes.iter().map(|episode| episode.failed).sum()
    }

    /// Chunks and clips.
    fn sums(&self) -> [Sum; 2] {
        Sum::of(self.far())
    }
}

/// `analysis  ██████░░░░  320 of about 960 chunks  22 a minute`
fn stage(name: &str, noun: &str, sum: &Sum, a_minute: Option<f64>) -> Line {
    let expected = sum.expected.map_or(0, |expected| expected.round() as usize);
    let of = match sum.expected {
        None => format!("{noun} are not planned yet"),
        Some(_) if sum.whole => format!("{}/{} {noun}", sum.done, sum.tasks),
        Some(_) => format!("{} of about {expected} {noun}", sum.done),
    };
    let line = Line::new().and(Style::Plain, format!("{name}  "));
    let line = bar(line, Count { done: sum.done, tasks: expected }, BAR).and(Style::Plain, format!("  {of}"));
    match a_minute {
        Some(rate) if rate > 0.0 => line.and(Style::Faint, format!("  {} a minute", rounded(rate))),
        _ => line,
    }
}

fn one(episode: &Episode, name: &str, widest: usize) -> Line {
    let space = " ".repeat(widest - unicode_width::UnicodeWidthStr::width(name).min(widest));
    let phase = if episode.cancelled { "cancelling" } else { episode.phase.as_str() };
    let line = Line::new().and(Style::Plain, format!("{name}{space}  {phase:<10}  "));
    // What it is in decides which stage is told.
    let (noun, count) = match (episode.analysis, episode.encoding) {
        (_, Some(clips)) => ("clips", clips),
        (Some(chunks), None) => ("chunks", chunks),
        (None, None) => return line,
    };
    let line = bar(line, count, BAR / 2).and(Style::Plain, format!("  {}/{} {noun}", count.done, count.tasks));
    match episode.failed {
        0 => line,
        failed => line.and(Style::Bad, format!("  {failed} failed")),
    }
}

fn bar(line: Line, Count { done, tasks }: Count, columns: usize) -> Line {
    let full = (columns * done.min(tasks)).checked_div(tasks).unwrap_or(0);
    line.and(Style::Good, "█".repeat(full)).and(Style::Faint, "░".repeat(columns - full))
}

/// `6 set aside: langflix dead list; queues: analysis.bulk 1200 ready, 7 later, 8 consumers`
fn lying(queues: &[Queue]) -> Line {
    let named = |queue: &&Queue| queue.ready + queue.waiting > 0;
    let told = |queue: &Queue| {
        // The version says nothing to people.
        let name = queue.name.rsplit_once(".v").map_or(queue.name.as_str(), |(name, _)| name);
        let counts = [(queue.ready, "ready"), (queue.waiting, "later")];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let consumers = [counted(queue.consumers as usize, "consumer")];
        format!("{name} {}", counts.chain(consumers).collect::<Vec<_>>().join(", "))
    };
    let told: Vec<String> = queues.iter().filter(named).map(told).collect();
    let line = match queues.iter().map(|queue| queue.dead + queue.parked).sum::<u32>() {
        0 => Line::new(),
        aside => Line::new().and(Style::Doubtful, format!("{aside} set aside: langflix dead list; ")),
    };
    let told = if told.is_empty() { "empty".to_owned() } else { told.join("; ") };
    line.and(Style::Faint, format!("queues: {told}"))
}

fn rounded(rate: f64) -> String {
    if rate >= 10.0 { format!("{rate:.0}") } else { format!("{rate:.1}") }
}

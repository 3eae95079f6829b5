//! From what was seen to lines.

use std::{collections::BTreeSet, time::Duration};

use langflix_domain::EpisodeStatus;
use langflix_fleet::{
    pace::{Far, Sum},
    view::{Phase, Queue},
};

use super::{
    Episode, Failed, Screen,
    bars::{Row, Stage},
    estimate::about,
    paint::{Line, Style, fitted},
};
use crate::counted;

/// Most failures that are shown; how many there are is told in any case.
const FAILURES: usize = 5;
/// Most columns of a show's name.
const LONGEST_NAME: usize = 24;
/// Columns by which what goes on is indented.
const INDENT: usize = 2;

impl Screen {
    /// The screen: at most `height` lines of at most `width` columns.
    pub(crate) fn lines(&self, width: usize, height: usize, paint: bool) -> Vec<String> {
        let mut lines = self.head(width);
        let room = height.saturating_sub(lines.len());
        let queues = if room >= 3 { self.queues(width) } else { Vec::new() };
        let failures = self.failures(match room {
            0..8 => 0,
            8..14 => 2,
            _ => FAILURES,
        });
        // What lies in the queues leaves room for two episodes.
        let queues = queues.into_iter().take(room.saturating_sub(4).max(1)).collect();
        let below = [failures, queues].into_iter().filter(|part| !part.is_empty());
        let below: Vec<Line> = below.flat_map(|part| [vec![Line::new()], part].concat()).collect();
        let episodes = self.episodes(width, room.saturating_sub(below.len() + 1));
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

    fn head(&self, width: usize) -> Vec<Line> {
        let [analysis, encoding] = self.sums();
        let [chunks, clips] = self.pace.a_minute();
        let stages =
            [Stage::new("analysis", "chunks", &analysis, chunks), Stage::new("encoding", "clips", &encoding, clips)];
        let head = [self.standing(), self.ahead()].into_iter().flat_map(|line| line.folded(width, INDENT));
        let stages = Stage::lines(&stages, width);
        let mut lines: Vec<Line> = head.chain(stages).collect();
        lines.extend(self.seen.trouble.iter().map(|trouble| Line::new().and(Style::Bad, trouble)));
        lines
    }

    /// `suits S01  24 episodes: 10 complete, 1 partial, 13 open`
    fn standing(&self) -> Line {
        let episodes = &self.seen.episodes;
        let names: BTreeSet<_> = episodes.iter().map(|one| (&one.show, one.season, one.number)).collect();
        let noun = if names.len() == episodes.len() { "episode" } else { "run" };
        let of = |status| episodes.iter().filter(|episode| episode.status == status).count();
        let groups = [
            (Style::Good, "complete", of(Some(EpisodeStatus::Complete))),
            (Style::Doubtful, "partial", of(Some(EpisodeStatus::Partial))),
            (Style::Bad, "failed", of(Some(EpisodeStatus::Failed))),
            (Style::Plain, "open", of(None)),
        ];
        let line = Line::new()
            .and(Style::Strong, self.title())
            .and(Style::Plain, format!("  {}", counted(episodes.len(), noun)));
        let groups = groups.into_iter().filter(|(_, _, count)| *count > 0).enumerate();
        groups.fold(line, |line, (at, (style, name, count))| {
            line.and(Style::Plain, if at == 0 { ":" } else { "," }).and(style, format!(" {count} {name}"))
        })
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
            failed => line.and(Style::Bad, format!("  {}", counted(failed, "failure"))),
        }
    }

    /// Those that are under way, in at most `room` lines.
    fn episodes(&self, width: usize, room: usize) -> Vec<Line> {
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
        let rows: Vec<Row<'_>> =
            working.iter().take(shown).map(|episode| Row { name: self.name(episode), episode }).collect();
        let lines = Row::lines(&rows, width);
        let rest = rest(working.len() - shown);
        let more = (!rest.is_empty() && room > 0).then(|| Line::new().and(Style::Faint, rest));
        lines.into_iter().chain(more).collect()
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

    fn queues(&self, width: usize) -> Vec<Line> {
        match &self.seen.queues {
            Some(Ok(queues)) => lying(queues, width),
            Some(Err(error)) => vec![Line::new().and(Style::Doubtful, format!("queues: {error}"))],
            None => Vec::new(),
        }
    }

    /// What all episodes have in common.
    fn title(&self) -> String {
        let shows: BTreeSet<&str> = self.seen.episodes.iter().map(|episode| episode.show.as_str()).collect();
        let seasons: BTreeSet<u16> = self.seen.episodes.iter().map(|episode| episode.season).collect();
        let show = match (self.seen.episodes.first(), shows.len()) {
            (None, _) => return "no run".to_owned(),
            (Some(episode), 1) => self.show(episode),
            (_, shows) => return counted(shows, "show"),
        };
        match (seasons.first(), seasons.len()) {
            (Some(season), 1) => format!("{show} S{season:02}"),
            _ => show,
        }
    }

    /// What people call an episode's show, which another run of it may know.
    fn show(&self, episode: &Episode) -> String {
        let same = self.seen.episodes.iter().filter(|other| other.show == episode.show);
        let name = { same }.find_map(|other| other.show_name.as_deref());
        fitted(name.unwrap_or(&episode.show), LONGEST_NAME)
    }

    /// What one is called among the others.
    fn name(&self, episode: &Episode) -> String {
        let same = self.seen.episodes.iter().all(|other| other.show == episode.show);
        let code = format!("S{:02}E{:02}", episode.season, episode.number);
        if same { code } else { format!("{} {code}", self.show(episode)) }
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

/// `6 set aside: langflix dead list`, `queues: analysis.bulk 1200 ready, 7 later, 8 consumers`
fn lying(queues: &[Queue], width: usize) -> Vec<Line> {
    let named = queues.iter().filter(|queue| queue.ready + queue.waiting > 0);
    let mut line = Line::new().and(Style::Faint, "queues:");
    for (at, queue) in named.clone().enumerate() {
        // The version says nothing to people.
        let name = queue.name.rsplit_once(".v").map_or(queue.name.as_str(), |(name, _)| name);
        let counts = [(queue.ready, "ready"), (queue.waiting, "later")];
        let counts = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
        let consumers = [counted(queue.consumers as usize, "consumer")];
        let before = if at == 0 { "" } else { ";" };
        line = line.and(Style::Faint, before).and(Style::Faint, format!(" {name}"));
        for (at, told) in counts.chain(consumers).enumerate() {
            line = line.and(Style::Faint, if at == 0 { "" } else { "," }).and(Style::Faint, format!(" {told}"));
        }
    }
    if named.count() == 0 {
        line = line.and(Style::Faint, " empty");
    }
    let aside = match queues.iter().map(|queue| queue.dead + queue.parked).sum::<u32>() {
        0 => None,
        aside => Some(Line::new().and(Style::Doubtful, format!("{aside} set aside: langflix dead list"))),
    };
    aside.into_iter().chain(line.folded(width, INDENT)).collect()
}

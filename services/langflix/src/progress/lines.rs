use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Mutex, PoisonError},
};

use langflix_domain::{RunId, Stage};
use langflix_ports::observer::{Event, Observer};

use crate::counted;

/// A plain line for each step, for logs and pipes.
pub(crate) struct Lines<W>(Mutex<State<W>>);

struct State<W> {
    out: W,
    /// Done and all tasks of each stage.
    counts: BTreeMap<(RunId, &'static str), (usize, usize)>,
    labels: BTreeMap<String, String>,
}

impl<W: Write + Send> Lines<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(Mutex::new(State { out, counts: BTreeMap::new(), labels: BTreeMap::new() }))
    }
}

/// What a stage's tasks are called.
pub(crate) fn noun(stage: Stage) -> &'static str {
    match stage {
        Stage::Analysis => "chunk",
        Stage::Encoding => "clip",
    }
}

impl<W: Write + Send> Observer for Lines<W> {
    fn notice(&self, run: &RunId, event: Event) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(line) = state.line(run, event) else { return };
        // A reader that has gone away must not stop the run.
        let _gone = writeln!(state.out, "{run}: {line}");
    }
}

impl<W> State<W> {
    fn line(&mut self, run: &RunId, event: Event) -> Option<String> {
        match event {
            Event::StagePlanned { stage, tasks, done } => {
                self.counts.insert((run.clone(), stage.as_str()), (done, tasks));
                let before = if done > 0 { format!(", {done} of them done before") } else { String::new() };
                Some(format!("{}: {}{before}", stage.as_str(), counted(tasks, noun(stage))))
            }
            Event::TaskStarted { task, label, .. } => {
                self.labels.insert(task, label);
                None
            }
            Event::TaskProgress { .. } => None,
            Event::TaskFinished { stage, task, failure } => {
                let label = self.labels.remove(&task).unwrap_or(task);
                let (done, tasks) = self.counts.entry((run.clone(), stage.as_str())).or_default();
                *done += 1;
                let end = failure.map_or("done".to_owned(), |failure| format!("FAILED: {}", failure.message));
                Some(format!("{done} of {}: {label}: {end}", counted(*tasks, noun(stage))))
            }
            Event::RunFinished { status } => Some(status.as_str().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::{Digest, EpisodeId, Failure, FailureKind};

    use super::*;

    #[test]
    fn finished_tasks_are_counted_and_failures_say_why() {
        let episode = EpisodeId { show: "Suits".to_owned(), season: 1, episode: 2 };
        let run = RunId::new(&episode, &Digest::of_bytes(b""));
        let lines = Lines::new(Vec::new());
        let stage = Stage::Encoding;
        lines.notice(&run, Event::StagePlanned { stage, tasks: 3, done: 1 });
        lines.notice(&run, Event::TaskStarted { stage, task: "t".to_owned(), label: "give up".to_owned() });
        let failure = Failure { kind: FailureKind::Encoder, message: "no encoder".to_owned() };
        lines.notice(&run, Event::TaskFinished { stage, task: "t".to_owned(), failure: Some(failure) });
        let written = String::from_utf8(lines.0.into_inner().unwrap().out).unwrap();
        let expected = format!(
            "{run}: encoding: 3 clips, 1 of them done before\n{run}: 2 of 3 clips: give up: FAILED: no encoder\n"
        );
        assert_eq!(written, expected);
    }
}

use std::{
    io::Write,
    sync::{Mutex, PoisonError},
};

use langflix_domain::RunId;
use langflix_ports::observer::{Event, Observer};
use serde::Serialize;

/// One JSON object a line for each event.
pub(crate) struct Json<W>(Mutex<W>);

impl<W: Write + Send> Json<W> {
    pub(crate) fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }
}

#[derive(Serialize)]
struct Line<'a> {
    run: &'a RunId,
    #[serde(flatten)]
    event: &'a Event,
}

impl<W: Write + Send> Observer for Json<W> {
    fn notice(&self, run: &RunId, event: Event) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Ok(line) = serde_json::to_string(&Line { run, event: &event }) {
            // A reader that has gone away must not stop the run.
            let _gone = writeln!(out, "{line}").and_then(|()| out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use langflix_domain::{Digest, EpisodeId, Stage};

    use super::*;

    #[test]
    fn each_event_is_one_line_of_json() {
        let episode = EpisodeId { show: "Suits".to_owned(), season: 1, episode: 2 };
        let run = RunId::new(&episode, &Digest::of_bytes(b""));
        let json = Json::new(Vec::new());
        json.notice(&run, Event::StagePlanned { stage: Stage::Analysis, tasks: 3, done: 1 });
        json.notice(
            &run,
            Event::TaskStarted { stage: Stage::Encoding, task: "a".to_owned(), label: "x\ny".to_owned() },
        );
        let written = String::from_utf8(json.0.into_inner().unwrap()).unwrap();
        let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["event"], &lines[0]["tasks"]), (&"stage_planned".into(), &3.into()));
        assert_eq!((&lines[1]["run"], &lines[1]["label"]), (&run.as_str().into(), &"x\ny".into()));
    }
}

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a service needs to be ready, and why it is not. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Readiness {
    parts: Arc<Mutex<Vec<Part>>>,
}

/// One thing that a service needs. Clones are the same.
#[derive(Clone, Debug)]
pub struct Part {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    waits: Option<String>,
    note: Option<String>,
    /// Reasons that were logged since it was ready, so that a reason that comes and goes costs one line.
    logged: Vec<String>,
}

/// How a part does.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Condition {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Why it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits: Option<String>,
    /// What else is worth knowing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Readiness {
    /// The part of that name, which is not ready before it is said to be.
    pub(super) fn part(&self, name: &str) -> Part {
        let mut parts = lock(&self.parts);
        if let Some(part) = parts.iter().find(|part| part.inner.name == name) {
            return part.clone();
        }
        let state = Mutex::new(State { waits: Some("has not begun yet".to_owned()), note: None, logged: Vec::new() });
        let part = Part { inner: Arc::new(Inner { name: name.to_owned(), state }) };
        parts.push(part.clone());
        part
    }

    /// How all parts do, in the order in which they came.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        lock(&self.parts).iter().map(Part::condition).collect()
    }
}

impl Part {
    /// It does what it should.
    pub fn ready(&self) {
        let mut state = lock(&self.inner.state);
        if state.waits.take().is_some() && !state.logged.is_empty() {
            state.logged.clear();
            drop(state);
            tracing::info!(part = self.inner.name, "goes on");
        }
    }

    /// It does not, and why, in one line without a secret: what it waits for, and what to do. Logged once for each
    /// reason until it is ready.
    pub fn waits(&self, why: &str) {
        const MOST_LOGGED: usize = 16;
        let mut state = lock(&self.inner.state);
        if state.waits.as_deref() != Some(why) {
            state.waits = Some(why.to_owned());
        }
        if state.logged.len() < MOST_LOGGED && !state.logged.iter().any(|logged| logged == why) {
            state.logged.push(why.to_owned());
            drop(state);
            tracing::warn!(part = self.inner.name, "waits: {why}");
        }
    }

    /// What else is worth knowing of it, in one line without a secret; told until there is something else, not logged.
    pub fn note(&self, note: String) {
        lock(&self.inner.state).note = Some(note);
    }

    /// It does not, as it was told to; not logged.
    pub(crate) fn rests(&self, why: &str) {
        lock(&self.inner.state).waits = Some(why.to_owned());
    }

    fn condition(&self) -> Condition {
        let state = lock(&self.inner.state);
        let (waits, note) = (state.waits.clone(), state.note.clone());
        Condition { name: self.inner.name.clone(), ready: waits.is_none(), waits, note }
    }
}

/// What is in `mutex`: everything here is whole between any two statements, so that a panic elsewhere spoils nothing.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{Settings, Verbosity, told_of};

    #[test]
    fn a_part_is_not_ready_before_it_says_so_and_tells_why() {
        let readiness = Readiness::default();
        let queue = readiness.part("queue");
        let ready = |waits: Option<&str>| Condition {
            name: "queue".to_owned(),
            ready: waits.is_none(),
            waits: waits.map(str::to_owned),
            note: None,
        };
        assert_eq!(readiness.conditions(), [ready(Some("has not begun yet"))]);
        queue.waits("not reached");
        assert_eq!(readiness.conditions(), [ready(Some("not reached"))]);
        readiness.part("queue").ready();
        assert_eq!(readiness.conditions(), [ready(None)]);
    }

    #[test]
    fn a_reason_is_logged_once_until_the_part_is_ready() {
        let verbose = Settings { verbosity: Verbosity::Verbose, ..Settings::default() };
        let told = told_of(&verbose, || {
            let part = Readiness::default().part("queue");
            part.ready();
            for _ in 0..2 {
                ["refused", "timed out", "refused"].into_iter().for_each(|why| part.waits(why));
                part.ready();
            }
        });
        let round = ["waits: refused", "waits: timed out", "goes on"];
        assert_eq!(told.lines().count(), 6, "{told}");
        assert!(told.lines().zip(round.iter().cycle()).all(|(line, part)| line.contains(part)), "{told}");
    }
}

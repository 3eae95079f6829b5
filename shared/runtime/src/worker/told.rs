use std::collections::BTreeMap;

use langflix_measures::{CONSUMERS, Closed, INTAKE_CLOSED};
use langflix_ports::queue::Place;

use super::lane::Lane;
use crate::health::{Health, Part, intake_open};

/// What was told of an intake, so that only news are told.
pub(super) struct Told {
    name: &'static str,
    queue: Part,
    intake: Part,
    open: bool,
    /// Whether a lane has a consumer.
    consumers: BTreeMap<Place, bool>,
    state: Option<State>,
}

/// How an intake does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It takes what there is.
    Taking,
    /// It does not, as it was told to.
    Rests(Closed, &'static str),
    /// It does not, though it should.
    Waits(Closed, String),
}

impl State {
    fn closed(&self) -> Option<Closed> {
        match self {
            Self::Taking => None,
            Self::Rests(closed, _) | Self::Waits(closed, _) => Some(*closed),
        }
    }
}

impl Told {
    pub(super) fn new(name: &'static str, health: &Health) -> Self {
        intake_open(name, false);
        let part = |of| health.part(&format!("{name}.{of}"));
        Self {
            name,
            queue: part("queue"),
            intake: part("intake"),
            open: false,
            consumers: BTreeMap::new(),
            state: None,
        }
    }

    /// Tells what trouble there is with the queue, if any.
    pub(super) fn queue(&self, trouble: Option<&str>) {
        trouble.map_or_else(|| self.queue.ready(), |trouble| self.queue.waits(trouble));
    }

    /// Tells which lanes have a consumer.
    pub(super) fn consumers(&mut self, lanes: &[Lane]) {
        for lane in lanes {
            if self.consumers.insert(lane.place, lane.is_open()) != Some(lane.is_open()) {
                CONSUMERS.set((lane.place,), if lane.is_open() { 1.0 } else { 0.0 });
            }
        }
    }

    /// Tells how the intake does, and whether any consumer is open.
    pub(super) fn intake(&mut self, state: State, open: bool) {
        if open != self.open {
            self.open = open;
            intake_open(self.name, open);
        }
        if self.state.as_ref() == Some(&state) {
            return;
        }
        match &state {
            State::Taking => self.intake.ready(),
            State::Rests(_, why) => self.intake.rests(why),
            State::Waits(_, why) => self.intake.waits(why),
        }
        if let Some(before) = self.state.as_ref().and_then(State::closed) {
            INTAKE_CLOSED.set((self.name.into(), before), 0.0);
        }
        if let Some(now) = state.closed() {
            INTAKE_CLOSED.set((self.name.into(), now), 1.0);
        }
        self.state = Some(state);
    }
}

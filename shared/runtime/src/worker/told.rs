use crate::health::{Health, Part, intake_open};

/// What was told of an intake, so that only news are told.
pub(super) struct Told {
    name: &'static str,
    queue: Part,
    intake: Part,
    open: bool,
    state: Option<State>,
}

/// How an intake does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It takes what there is.
    Taking,
    /// It does not, as it was told to.
    Rests(&'static str),
    /// It does not, though it should.
    Waits(String),
}

impl Told {
    pub(super) fn new(name: &'static str, health: &Health) -> Self {
        intake_open(name, false);
        let part = |of| health.part(&format!("{name}.{of}"));
        Self { name, queue: part("queue"), intake: part("intake"), open: false, state: None }
    }

    /// Tells what trouble there is with the queue, if any.
    pub(super) fn queue(&self, trouble: Option<&str>) {
        trouble.map_or_else(|| self.queue.ready(), |trouble| self.queue.waits(trouble));
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
            State::Rests(why) => self.intake.rests(why),
            State::Waits(why) => self.intake.waits(why),
        }
        self.state = Some(state);
    }
}

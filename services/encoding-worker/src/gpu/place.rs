use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Instant,
};

use langflix_domain::Load;

use super::{books::Books, desk::Desk};

/// A task, from its message to its end.
pub(crate) struct Task {
    desk: Arc<Desk>,
    storing: AtomicBool,
}

/// A clip that is encoded: a session of the GPU, or threads of the processor.
pub(crate) struct Place {
    desk: Arc<Desk>,
    /// What it asks of the GPU; nothing where it is encoded in software.
    load: Option<Load>,
    since: Instant,
    begun: AtomicBool,
    leaving: AtomicBool,
    ending: AtomicBool,
}

impl Task {
    pub(super) fn new(desk: &Arc<Desk>) -> Self {
        desk.change(|books, _| books.tasks += 1);
        Self { desk: desk.clone(), storing: AtomicBool::new(false) }
    }

    /// How much of its clip is encoded, 0 to 1. A clip that is tried again begins anew.
    pub(crate) fn reached(&self, part: f32) {
        let storing = part >= 1.0;
        if self.storing.swap(storing, Relaxed) != storing {
            self.desk.change(|books, _| if storing { books.storing += 1 } else { books.storing -= 1 });
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.reached(0.0);
        self.desk.change(|books, _| books.tasks -= 1);
    }
}

impl Place {
    pub(super) fn on_gpu(desk: &Arc<Desk>, load: Load) -> Self {
        desk.change(|books, _| {
            books.own.sessions += 1;
            books.own.load += load;
        });
        Self::new(desk, Some(load))
    }

    pub(super) fn in_software(desk: &Arc<Desk>) -> Self {
        desk.change(|books, _| books.software += 1);
        Self::new(desk, None)
    }

    fn new(desk: &Arc<Desk>, load: Option<Load>) -> Self {
        let (begun, leaving, ending) = Default::default();
        Self { desk: desk.clone(), load, since: Instant::now(), begun, leaving, ending }
    }

    /// How much of the clip is encoded, 0 to 1. Less than before, where it is begun anew without the GPU's decoder.
    pub(crate) fn reached(&self, part: f32) {
        if self.load.is_some() && !self.begun.swap(true, Relaxed) {
            self.desk.opened();
        }
        let leaving = self.load.is_some() && self.desk.ends_soon(self.since.elapsed(), part);
        self.count(&self.leaving, leaving, |books| &mut books.leaving);
        self.count(&self.ending, part >= 1.0, |books| &mut books.ending);
    }

    /// Counts this clip where it is `now` to be counted, and no longer where it is not.
    fn count(&self, counted: &AtomicBool, now: bool, of: impl FnOnce(&mut Books) -> &mut usize) {
        if counted.swap(now, Relaxed) != now {
            self.desk.change(|books, _| if now { *of(books) += 1 } else { *of(books) -= 1 });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let of = |flag: &AtomicBool| usize::from(flag.load(Relaxed));
        self.desk.change(|books, _| {
            books.leaving -= of(&self.leaving);
            books.ending -= of(&self.ending);
            match self.load {
                Some(load) => {
                    books.own.sessions -= 1;
                    books.own.load -= load;
                }
                None => books.software -= 1,
            }
        });
    }
}

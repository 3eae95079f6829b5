//! Which copies there are, and how much room they take.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Weak},
};

use tempfile::TempPath;
use tokio::sync::Mutex as Turn;

use super::place::Place;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) copies: HashMap<String, Copied>,
    /// Bytes of the copies and of those that are being made.
    pub(super) taken: u64,
    /// Numbers that were given out, for uses and for files.
    numbers: u64,
    /// Who may make a copy, where somebody does or waits.
    pub(super) turns: HashMap<String, Weak<Turn<()>>>,
}

#[derive(Debug)]
pub(super) struct Copied {
    pub(super) bytes: u64,
    /// The number of its last use.
    pub(super) used: u64,
    /// Each holder has a clone.
    pub(super) holders: Arc<()>,
}

impl State {
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn insert(&mut self, name: String, bytes: u64) {
        let used = self.number();
        self.taken += bytes;
        self.copies.insert(name, Copied { bytes, used, holders: Arc::default() });
    }

    pub(super) fn forget(&mut self, name: &str) {
        if let Some(copy) = self.copies.remove(name) {
            self.taken -= copy.bytes;
        }
    }

    pub(super) fn idle(&self) -> impl Iterator<Item = (&String, &Copied)> {
        self.copies.iter().filter(|(_, copy)| Arc::strong_count(&copy.holders) == 1)
    }

    /// The copies to remove so that `bytes` fit; `None` where they do not.
    pub(super) fn make_room(&self, bytes: u64, bound: u64) -> Option<Vec<String>> {
        let mut idle: Vec<(&String, &Copied)> = self.idle().collect();
        idle.sort_by_key(|(_, copy)| copy.used);
        let (mut taken, mut gone) = (self.taken, Vec::new());
        let mut idle = idle.into_iter();
        while taken.saturating_add(bytes) > bound {
            let (name, copy) = idle.next()?;
            taken -= copy.bytes;
            gone.push(name.clone());
        }
        Some(gone)
    }

    /// Takes copies out of use; they are gone when what this returns is dropped.
    pub(super) fn remove(&mut self, place: &Place, names: Vec<String>) -> io::Result<Vec<TempPath>> {
        let remove = |name: String| {
            let gone = place.remove(&name, self.number())?;
            self.forget(&name);
            Ok(gone)
        };
        names.into_iter().map(remove).collect()
    }

    pub(super) fn turn(&mut self, name: &str) -> Arc<Turn<()>> {
        self.turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = self.turns.get(name).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        self.turns.insert(name.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

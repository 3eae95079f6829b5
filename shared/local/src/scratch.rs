use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use langflix_domain::Digest;
use tempfile::TempPath;
use tokio::task::spawn_blocking;

use place::{Incoming, Place};
use state::State;

mod place;
mod state;

/// A folder of this process's own: work in progress, and copies of files that lie elsewhere, bounded by bytes.
///
/// Clones share it.
#[derive(Clone, Debug)]
pub struct Scratch(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    place: Place,
    bound: u64,
    state: Mutex<State>,
}

/// A copy that stays where it is until this is dropped.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    _holder: Arc<()>,
    _scratch: Scratch,
}

impl Held {
    /// The copy.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What room there is in a scratch folder, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// What copies take up, those in the making included, and files in the making.
    pub used: u64,
    /// What of that nobody holds.
    pub idle: u64,
    /// What may still be written there, whoever took the rest.
    pub free: u64,
    /// All of that file system.
    pub size: u64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum HoldError<E> {
    /// It is larger than what is left beside the copies in use.
    #[error("there is no room for a copy beside those in use")]
    NoRoom,
    /// It could not be filled.
    #[error(transparent)]
    Fill(E),
    /// The file system failed.
    #[error("the folder for copies: {0}")]
    Disk(#[source] io::Error),
}

/// Room for a copy in the making, given back where none is made.
struct Reserved {
    scratch: Scratch,
    bytes: u64,
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.scratch.state().taken -= self.bytes;
    }
}

impl Scratch {
    /// Takes a part of the folder `root`, which is made where it does not exist: the first that no other process holds.
    /// What a killed process left half-made there is deleted, its copies are kept as far as `bound` bytes reach, those
    /// used last first.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(root: &Path, bound: u64) -> io::Result<Self> {
        let place = Place::claim(root)?;
        let mut found = place.found()?;
        found.sort_by_key(|copy| copy.used);
        let mut state = State::default();
        for copy in found {
            state.insert(copy.name, copy.bytes);
        }
        let gone = state.make_room(0, bound).unwrap_or_default();
        delete(state.remove(&place, gone)?)?;
        Ok(Self(Arc::new(Shared { place, bound, state: Mutex::new(state) })))
    }

    /// A folder for files in the making, empty when the scratch folder was opened.
    pub fn work(&self) -> &Path {
        &self.0.place.work
    }

    /// Most bytes that copies take up.
    pub fn bound(&self) -> u64 {
        self.0.bound
    }

    /// What room there is now. Asks the file system.
    ///
    /// # Errors
    /// What the file system says.
    pub fn room(&self) -> io::Result<Room> {
        let disk = rustix::fs::statvfs(self.work())?;
        let (copies, idle) = {
            let state = self.state();
            (state.taken, state.idle().map(|(_, copy)| copy.bytes).sum())
        };
        let (free, size) = (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
        Ok(Room { used: copies + place::bytes(self.work())?, idle, free, size })
    }

    /// The copy called `key`, where there is one.
    pub fn get(&self, key: &str) -> Option<Held> {
        self.named(&name(key))
    }

    /// The copy called `key`, which is made where there is none: room for `bytes` is made by deleting copies that nobody
    /// holds, those used longest ago first, and `fill` writes the file at the path that it is given. Of several callers
    /// one fills, and the others wait for it; where it fails or is dropped, the next one does.
    ///
    /// # Errors
    /// [`HoldError`]; then nothing is left of it.
    pub async fn hold<E, F>(&self, key: &str, bytes: u64, fill: impl FnOnce(PathBuf) -> F) -> Result<Held, HoldError<E>>
    where
        F: Future<Output = Result<(), E>>,
    {
        let name = name(key);
        let turn = self.state().turn(&name);
        let turn = turn.lock_owned().await;
        if let Some(held) = self.named(&name) {
            return Ok(held);
        }
        let (reserved, incoming) = self.reserve(bytes).await?;
        fill(incoming.copy.clone()).await.map_err(HoldError::Fill)?;
        // It goes on where the caller is dropped, and its turn lasts as long.
        let kept = spawn_blocking(move || {
            let _turn = turn;
            reserved.keep(name, incoming)
        });
        kept.await.unwrap_or_else(|error| Err(Refused::Disk(io::Error::other(error)))).map_err(HoldError::from)
    }

    /// Deletes every copy that nobody holds.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn clear(&self) -> io::Result<()> {
        let gone = {
            let mut state = self.state();
            let idle = state.idle().map(|(name, _)| name.clone()).collect();
            state.remove(&self.0.place, idle)?
        };
        deleted(gone).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn named(&self, name: &str) -> Option<Held> {
        self.hand_out(&mut self.state(), name)
    }

    fn hand_out(&self, state: &mut State, name: &str) -> Option<Held> {
        let path = self.0.place.copy(name);
        let copy = state.copies.get(name)?;
        // Others, too, clean up where temporary files lie.
        if fs::metadata(&path).ok().is_none_or(|file| file.len() != copy.bytes) {
            state.forget(name);
            return None;
        }
        // Only the order after the next start depends on it.
        let _order = File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        let used = state.number();
        let copy = state.copies.get_mut(name)?;
        copy.used = used;
        Some(Held { path, _holder: Arc::clone(&copy.holders), _scratch: self.clone() })
    }

    async fn reserve(&self, bytes: u64) -> Result<(Reserved, Incoming), Refused> {
        let (reserved, incoming, gone) = {
            let mut state = self.state();
            let gone = state.make_room(bytes, self.0.bound).ok_or(Refused::NoRoom)?;
            let gone = state.remove(&self.0.place, gone)?;
            let incoming = self.0.place.incoming(state.number())?;
            state.taken += bytes;
            (Reserved { scratch: self.clone(), bytes }, incoming, gone)
        };
        deleted(gone).await?;
        Ok((reserved, incoming))
    }
}

/// Why a copy is not made or kept, whatever fills it.
#[derive(Debug)]
enum Refused {
    NoRoom,
    Disk(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl<E> From<Refused> for HoldError<E> {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NoRoom => Self::NoRoom,
            Refused::Disk(error) => Self::Disk(error),
        }
    }
}

impl Reserved {
    /// Gives a copy that was filled its name.
    fn keep(mut self, name: String, incoming: Incoming) -> Result<Held, Refused> {
        let file = File::open(&incoming.copy)?;
        // Otherwise the name might outlive a crash and the content not.
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        let scratch = self.scratch.clone();
        let (held, gone) = {
            let (mut state, Shared { place, bound, .. }) = (scratch.state(), &*scratch.0);
            let more = bytes.saturating_sub(self.bytes);
            let gone = state.make_room(more, *bound).ok_or(Refused::NoRoom)?;
            let gone = state.remove(place, gone)?;
            fs::rename(&incoming.copy, place.copy(&name))?;
            state.taken -= std::mem::take(&mut self.bytes);
            state.insert(name.clone(), bytes);
            (scratch.hand_out(&mut state, &name), gone)
        };
        delete(gone)?;
        held.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound).into())
    }
}

/// A file's name, whatever the key holds.
fn name(key: &str) -> String {
    Digest::of_bytes(key.as_bytes()).to_string()
}

fn delete(gone: Vec<TempPath>) -> io::Result<()> {
    gone.into_iter().map(TempPath::close).try_for_each(|closed| match closed {
        // Somebody had deleted it before.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    })
}

/// Large files take their time, which must not hold up other tasks.
async fn deleted(gone: Vec<TempPath>) -> io::Result<()> {
    if gone.is_empty() {
        return Ok(());
    }
    spawn_blocking(move || delete(gone)).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
#[path = "scratch_tests.rs"]
mod tests;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::State;

/// The variable that names the file of the [`State`].
pub const STATE: &str = "LANGFLIX_STANDIN_GPU";
/// The variable that names the real ffmpeg.
pub const FFMPEG: &str = "LANGFLIX_STANDIN_FFMPEG";

/// The file of a [`State`], which processes read at any time and change one after another.
#[derive(Clone, Debug)]
pub struct StateFile(PathBuf);

impl StateFile {
    /// The file at `path`, which need not be there before it is written.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// What stands in it.
    ///
    /// # Errors
    /// Where it cannot be read, or is no state.
    pub fn read(&self) -> io::Result<State> {
        Ok(serde_json::from_slice(&fs::read(&self.0)?)?)
    }

    /// Changes what stands in it, an empty state where there is none; a reader sees it before or after, never between.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let lock = fs::File::create(self.0.with_extension("lock"))?;
        lock.lock()?;
        let mut state = match self.read() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            read => read?,
        };
        let result = change(&mut state);
        let new = self.0.with_extension("new");
        fs::write(&new, serde_json::to_vec_pretty(&state)?)?;
        fs::rename(new, &self.0)?;
        Ok(result)
    }
}

//! Synthetic sources that say of every moment which one it is, and what reads that back out of a clip.
//!
//! Along the bottom of the picture stand sixteen squares: the bits of the frame's number from the highest to the
//! lowest, white for 1. In the first 60 ms of every second `k` of the sound stands a tone of `400 + 100 k` Hz, silence
//! otherwise. So a frame's number times the frame's length, and a tone's pitch, are both a position in the source.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

mod read;
mod recipe;

pub use read::{Burst, Clip, Frame};
pub use recipe::Recipe;

/// Width and height of the sources' pictures, unless their recipe says otherwise.
pub const SIZE: (u32, u32) = (320, 180);

/// Builds `recipe` in the folder `dir`, unless an earlier call did.
///
/// # Panics
/// Where ffmpeg is missing or fails: there is nothing to test then.
pub fn build(dir: &Path, recipe: &Recipe) -> PathBuf {
    build_in(dir, recipe).unwrap_or_else(|error| panic!("{}: {error}", recipe.file))
}

fn build_in(dir: &Path, recipe: &Recipe) -> io::Result<PathBuf> {
    fs::create_dir_all(dir)?;
    // The name changes with the recipe, so that an old file is never taken for a new one.
    let (stem, extension) = recipe.file.rsplit_once('.').unwrap_or((recipe.file, "mkv"));
    let made = dir.join(format!("{stem}-{:016x}.{extension}", recipe.fingerprint()));
    // Tests run as processes of their own: the first builds, the others wait.
    let lock = File::create(dir.join(format!("{stem}.lock")))?;
    lock.lock()?;
    if !made.exists() {
        let scratch = dir.join(format!("{stem}.d"));
        fs::create_dir_all(&scratch)?;
        for step in &recipe.steps {
            ffmpeg(&scratch, step)?;
        }
        fs::rename(scratch.join(recipe.file), &made)?;
        fs::remove_dir_all(&scratch)?;
    }
    Ok(made)
}

/// Runs ffmpeg in `dir`.
///
/// # Errors
/// Where it cannot be started or fails, with what it said.
pub fn ffmpeg<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> io::Result<Vec<u8>> {
    run("ffmpeg", dir, &["-nostdin", "-v", "error", "-y"], args)
}

/// Runs ffprobe in `dir`.
///
/// # Errors
/// Where it cannot be started or fails, with what it said.
pub fn ffprobe<S: AsRef<OsStr>>(dir: &Path, args: &[S]) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&run("ffprobe", dir, &["-v", "error"], args)?).into_owned())
}

fn run<S: AsRef<OsStr>>(program: &str, dir: &Path, first: &[&str], args: &[S]) -> io::Result<Vec<u8>> {
    let output = Command::new(program).args(first).args(args).current_dir(dir).stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(io::Error::other(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

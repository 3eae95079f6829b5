//! Configuration: parsed once, from injected strings, every fault reported at once.

mod fault;
mod kind;
mod origin;
mod reader;
mod reference;
mod secret;
mod sections;
mod sources;
#[cfg(test)]
mod tests;
mod yaml;

pub use fault::{Fault, Faults};
pub use origin::{Entry, Origin};
pub use reference::reference;
pub use secret::{ApiKey, KeyFile, read_key_file};
pub use sections::{BaseUrl, HardwareAcceleration, Llm, Processing, Provider, Run, Video};
pub use sources::{ConfigFile, DEFAULT_FILE, Flag, Sources};

use reader::Reader;

/// All that can be configured, each value checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who finds the expressions, and how hard they are asked.
    pub llm: Llm,
    /// How clips are encoded.
    pub video: Video,
    /// How much is done at once, and how much is taken.
    pub processing: Processing,
    /// What one run is asked for.
    pub run: Run,
    /// What holds but deserves a look, one line each.
    pub warnings: Vec<String>,
    entries: Vec<Entry>,
}

impl Config {
    /// The configuration that the sources give together.
    ///
    /// # Errors
    /// Every fault of every source, also of a value that a higher source overrides.
    pub fn load(sources: &Sources) -> Result<Self, Faults> {
        let mut reader = Reader::new(sources);
        let config = Self::read(&mut reader, sources);
        let (entries, faults) = reader.finish();
        if faults.is_empty() { Ok(Self { entries, ..config }) } else { Err(Faults(faults)) }
    }

    fn read(reader: &mut Reader, sources: &Sources) -> Self {
        let mut warnings = Vec::new();
        Self {
            llm: Llm::read(reader, sources, &mut warnings),
            video: Video::read(reader),
            processing: Processing::read(reader),
            run: Run::read(reader),
            warnings,
            entries: Vec::new(),
        }
    }

    /// Every key with the value that holds and where it came from. Holds no secret.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

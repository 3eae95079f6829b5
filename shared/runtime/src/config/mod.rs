//! Configuration: parsed once, from injected strings, every fault reported at once.

mod certificates;
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

pub use certificates::{Certificates, read_certificates};
pub use fault::{Fault, Faults};
pub use origin::{Entry, Origin};
pub use reference::reference;
pub use secret::{KeyFile, Secret, read_key_file};
pub use sections::{
    BaseUrl, Fallback, Fleet, Gpu, HardwareAcceleration, Llm, Processing, Provider, RabbitMq, Redis, Run, S3,
    S3Credentials, Telemetry, Video, Web,
};
pub use sources::{ConfigFile, DEFAULT_FILE, Flag, Sources};

use reader::Reader;
use sections::Files;

/// All that can be configured for work in one process, each value checked.
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
    /// What programs tell of themselves, and to whom.
    pub telemetry: Telemetry,
    /// What holds but deserves a look, one line each.
    pub warnings: Vec<String>,
    entries: Vec<Entry>,
}

/// All that can be configured, for the programs of a fleet.
#[derive(Clone, Debug)]
pub struct FleetConfig {
    /// What work in one process has, too.
    pub common: Config,
    /// How the message broker is reached.
    pub rabbitmq: RabbitMq,
    /// How the cache is reached.
    pub redis: Redis,
    /// How the artifact store is reached.
    pub s3: S3,
    /// How the programs work together.
    pub fleet: Fleet,
    /// Which GPU an encoding worker is pinned to.
    pub gpu: Gpu,
    /// The page and the HTTP API of the dispatcher.
    pub web: Web,
}

/// Whose secrets a program of the fleet needs: files of others are left alone, so that all programs may share one
/// configuration and none the secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// The servers' alone.
    Servers,
    /// The servers' and the model's.
    Model,
    /// The servers' and the tokens of the page.
    Page,
}

/// What is there of a configuration that may be wrong, for whoever looks for what is wrong.
#[derive(Clone, Debug)]
pub struct Parts {
    /// What work in one process has, too; a value that is not allowed has its default here.
    pub common: Config,
    /// As in [`FleetConfig`]; `None` where a fault concerns it.
    pub rabbitmq: Option<RabbitMq>,
    /// As in [`FleetConfig`]; `None` where a fault concerns it.
    pub redis: Option<Redis>,
    /// As in [`FleetConfig`]; `None` where a fault concerns it.
    pub s3: Option<S3>,
    /// How the programs work together; a value that is not allowed has its default here.
    pub fleet: Fleet,
    /// Which GPU an encoding worker is pinned to; a value that is not allowed has its default here.
    pub gpu: Gpu,
    /// The page and the HTTP API of the dispatcher; a value that is not allowed has its default here.
    pub web: Web,
    /// Everything that is wrong.
    pub faults: Faults,
}

/// The sections of a fleet; `None` for one that something is missing in.
struct Sections {
    rabbitmq: Option<RabbitMq>,
    redis: Redis,
    s3: Option<S3>,
    fleet: Fleet,
    gpu: Gpu,
    web: Web,
}

impl Config {
    /// The configuration that the sources give together. Values for a fleet are checked like all others; files that
    /// they name are left alone, and none is missing.
    ///
    /// # Errors
    /// Every fault of every source, also of a value that a higher source overrides.
    pub fn load(sources: &Sources) -> Result<Self, Faults> {
        let mut reader = Reader::new(sources);
        let (config, _) = Self::read(&mut reader, Files::new(sources, None));
        let (entries, faults) = reader.finish();
        if faults.is_empty() { Ok(Self { entries, ..config }) } else { Err(Faults(faults)) }
    }

    fn read(reader: &mut Reader, mut files: Files) -> (Self, Sections) {
        let llm = Llm::read(reader, &mut files);
        let (video, processing, run) = (Video::read(reader), Processing::read(reader), Run::read(reader));
        let sections = Sections {
            rabbitmq: RabbitMq::read(reader, &mut files),
            redis: Redis::read(reader, &mut files),
            s3: S3::read(reader, &mut files),
            fleet: Fleet::read(reader),
            gpu: Gpu::read(reader),
            web: Web::read(reader, &mut files),
        };
        let telemetry = Telemetry::read(reader, &mut files);
        (Self { llm, video, processing, run, telemetry, warnings: files.warnings, entries: Vec::new() }, sections)
    }

    /// Every key with the value that holds and where it came from. Holds no secret.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl FleetConfig {
    /// As [`Self::load`], with what is there beside the faults.
    pub fn look(sources: &Sources, needs: Needs) -> Parts {
        let mut reader = Reader::new(sources);
        let (common, Sections { rabbitmq, redis, s3, fleet, gpu, web }) =
            Config::read(&mut reader, Files::new(sources, Some(needs)));
        let (entries, faults) = reader.finish();
        let sound = |section: &str| !faults.iter().any(|fault| fault.concerns(section));
        Parts {
            rabbitmq: rabbitmq.filter(|_| sound("rabbitmq")),
            redis: Some(redis).filter(|_| sound("redis")),
            s3: s3.filter(|_| sound("s3")),
            fleet,
            gpu,
            web,
            common: Config { entries, ..common },
            faults: Faults(faults),
        }
    }

    /// The configuration that the sources give together, with the certificates of the servers and the secrets that the
    /// program needs.
    ///
    /// # Errors
    /// As [`Config::load`], and also what the servers need and is not there or cannot be read.
    pub fn load(sources: &Sources, needs: Needs) -> Result<Self, Faults> {
        let Parts { common, rabbitmq, redis, s3, fleet, gpu, web, faults } = Self::look(sources, needs);
        match (rabbitmq, redis, s3) {
            (Some(rabbitmq), Some(redis), Some(s3)) if faults.0.is_empty() => {
                Ok(Self { common, rabbitmq, redis, s3, fleet, gpu, web })
            }
            _ => Err(faults),
        }
    }
}

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::NonZeroU32,
    path::PathBuf,
    time::Duration,
};

use crate::config::{kind, reader::Reader};

/// How the programs of a fleet work together.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Most tasks of one run in the bulk lane at once.
    pub tasks_in_flight: NonZeroU32,
    /// How often a task is tried before it ends in `failed`.
    pub max_attempts: NonZeroU32,
    /// How long running tasks may take to end after a signal.
    pub drain: Duration,
    /// After how long without anything new the missing tasks of a run are published again.
    pub silence: Duration,
    /// Where health, status and metrics are told.
    pub health_address: SocketAddr,
    /// Where sources are copied to; below the system's folder for temporary files where it is `None`.
    pub scratch_dir: Option<PathBuf>,
    /// Most bytes that copied sources take up, in MiB.
    pub scratch_mb: u64,
}

impl Fleet {
    pub(in crate::config) fn read(read: &mut Reader) -> Self {
        let count = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let tasks_in_flight = read.value(
            "fleet.tasks_in_flight",
            kind::whole(1..=100_000),
            32,
            "most tasks of one run in the bulk lane at once, so that runs share the workers",
        );
        let max_attempts =
            read.value("fleet.max_attempts", kind::whole(1..=20), 5, "how often a task is tried before it has failed");
        let drain = read.value(
            "fleet.drain_seconds",
            kind::seconds(0.0..=3600.0),
            Duration::from_mins(16),
            "how long running tasks may take to end after a signal; by default a minute more than a task's limit of 15 minutes, so that none has to be begun anew",
        );
        let silence = read.value(
            "fleet.silence_seconds",
            kind::seconds(1.0..=86_400.0),
            Duration::from_mins(16),
            "after how long without a new outcome the missing tasks of a run are published again; longer than a task may take, or work is done twice",
        );
        let health_address = read.value(
            "fleet.health_address",
            kind::text("an address with a port such as 0.0.0.0:8080", |text| text.parse().ok(), SocketAddr::to_string),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080)),
            "where health, status and metrics are told; port 0: any that is free",
        );
        let scratch_dir = read.value(
            "fleet.scratch_dir",
            kind::path().optional(),
            None,
            "the folder that sources are copied to; unset: one below the system's folder for temporary files",
        );
        let scratch_mb =
            read.value("fleet.scratch_mb", kind::whole(64..=16_777_216), 10_240, "most MiB of copied sources");
        Self {
            tasks_in_flight: count(tasks_in_flight),
            max_attempts: count(max_attempts),
            drain,
            silence,
            health_address,
            scratch_dir,
            scratch_mb,
        }
    }
}

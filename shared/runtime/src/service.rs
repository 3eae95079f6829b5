//! What every service's `main` does, piece by piece.

use std::{fmt, panic::AssertUnwindSafe, path::Path, pin::pin, process::ExitCode, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use futures::FutureExt as _;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    config::{Faults, FleetConfig, Needs, Sources},
    health::Part,
    shutdown::Shutdown,
    telemetry::{self, Exporting},
};

/// The exit code for a wrong configuration: `EX_USAGE` of sysexits.h.
const USAGE: u8 = 64;

/// How long a first try may take before it is told that nothing answers.
const SAID_AFTER: Duration = Duration::from_secs(5);

/// How long threads may take to end when everything else has.
const THREADS_WITHIN: Duration = Duration::from_secs(2);

/// How much longer than their own limit the parts of a service may take to end.
const LAST_WITHIN: Duration = Duration::from_secs(30);

/// Why a service does not begin.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its events cannot be told.
    #[error(transparent)]
    Telemetry(#[from] telemetry::Error),
    /// Its configuration is wrong.
    #[error(transparent)]
    Configuration(#[from] Faults),
}

/// Reads the configuration of the service `name`, which has these needs, the file `config` included where it is named. From here on its events
/// are told as `RUST_LOG` has it, and its spans are sent as long as the second of what this gives is there.
///
/// # Errors
/// See [`Error`]; each fault of the configuration is one line.
pub fn begin(
    name: &'static str,
    version: &'static str,
    config: Option<&Path>,
    needs: Needs,
) -> Result<(FleetConfig, Exporting), Error> {
    let config = FleetConfig::load(&Sources::of_process(config, Vec::new()), needs)?;
    let telemetry = &config.common.telemetry;
    let settings = telemetry::Settings {
        export: telemetry::Export::of(telemetry, &format!("langflix-{name}"), version),
        ..telemetry::Settings::for_service(std::env::var("RUST_LOG").ok(), telemetry.json_logs)
    };
    let exporting = telemetry::init(&settings)?;
    telemetry::tell_panics();
    config.common.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok((config, exporting))
}

/// Runs a service to its end, on one thread, and on others, which it leaves behind where they hang, what would hold that one
/// up. A service waits for servers and children nearly all of the time: to wake one more thread for each answer would cost
/// more than to work on the answer. A service that does not begin says why on stderr and ends with code 64.
pub fn block_on<E: fmt::Display>(work: impl Future<Output = Result<ExitCode, E>>) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: no threads to run on: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(work).unwrap_or_else(|error| {
        error.to_string().lines().for_each(|line| eprintln!("error: {line}"));
        USAGE.into()
    });
    runtime.shutdown_timeout(THREADS_WITHIN);
    code
}

/// What `step` gives at its first success. Until then it is tried again and again, with growing waits, and `part` tells
/// what is waited for, be it that a try itself takes long; `None` where the process is told to end before.
pub async fn patience<T, E: fmt::Display>(
    part: &Part,
    shutdown: &Shutdown,
    mut step: impl AsyncFnMut() -> Result<T, E>,
) -> Option<T> {
    let tries = async {
        let mut failed = false;
        for wait in backoff() {
            let mut trying = pin!(step());
            let tried = match timeout(SAID_AFTER, &mut trying).await {
                Ok(tried) => tried,
                Err(_) => {
                    // The reason of a try before says more.
                    if !failed {
                        part.waits(&format!("no answer for {SAID_AFTER:.0?}"));
                    }
                    trying.await
                }
            };
            match tried {
                Ok(value) => {
                    part.ready();
                    return Some(value);
                }
                Err(error) => part.waits(&error.to_string()),
            }
            failed = true;
            sleep(wait).await;
        }
        None
    };
    tokio::select! {
        value = tries => value,
        () = shutdown.draining() => None,
    }
}

/// Waits between tries of what fails for the moment: from 200 ms up to 10 s, spread, without an end.
pub(crate) fn backoff() -> ExponentialBackoff {
    // The spread adds up to as much again.
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
        .build()
}

/// What works in a service until it is told to end.
#[derive(Debug)]
pub struct Crew {
    shutdown: Shutdown,
    tasks: JoinSet<(&'static str, bool)>,
}

impl Crew {
    /// Nobody yet.
    pub fn new(shutdown: &Shutdown) -> Self {
        Self { shutdown: shutdown.clone(), tasks: JoinSet::new() }
    }

    /// Lets `work` begin, which ends by itself only when `shutdown` says so.
    pub fn spawn(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let work = AssertUnwindSafe(work).catch_unwind();
        self.tasks.spawn(work.map(move |ended| (name, ended.is_ok())));
    }

    /// Waits until the process is told to end and all have ended, for not much longer than `drain`. Where one ends before
    /// it is told to, all are told, and the process has failed.
    pub async fn ended(mut self, drain: Duration) -> ExitCode {
        let mut failed = false;
        loop {
            tokio::select! {
                biased;
                () = self.shutdown.draining() => break,
                ended = self.tasks.join_next() => {
                    let who = ended.and_then(Result::ok).map_or("nothing", |(name, _)| name);
                    if !self.shutdown.is_draining() {
                        tracing::error!(who, "has ended without being told to");
                        failed = true;
                        self.shutdown.signal();
                    }
                }
            }
        }
        let rest = async {
            while let Some(ended) = self.tasks.join_next().await {
                failed |= !matches!(ended, Ok((_, true)));
            }
        };
        if timeout(drain.saturating_add(LAST_WITHIN), rest).await.is_err() {
            tracing::error!(left = self.tasks.len(), "has not ended in time, and is left");
            failed = true;
        }
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;
    use crate::health::Health;

    const DRAIN: Duration = Duration::from_secs(60);

    fn succeeds(code: ExitCode) -> bool {
        format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS)
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_is_tried_until_it_succeeds_and_says_what_it_waits_for() {
        let (health, shutdown) = (Health::new("test", "0"), Shutdown::default());
        let part = health.part("store");
        let (began, mut tries) = (Instant::now(), 0);
        let step = async || {
            assert_eq!(health.conditions()[0].waits.as_deref() == Some("no such bucket"), tries > 0);
            tries += 1;
            if tries < 8 { Err("no such bucket") } else { Ok(tries) }
        };
        assert_eq!(patience(&part, &shutdown, step).await, Some(8));
        let waited = began.elapsed();
        assert!(waited > Duration::from_secs(16) && waited < Duration::from_secs(33), "{waited:?}");
        assert!(health.conditions()[0].ready);
    }

    #[tokio::test(start_paused = true)]
    async fn a_step_that_takes_long_is_told_before_it_ends() {
        let (health, shutdown) = (Health::new("test", "0"), Shutdown::default());
        let (part, mut tries) = (health.part("store"), 0);
        let waits = || health.conditions()[0].waits.clone().unwrap();
        let step = async || {
            tries += 1;
            sleep(Duration::from_secs(60)).await;
            if tries < 3 { Err("no such bucket") } else { Ok(()) }
        };
        let watching = async {
            let mut told = Vec::new();
            for seconds in [4, 2, 70] {
                sleep(Duration::from_secs(seconds)).await;
                told.push(waits());
            }
            told
        };
        let (done, told) = tokio::join!(patience(&part, &shutdown, step), watching);
        assert_eq!(told, ["has not begun yet", "no answer for 5s", "no such bucket"]);
        assert_eq!(done, Some(()));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_with_the_process() {
        let (health, shutdown) = (Health::new("test", "0"), Shutdown::default());
        let told = shutdown.clone();
        tokio::spawn(async move {
            sleep(Duration::from_secs(100)).await;
            told.signal();
        });
        let step = async || Err::<(), _>("no such bucket");
        assert_eq!(patience(&health.part("store"), &shutdown, step).await, None);
        assert!(!health.conditions()[0].ready);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crew_ends_when_all_have_ended_after_the_signal() {
        let shutdown = Shutdown::default();
        let mut crew = Crew::new(&shutdown);
        for seconds in [1, 30] {
            let told = shutdown.clone();
            crew.spawn("work", async move {
                told.draining().await;
                sleep(Duration::from_secs(seconds)).await;
            });
        }
        shutdown.signal();
        let began = Instant::now();
        assert!(succeeds(crew.ended(DRAIN).await));
        assert_eq!(began.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ends_too_early_or_panics_ends_all_and_the_process_has_failed() {
        for panics in [false, true] {
            let shutdown = Shutdown::default();
            let mut crew = Crew::new(&shutdown);
            crew.spawn("early", async move { assert!(!panics, "a text") });
            let told = shutdown.clone();
            crew.spawn("other", async move { told.draining().await });
            assert!(!succeeds(crew.ended(DRAIN).await));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_end_is_left_in_the_end() {
        let shutdown = Shutdown::default();
        let mut crew = Crew::new(&shutdown);
        crew.spawn("stuck", pending());
        shutdown.signal();
        let began = Instant::now();
        assert!(!succeeds(crew.ended(DRAIN).await));
        assert_eq!(began.elapsed(), DRAIN + LAST_WITHIN);
    }

    #[test]
    fn a_service_that_does_not_begin_has_the_code_of_wrong_usage() {
        let code = block_on(async { Err("s3.bucket: not set") });
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(64)));
        assert!(succeeds(block_on(async { Ok::<_, Faults>(ExitCode::SUCCESS) })));
    }
}

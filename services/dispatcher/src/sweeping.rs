use std::time::Duration;

use langflix_domain::EpisodeStatus;
use langflix_measures::{OLDEST_RUN, OPEN_RUNS, RUNS, RUNS_RESUMED, STAGES_ENDED};
use langflix_pipeline::fleet::{Sweeper, Swept};
use langflix_runtime::{health::Part, shutdown::Shutdown};
use tokio::time::{MissedTickBehavior, interval};

use crate::Dispatching;

/// Time between sweeps. Two of them see a stage's end that nobody noticed; most runs are looked at by few.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(10);

/// Looks after unfinished runs until `shutdown`; see [`Sweeper`].
pub(crate) async fn sweep(dispatching: &Dispatching, silence: Duration, part: &Part, shutdown: &Shutdown) {
    let mut sweeper = Sweeper::new(silence);
    // What begins at its first event hides that event from whoever looks at its increase.
    [EpisodeStatus::Complete, EpisodeStatus::Partial, EpisodeStatus::Failed]
        .into_iter()
        .for_each(|status| RUNS.add((status,), 0));
    let mut ticks = interval(BETWEEN_SWEEPS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.draining() => return,
            _ = ticks.tick() => {}
        }
        match sweeper.sweep(dispatching.dispatcher(None)).await {
            Ok(swept) => {
                part.ready();
                tell(swept);
            }
            Err(error) => part.waits(&error.to_string()),
        }
    }
}

fn tell(swept: Swept) {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    OPEN_RUNS.set((), count(swept.open).into());
    // One that has just begun has looked at none yet: it says nothing rather than that the oldest is new.
    if swept.open == 0 || swept.oldest.is_some() {
        OLDEST_RUN.set((), swept.oldest.unwrap_or_default().as_secs_f64());
    }
    STAGES_ENDED.add((), count(swept.ended).into());
    RUNS_RESUMED.add((), count(swept.resumed).into());
}

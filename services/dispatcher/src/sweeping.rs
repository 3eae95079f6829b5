use std::time::Duration;

use langflix_pipeline::fleet::{Sweeper, Swept};
use langflix_runtime::{health::Part, shutdown::Shutdown};
use tokio::time::{MissedTickBehavior, interval};

use crate::Dispatching;

/// Time between sweeps. Two of them see a stage's end that nobody noticed.
const BETWEEN_SWEEPS: Duration = Duration::from_secs(10);

/// Looks after unfinished runs until `shutdown`; see [`Sweeper`].
pub(crate) async fn sweep(dispatching: &Dispatching, silence: Duration, part: &Part, shutdown: &Shutdown) {
    describe();
    let mut sweeper = Sweeper::new(silence);
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

fn describe() {
    metrics::describe_gauge!("langflix_open_runs", "Unfinished runs");
    metrics::describe_counter!("langflix_sweeper_stages_ended_total", "Ends of stages that only the sweeper noticed");
    metrics::describe_counter!("langflix_sweeper_runs_resumed_total", "Silent runs whose tasks were published again");
}

fn tell(swept: Swept) {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    metrics::gauge!("langflix_open_runs").set(count(swept.open));
    metrics::counter!("langflix_sweeper_stages_ended_total").increment(count(swept.ended).into());
    metrics::counter!("langflix_sweeper_runs_resumed_total").increment(count(swept.resumed).into());
}

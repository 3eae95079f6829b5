use std::{convert::Infallible, time::Duration};

use langflix_ports::roster::Roster;
use langflix_runtime::health::Health;
use tokio::time::{sleep, timeout};

use crate::view::{GpuView, Says};

/// Between two announcements, give or take a tenth, so that not all services come at once.
const BETWEEN: Duration = Duration::from_secs(10);
/// The second comes soon: at the first, a service has only begun.
const SOON: Duration = Duration::from_secs(2);
/// Two announcements may be late or lost.
const FORGOTTEN: Duration = Duration::from_secs(35);
/// How long taking a service off may take, since its process is about to end.
const WITHIN: Duration = Duration::from_millis(500);

/// Does `work`, and says meanwhile on `roster` that this service is there and what it tells of itself; `gpu` adds what an
/// encoding worker has to tell. Takes it off at the end.
pub async fn present<W: Future>(
    roster: &dyn Roster,
    health: &Health,
    gpu: impl Fn() -> Option<GpuView> + Send,
    work: W,
) -> W::Output {
    let host = host();
    let id = format!("{host}/{}/{}", health.name(), std::process::id());
    let done = tokio::select! {
        done = work => done,
        never = announce(roster, health, &id, &host, gpu) => match never {},
    };
    // It is forgotten all the same.
    let _late = timeout(WITHIN, roster.withdraw(&id)).await;
    done
}

async fn announce(
    roster: &dyn Roster,
    health: &Health,
    id: &str,
    host: &str,
    gpu: impl Fn() -> Option<GpuView>,
) -> Infallible {
    let mut between = SOON;
    loop {
        // The roster says itself that it is away, and a page that shows nobody says why.
        if let Some(text) = says(health, host, gpu()) {
            let _away = roster.announce(id, &text, FORGOTTEN).await;
        }
        sleep(between.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
        between = BETWEEN;
    }
}

fn says(health: &Health, host: &str, gpu: Option<GpuView>) -> Option<String> {
    let report = serde_json::from_value(health.report()).ok()?;
    serde_json::to_string(&Says { host: host.to_owned(), report, gpu }).ok()
}

/// What this machine, or pod, is called.
fn host() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "unknown".to_owned() } else { name.chars().take(100).collect() }
}

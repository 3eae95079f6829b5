//! What a service tells of itself over HTTP: whether it lives, whether it is ready, what it does and how much.

mod heap;
mod measures;
mod pulse;
mod readiness;
mod routes;
mod running;

use std::{io, net::SocketAddr, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};

pub(crate) use measures::{TaskMeasures, intake_open};
use pulse::Pulses;
use readiness::Readiness;
pub use readiness::{Condition, Part};
pub(crate) use running::{Entry, Running};

use crate::{
    http::{self, Beyond, Bounds},
    shutdown::Shutdown,
};

/// How often measures are brought in order while nobody asks for them. They take memory until then.
const UPKEEP: Duration = Duration::from_secs(60);
/// Whoever holds connections keeps no probe from its answer, which takes one for a moment.
const BOUNDS: Bounds = Bounds { connections: 64, beyond: Beyond::CutsOldest, head_within: Duration::from_secs(5) };

/// A service's health. Clones are the same.
#[derive(Clone, Debug)]
pub struct Health {
    name: &'static str,
    version: &'static str,
    began: Instant,
    readiness: Readiness,
    pulses: Pulses,
    running: Running,
    measures: PrometheusHandle,
    keeps_heap: bool,
}

/// Health is told until this is dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Health {
    /// The health of the service of that name and version. From here on this process's measures are kept.
    pub fn new(name: &'static str, version: &'static str) -> Self {
        let measures = measures::recorder();
        measures::build(name, version);
        let (readiness, pulses, running) = Default::default();
        Self { name, version, began: Instant::now(), readiness, pulses, running, measures, keeps_heap: false }
    }

    /// The same, and a profile of the heap, which is kept from now on where this program's allocator keeps one.
    pub async fn with_heap_profile(self) -> Self {
        let keeps_heap = heap::keep().await;
        if !keeps_heap {
            tracing::warn!("telemetry.heap_profile: this program's allocator keeps no profile");
        }
        Self { keeps_heap, ..self }
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The part of that name among those that the service needs to be ready.
    pub fn part(&self, name: &str) -> Part {
        self.readiness.part(name)
    }

    /// Runs `work`, without which the service does not live: it is felt for whenever somebody asks whether it does.
    pub async fn beating<F: Future>(&self, name: &str, work: F) -> F::Output {
        self.pulses.beating(name, work).await
    }

    /// How all parts do, in the order in which they came.
    pub fn conditions(&self) -> Vec<Condition> {
        self.readiness.conditions()
    }

    /// All that the service tells of itself, as at `/status`.
    pub fn report(&self) -> serde_json::Value {
        let parts = self.conditions();
        serde_json::json!({
            "name": self.name,
            "version": self.version,
            "uptime_seconds": self.began.elapsed().as_secs(),
            "ready": routes::ready(&parts),
            "parts": parts,
            "running": self.running.shown(),
        })
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Tells health at `address`, from now on.
    ///
    /// # Errors
    /// Where the address cannot be listened at.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<Listening> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (routes, measures) = (routes::routes(self.clone()), self.measures.clone());
        // Told to the very end, which is when this is dropped.
        let serve = async move { http::serve(listener, routes, BOUNDS, &Shutdown::default()).await };
        let upkeep = async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                measures.run_upkeep();
            }
        };
        Ok(Listening { address, tasks: [tokio::spawn(serve), tokio::spawn(upkeep)] })
    }
}

impl Listening {
    /// Where health is told.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
mod tests;

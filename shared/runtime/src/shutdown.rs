//! When to end: the first signal asks to drain, a second one to hand back at once.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Tells all who hold it that the process is to end. Clones share what was told.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    hand_back: CancellationToken,
}

impl Shutdown {
    /// Listens to SIGTERM and SIGINT of this process, which no longer end it by themselves.
    ///
    /// # Errors
    /// Where the system refuses.
    pub fn on_signals() -> io::Result<Self> {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let shutdown = Self::default();
        let told = shutdown.clone();
        tokio::spawn(async move {
            while !told.hand_back.is_cancelled() {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                told.signal();
            }
        });
        Ok(shutdown)
    }

    /// Does what a signal does.
    pub fn signal(&self) {
        if self.drain.is_cancelled() {
            tracing::info!("told to end a second time: what runs is handed back at once");
            self.hand_back.cancel();
        } else {
            tracing::info!("told to end: what runs is finished, nothing new is begun");
            self.drain.cancel();
        }
    }

    /// Whether a signal came.
    pub fn is_draining(&self) -> bool {
        self.drain.is_cancelled()
    }

    /// Waits for the first signal.
    pub async fn draining(&self) {
        self.drain.cancelled().await;
    }

    /// Waits for the second signal.
    pub async fn handing_back(&self) {
        self.hand_back.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn the_first_signal_asks_to_drain_and_the_second_to_hand_back() {
        let shutdown = Shutdown::default();
        let other = shutdown.clone();
        assert!(!other.is_draining());
        shutdown.signal();
        assert!(other.is_draining() && other.draining().now_or_never().is_some());
        assert!(other.handing_back().now_or_never().is_none());
        shutdown.signal();
        assert!(other.handing_back().now_or_never().is_some());
    }
}

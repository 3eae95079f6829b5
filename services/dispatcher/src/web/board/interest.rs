use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use langflix_measures::WEB_LISTENERS;
use tokio::{sync::Notify, time::Instant};

/// How long somebody who asked once is taken to be interested.
const LASTING: Duration = Duration::from_secs(15);

/// Whether somebody wants to know. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Interest {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    listeners: AtomicUsize,
    asked: Mutex<Option<Instant>>,
    awake: Notify,
}

/// Somebody who wants to know, until this is dropped.
pub(in crate::web) struct Listening(Interest);

impl Interest {
    /// Somebody asked.
    pub(super) fn asked(&self) {
        *self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.inner.awake.notify_waiters();
    }

    /// Somebody listens.
    pub(super) fn listen(&self) -> Listening {
        self.inner.listeners.fetch_add(1, Relaxed);
        WEB_LISTENERS.of(&()).increment(1.0);
        self.inner.awake.notify_waiters();
        Listening(self.clone())
    }

    fn is_there(&self) -> bool {
        let asked = *self.inner.asked.lock().unwrap_or_else(PoisonError::into_inner);
        self.inner.listeners.load(Relaxed) > 0 || asked.is_some_and(|at| at.elapsed() < LASTING)
    }

    /// Waits until there is any.
    pub(super) async fn begins(&self) {
        loop {
            let mut awake = std::pin::pin!(self.inner.awake.notified());
            awake.as_mut().enable();
            if self.is_there() {
                return;
            }
            awake.await;
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.inner.listeners.fetch_sub(1, Relaxed);
        WEB_LISTENERS.of(&()).decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn interest_lasts_while_somebody_listens_and_a_while_after_somebody_asked() {
        let interest = Interest::default();
        let there = || interest.begins().now_or_never().is_some();
        assert!(!there());
        let listening = interest.listen();
        tokio::time::advance(LASTING * 10).await;
        assert!(there());
        drop(listening);
        assert!(!there());
        interest.asked();
        assert!(there());
        tokio::time::advance(LASTING).await;
        assert!(!there());
    }

    #[tokio::test]
    async fn who_waits_for_interest_is_woken_by_it() {
        let interest = Interest::default();
        let waiting = interest.clone();
        let woken = tokio::spawn(async move { waiting.begins().await });
        tokio::task::yield_now().await;
        interest.asked();
        tokio::time::timeout(Duration::from_secs(10), woken).await.unwrap().unwrap();
    }
}

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use langflix_ports::queue::{Error, ErrorKind};
use tokio::sync::Mutex;

/// Something that is opened by one caller for all, when it is needed and not there.
pub(crate) struct Shared<T> {
    open: RwLock<Option<Arc<T>>>,
    /// Held while it is opened, with how the last attempt failed.
    opening: Mutex<Option<Failed>>,
}

struct Failed {
    began: Instant,
    kind: ErrorKind,
    message: String,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { open: RwLock::default(), opening: Mutex::default() }
    }
}

impl<T> Shared<T> {
    fn there(&self, is_up: impl Fn(&T) -> bool) -> Option<Arc<T>> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|open| is_up(open)).map(Arc::clone)
    }

    /// Lets go of what is lost.
    pub(crate) fn forget_lost(&self, is_up: impl Fn(&T) -> bool) {
        self.open.write().unwrap_or_else(PoisonError::into_inner).take_if(|open| !is_up(open));
    }

    /// What is open and up, else what `open` gives. Those who wait while an attempt fails that began after they asked fail
    /// with it, instead of one after the other.
    pub(crate) async fn get(
        &self,
        queue: &str,
        is_up: impl Fn(&T) -> bool,
        open: impl AsyncFnOnce() -> Result<T, Error>,
    ) -> Result<Arc<T>, Error> {
        if let Some(there) = self.there(&is_up) {
            return Ok(there);
        }
        let asked = Instant::now();
        let mut last = self.opening.lock().await;
        if let Some(there) = self.there(&is_up) {
            return Ok(there);
        }
        if let Some(Failed { kind, message, .. }) = last.as_ref().filter(|last| last.began >= asked) {
            return Err(Error { kind: *kind, queue: queue.to_owned(), message: message.clone() });
        }
        let began = Instant::now();
        match open().await {
            Ok(opened) => {
                let opened = Arc::new(opened);
                *self.open.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&opened));
                Ok(opened)
            }
            Err(error) => {
                *last = Some(Failed { began, kind: error.kind, message: error.message.clone() });
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures::future::join_all;

    use super::*;
    use crate::failure::unavailable;

    #[tokio::test]
    async fn many_who_wait_share_one_attempt() {
        for fails in [false, true] {
            let (shared, attempts) = (Shared::default(), AtomicUsize::new(0));
            let open = async || {
                attempts.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(10)).await;
                if fails { Err(unavailable("a", "no")) } else { Ok(7) }
            };
            let got = join_all((0..20).map(|_| shared.get("b", |_| true, open))).await;
            assert!(got.iter().all(|got| got.is_err() == fails));
            // The first attempt began before the others asked, and may have found what they would not.
            assert_eq!(attempts.into_inner(), if fails { 2 } else { 1 });
        }
    }
}

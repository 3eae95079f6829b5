use std::{
    future::Future,
    sync::mpsc,
    thread::{self, JoinHandle},
};

use tokio::sync::oneshot;

/// A task on a thread and a runtime of its own; it ends, with all that it spawned, when this is dropped.
#[derive(Debug)]
pub(super) struct Background {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// Starts a task, and returns as soon as it says that it is ready.
    pub(super) fn start<F: Future<Output = ()>>(task: impl FnOnce(mpsc::Sender<()>) -> F + Send + 'static) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (ready, wait) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap_or_else(|error| panic!("no runtime: {error}"));
            runtime.block_on(async {
                tokio::select! {
                    () = task(ready) => {}
                    _ = stopped => {}
                }
            });
        });
        assert!(wait.recv().is_ok(), "the proxy did not start");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Where it panicked, it said so, and the test has seen its connections end.
            let _ = thread.join();
        }
    }
}

use std::{io, sync::Arc, thread};

use tokio::{runtime::Handle, sync::oneshot};

/// A thread that lapin's tasks run on. Heartbeats must go out however busy the program's own threads are: else the
/// broker takes a worker for dead that only works hard.
#[derive(Clone)]
pub(crate) struct Threads {
    handle: Handle,
    _running: Arc<oneshot::Sender<()>>,
}

impl Threads {
    /// One more thread, which ends when the last clone is dropped.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel();
        thread::Builder::new().name("amqp".to_owned()).spawn(move || {
            // The sender sends nothing; it is dropped.
            let _dropped = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _running: Arc::new(running) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

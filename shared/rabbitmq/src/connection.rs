use std::{
    io,
    sync::{Arc, LazyLock},
    thread,
    time::Duration,
};

use async_rs::Runtime;
use langflix_ports::queue::Error;
use lapin::{Channel, Connection};
use tokio::{
    runtime::Handle,
    sync::{oneshot, watch},
    time::timeout,
};

use crate::{
    failure::{failed, unavailable},
    settings::Endpoint,
};

/// How long the broker may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// How long it may take to say goodbye.
const CLOSED_WITHIN: Duration = Duration::from_secs(1);

const LOST: &str = "the connection is lost";

/// How many connections of this process are there, or still say goodbye.
static OPEN: LazyLock<watch::Sender<usize>> = LazyLock::new(|| watch::channel(0).0);

/// Waits until the connections that were dropped have said goodbye, for little more than a second at most: for the end of
/// a process. One that ends before may have its connection reset, and the broker then loses what it had not read yet, such
/// as the last acknowledgement.
pub async fn farewell() {
    let mut open = OPEN.subscribe();
    // What is left then is ended with the process; the broker finds out by itself.
    let _late = timeout(CLOSED_WITHIN + Duration::from_millis(100), open.wait_for(|open| *open == 0)).await;
}

/// A connection and the thread that lapin's tasks for it run on, which ends with it, also where it never comes up.
pub(crate) struct Connected {
    connection: Arc<Connection>,
    thread: Thread,
}

impl Connected {
    pub(crate) async fn open(endpoint: &Endpoint, purpose: &str, queue: &str) -> Result<Self, Error> {
        let thread = Thread::start().map_err(|error| unavailable(queue, format!("no thread: {error}")))?;
        let (uri, tls, properties) = (endpoint.uri(), endpoint.tls(), endpoint.properties(purpose));
        let runtime = Runtime::tokio_with_handle(thread.handle.clone());
        let connect = Connection::connect_uri_with_config(uri, properties, tls, runtime);
        let (held, concerned) = (thread.clone(), queue.to_owned());
        let opening = async move {
            let connection = within(&concerned, connect).await?;
            Ok(Self { connection: Arc::new(connection), thread: held })
        };
        let opened = thread.see_through(opening).await.unwrap_or_else(|_| Err(unavailable(queue, LOST)));
        opened.map_err(|error| {
            let message = endpoint.says(&error.message);
            Error { message, ..error }
        })
    }

    pub(crate) fn is_up(&self) -> bool {
        self.connection.status().connected()
    }

    /// Whether the broker is short of memory or disk and reads nothing from this connection.
    pub(crate) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    pub(crate) async fn channel(&self, queue: &str) -> Result<Channel, Error> {
        within(queue, self.connection.create_channel()).await
    }

    /// Takes a step to its end, also where nobody waits for what comes of it any more: lapin would leave what was declared
    /// half-way, and a consumer with what is delivered to it, for as long as the connection lasts.
    pub(crate) async fn see_through<T: Send + 'static>(
        &self,
        queue: &str,
        step: impl Future<Output = lapin::Result<T>> + Send + 'static,
    ) -> Result<lapin::Result<T>, Error> {
        answer(queue, self.thread.see_through(step)).await?.map_err(|_| unavailable(queue, LOST))
    }

    /// Does that beside the program's own tasks.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.thread.handle.spawn(task);
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let (connection, thread) = (Arc::clone(&self.connection), self.thread.clone());
        self.spawn(async move {
            // A broker that does not answer finds out by itself.
            let _gone = timeout(CLOSED_WITHIN, connection.close(200, "done".into())).await;
            drop(thread);
        });
    }
}

/// A thread with a runtime of its own. Heartbeats must go out however busy the program's own threads are: else the broker
/// takes a worker for dead that only works hard.
#[derive(Clone)]
struct Thread {
    handle: Handle,
    _running: Arc<oneshot::Sender<()>>,
}

impl Thread {
    /// One more thread, which ends when the last clone is dropped.
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel();
        let counted = Counted::new();
        thread::Builder::new().name("amqp".to_owned()).spawn(move || {
            // The sender sends nothing; it is dropped.
            let _dropped = runtime.block_on(ended);
            drop(runtime);
            drop(counted);
        })?;
        Ok(Self { handle, _running: Arc::new(running) })
    }

    /// Takes a step to its end, also where nobody waits for what comes of it any more; the thread stays for as long.
    fn see_through<T: Send + 'static>(&self, step: impl Future<Output = T> + Send + 'static) -> oneshot::Receiver<T> {
        let ((tell, told), held) = (oneshot::channel(), self.clone());
        self.handle.spawn(async move {
            let _nobody = tell.send(step.await);
            drop(held);
        });
        told
    }
}

/// One of [`OPEN`].
struct Counted;

impl Counted {
    fn new() -> Self {
        OPEN.send_modify(|open| *open += 1);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        OPEN.send_modify(|open| *open -= 1);
    }
}

/// What `step` gives, unless it takes too long.
pub(crate) async fn within<T>(queue: &str, step: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
    answer(queue, step).await?.map_err(|error| failed(queue, &error))
}

/// What lapin says of `step`, unless that takes too long.
pub(crate) async fn answer<T>(queue: &str, step: impl Future<Output = T>) -> Result<T, Error> {
    let late = |_| unavailable(queue, format!("the broker gave no answer within {} s", WITHIN.as_secs()));
    timeout(WITHIN, step).await.map_err(late)
}

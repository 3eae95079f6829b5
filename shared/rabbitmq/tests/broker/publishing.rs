use futures::{future::join_all, join};
use langflix_ports::queue::{ErrorKind, Message, Name, Queue as _};

use crate::town::{delete_queue, queues};

#[tokio::test]
async fn of_many_publishes_those_that_no_queue_takes_are_told() {
    const EACH: usize = 500;
    let (rabbit, queue) = queues().await;
    delete_queue(&rabbit, "analysis.bulk.v1").await;
    let message = Message::new(vec![1; 100]);
    let publish = |name| join_all((0..EACH).map(|_| queue.publish(name, &message)).collect::<Vec<_>>());
    let (there, gone) = join!(publish(Name::AnalysisInteractive), publish(Name::AnalysisBulk));
    let failed = there.iter().filter(|published| published.is_err()).count();
    assert_eq!(failed, 0, "of {EACH} to a queue that is there");
    let missing = |error: &langflix_ports::queue::Error| error.kind == ErrorKind::Missing;
    let told = gone.iter().filter(|published| published.as_ref().is_err_and(missing)).count();
    assert_eq!(told, EACH, "publishes to a queue that is gone");
}

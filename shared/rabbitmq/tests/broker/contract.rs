use langflix_testkit::queue::queue_contract;

use crate::town::queues;

#[tokio::test]
async fn rabbitmq_keeps_what_a_queue_promises() {
    let (_rabbit, queue) = queues().await;
    queue_contract(&queue).await;
}

use langflix_testkit::servers::private;
use reqwest::Method;

use crate::ask;

#[tokio::test]
async fn a_rabbitmq_of_ones_own_keeps_durable_queues_over_restarts() {
    let mut own = private::rabbitmq("management.rates_mode = detailed").await;
    let (status, overview) = ask(&own.api, Method::GET, "overview", "").await;
    assert_eq!((status, overview["rates_mode"].as_str()), (200, Some("detailed")), "{overview}");
    let queue = r#"{"durable":true,"arguments":{"x-queue-type":"quorum"}}"#;
    assert_eq!(ask(&own.api, Method::PUT, "queues/%2F/kept", queue).await.0, 201);

    own.server.stop().await;
    own.server.start().await;
    assert_eq!(ask(&own.api, Method::GET, "queues/%2F/kept", "").await.0, 200);

    own.server.kill();
    own.server.start().await;
    assert_eq!(ask(&own.api, Method::GET, "queues/%2F/kept", "").await.0, 200);
}

#[tokio::test]
async fn a_cluster_of_rabbitmq_outlives_one_of_its_nodes() {
    let mut cluster = private::rabbitmq_cluster(3, "").await;
    let queue = r#"{"durable":true,"arguments":{"x-queue-type":"quorum"}}"#;
    assert_eq!(ask(&cluster[0].api, Method::PUT, "queues/%2F/kept", queue).await.0, 201);
    let (_, known) = ask(&cluster[2].api, Method::GET, "queues/%2F/kept", "").await;
    assert_eq!(known["members"].as_array().unwrap().len(), 3, "{known}");

    cluster[0].server.kill();
    let queue = r#"{"durable":true,"arguments":{"x-queue-type":"quorum"}}"#;
    assert_eq!(ask(&cluster[1].api, Method::PUT, "queues/%2F/new", queue).await.0, 201);
    cluster[0].server.start().await;
    assert_eq!(ask(&cluster[0].api, Method::GET, "queues/%2F/new", "").await.0, 200);
}

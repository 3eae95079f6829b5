use std::time::Duration;

use langflix_testkit::servers::private;
use redis::AsyncCommands as _;

use crate::redis;

#[tokio::test]
async fn a_redis_of_ones_own_may_be_halted_stopped_and_killed() {
    let mut own = private::redis().await;
    let mut connection = redis(&own.url).await.unwrap();
    let () = connection.set("key", "value").await.unwrap();

    own.server.pause();
    let asked = tokio::time::timeout(Duration::from_millis(200), connection.get::<_, String>("key")).await;
    assert!(!matches!(asked, Ok(Ok(_))), "it answers while it is halted");
    own.server.resume();
    assert_eq!(redis(&own.url).await.unwrap().get::<_, String>("key").await.unwrap(), "value");

    own.server.stop().await;
    assert!(redis(&own.url).await.unwrap_err().is_connection_refusal());
    own.server.start().await;
    assert!(!redis(&own.url).await.unwrap().exists::<_, bool>("key").await.unwrap(), "it holds nothing any more");

    own.server.kill();
    assert!(redis(&own.url).await.unwrap_err().is_connection_refusal());
    own.server.start().await;
    redis(&own.url).await.unwrap();
}

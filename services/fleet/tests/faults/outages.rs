//! Servers that go away, forget, and come back.

use std::time::Duration;

use langflix_testkit::servers::{Rabbit, private};

use crate::{episode::episode, role::Role, town::Town};

/// Episodes enough for something to happen in their middle.
const EPISODES: u16 = 6;

#[tokio::test]
async fn connections_that_the_broker_closes_are_opened_anew_and_nothing_is_lost() {
    let town = Town::new().await;
    let _running = town.start(Role::ALL);
    let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
    for one in &asked {
        town.submit(one).await;
    }
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        town.cut_connections("").await;
    }
    for one in &asked {
        town.is_well(one).await;
    }
}

#[tokio::test]
async fn redis_that_forgets_everything_changes_nothing() {
    let town = Town::new().await;
    let _running = town.start(Role::ALL);
    let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
    for one in &asked {
        town.submit(one).await;
    }
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        town.flush_redis().await;
    }
    for one in &asked {
        town.is_well(one).await;
    }
}

#[tokio::test]
async fn redis_that_is_gone_and_comes_back_changes_nothing() {
    let mut town = Town::new().await;
    let mut redis = private::redis().await;
    town.redis.url.clone_from(&redis.url);
    let _running = town.start(Role::ALL);
    let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
    town.submit(&asked[0]).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    redis.server.kill();
    for one in &asked[1..4] {
        town.submit(one).await;
    }
    for one in &asked[..4] {
        town.is_well(one).await;
    }
    redis.server.start().await;
    for one in &asked[4..] {
        town.submit(one).await;
        town.is_well(one).await;
    }
}

mod heavy {
    use super::*;

    #[tokio::test]
    async fn a_broker_that_stops_and_starts_loses_nothing() {
        let mut town = Town::new().await;
        let mut rabbit = private::rabbitmq("").await;
        town.rabbit = at(&rabbit);
        let _running = town.start(Role::ALL);
        let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
        for one in &asked {
            town.submit(one).await;
        }
        rabbit.server.stop().await;
        rabbit.server.start().await;
        for one in &asked {
            town.is_well(one).await;
        }
    }

    #[tokio::test]
    async fn a_cluster_whose_node_is_killed_in_the_midst_loses_nothing() {
        let mut town = Town::new().await;
        let mut cluster = private::rabbitmq_cluster(3, "").await;
        // Each is told of one node, as by a balancer that keeps a connection where it was made.
        let nodes = [
            (0, Role::Dispatcher),
            (0, Role::Encoding),
            (1, Role::Dispatcher),
            (1, Role::Analysis),
            (2, Role::Encoding),
        ];
        let mut running = Vec::new();
        for (node, role) in nodes {
            town.rabbit = at(&cluster[node]);
            running.extend(town.start([role]));
        }
        let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
        for one in &asked {
            town.submit(one).await;
        }
        town.moves_on().await;
        cluster[0].server.kill();
        town.is_underway().await;
        // The other two go on without it.
        for one in &asked {
            town.manifest(&one.run().unwrap()).await;
        }
        cluster[0].server.start().await;
        for one in &asked {
            town.is_well(one).await;
        }
    }

    fn at(rabbit: &private::Rabbit) -> Rabbit {
        Rabbit { url: rabbit.url.clone(), api: rabbit.api.clone(), vhost: "/".to_owned() }
    }
}

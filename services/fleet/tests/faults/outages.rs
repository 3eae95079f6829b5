//! Servers that go away, forget, and come back.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::join;
use langflix_testkit::servers::{Rabbit, private};
use tokio::time::sleep;

use crate::{
    episode::episode,
    fatal::STALLED,
    role::{Process, Role},
    town::Town,
};

/// Episodes enough for something to happen in their middle.
const EPISODES: u16 = 6;

#[tokio::test]
async fn connections_that_the_broker_closes_are_opened_anew_and_nothing_is_lost() {
    let town = Town::new().await;
    let running = town.start(Role::ALL);
    let (over, mut asked) = (AtomicBool::new(false), Vec::new());
    // The broker tells of connections some seconds after they are opened, so that work has to come meanwhile.
    let submitting = async {
        for one in (1..).map(episode).take_while(|_| !over.load(Ordering::Relaxed)) {
            town.submit(&one).await;
            asked.push(one);
            sleep(Duration::from_millis(200)).await;
        }
    };
    let cutting = async {
        let mut in_the_midst = 0;
        for role in Role::ALL.iter().cycle() {
            town.cut_connections(role.name()).await;
            in_the_midst += usize::from(town.has_open_runs().await);
            if in_the_midst == 2 * Role::ALL.len() {
                break;
            }
        }
        over.store(true, Ordering::Relaxed);
    };
    join!(submitting, cutting);
    let clips = town.ends_well(running, &asked).await;
    town.encoded_once(clips);
}

#[tokio::test]
async fn redis_that_forgets_everything_changes_nothing() {
    let town = Town::new().await;
    let running = town.start(Role::ALL);
    let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
    for one in &asked {
        town.submit(one).await;
    }
    for _ in 0..10 {
        town.moves_on().await;
        town.flush_redis().await;
    }
    town.is_underway().await;
    let clips = town.ends_well(running, &asked).await;
    town.encoded_once(clips);
}

#[tokio::test]
async fn redis_that_is_gone_and_comes_back_changes_nothing() {
    let mut town = Town::new().await;
    let mut redis = private::redis().await;
    town.redis.url.clone_from(&redis.url);
    let running = town.start(Role::ALL);
    let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
    town.submit(&asked[0]).await;
    town.moves_on().await;
    redis.server.kill();
    town.is_underway().await;
    for one in &asked[1..4] {
        town.submit(one).await;
    }
    for one in &asked[..4] {
        town.is_well(one).await;
    }
    redis.server.start().await;
    for one in &asked[4..] {
        town.submit(one).await;
    }
    let clips = town.ends_well(running, &asked).await;
    town.encoded_once(clips);
}

mod heavy {
    use super::*;

    #[tokio::test]
    async fn a_broker_that_stops_and_starts_loses_nothing() {
        let mut town = Town::new().await;
        let mut rabbit = private::rabbitmq("").await;
        town.rabbit = at(&rabbit);
        let running = town.start(Role::ALL);
        let asked: Vec<_> = (1..=EPISODES).map(episode).collect();
        for one in &asked {
            town.submit(one).await;
        }
        town.moves_on().await;
        rabbit.server.stop().await;
        town.is_underway().await;
        rabbit.server.start().await;
        let clips = town.ends_well(running, &asked).await;
        town.encoded_once(clips);
    }

    /// The management API closes connections alone; the broker itself closes the channel of whoever keeps a message too long.
    #[tokio::test]
    async fn channels_that_the_broker_closes_are_opened_anew_and_nothing_is_lost() {
        let mut town = Town::new().await;
        let rabbit = private::rabbitmq("").await;
        rabbit.close_channels_after(STALLED / 2);
        town.rabbit = at(&rabbit);
        // Each has what it works on delivered once more meanwhile.
        let steps = [
            (Role::Dispatcher, "put encoding/plan.json stall"),
            (Role::Analysis, "put analysis/outcomes stall"),
            (Role::Encoding, "put clip.mp4 stall"),
        ];
        let running = steps.map(|(role, step)| Process::start(&town, role, Some(step)));
        let asked = [episode(1), episode(2)];
        for one in &asked {
            town.submit(one).await;
        }
        let clips = town.ends_well(running.into(), &asked).await;
        town.encoded_once(clips);
        assert!(rabbit.closed_channels() >= steps.len());
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
        // Declared by way of this node, the queues have their leaders on it.
        town.rabbit = at(&cluster[0]);
        town.servers().queue.apply_topology().await.unwrap();
        assert_eq!(town.leaders().await, BTreeSet::from(["node1@localhost".to_owned()]));
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
        let mut clips = 0;
        for one in &asked {
            clips += town.is_well(one).await.clips.len();
        }
        town.encoded_once(clips);
        town.end(running).await;
        // With RabbitMQ 3.10 a queue may keep a consumer of the node that was killed, and the message that it had, until
        // there is another leader, which asks anew who is there.
        for node in &mut cluster[1..] {
            node.server.stop().await;
            node.server.start().await;
        }
        let running = town.start(Role::ALL);
        town.is_empty(&[]).await;
        town.rests(running, &[]).await;
    }

    fn at(rabbit: &private::Rabbit) -> Rabbit {
        Rabbit { url: rabbit.url.clone(), api: rabbit.api.clone(), vhost: "/".to_owned() }
    }
}

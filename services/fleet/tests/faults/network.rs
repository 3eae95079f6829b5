//! The network between the services and one of the servers, while runs are under way.

use std::time::{Duration, Instant};

use langflix_pipeline::RunRequest;
use langflix_testkit::proxy::{Link, Proxy};

use crate::{
    episode::episode,
    role::{Process, Role},
    town::Town,
};

/// How long the network is as it should not be, at the least.
const LASTS: Duration = Duration::from_secs(2);

/// Longer than the broker and its clients wait for a sign of life, which is twice 20 s.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(100);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    RabbitMq,
    Redis,
    S3,
}

/// A fleet in the middle of its work that reaches one of its servers through a proxy.
struct Midway {
    town: Town,
    server: Server,
    proxy: Proxy,
    asked: Vec<RunRequest>,
    running: Vec<Process>,
}

impl Midway {
    async fn with(server: Server) -> Self {
        let mut town = Town::new().await;
        let key = match server {
            Server::RabbitMq => "LANGFLIX__RABBITMQ__URL",
            Server::Redis => "LANGFLIX__REDIS__URL",
            Server::S3 => "LANGFLIX__S3__ENDPOINT",
        };
        let proxy = Proxy::before(&town.environment().into_iter().find(|(name, _)| name == key).unwrap().1);
        town.more.push((key.to_owned(), proxy.url.clone()));
        let running = town.start(Role::ALL);
        let mut midway = Self { town, server, proxy, asked: Vec::new(), running };
        for _ in 0..3 {
            midway.submit().await;
        }
        midway.town.moves_on().await;
        midway
    }

    /// Gives the fleet one more episode, whatever the network is like for it.
    async fn submit(&mut self) {
        let asked = episode(self.asked.len() as u16 + 1);
        self.town.submit(&asked).await;
        self.asked.push(asked);
    }

    /// The network is like this while an episode comes, and then whole again. Without Redis all goes on meanwhile.
    async fn is(&mut self, link: Link) {
        self.town.is_underway().await;
        self.proxy.set(link);
        self.submit().await;
        // What was on its way is through by then.
        tokio::time::sleep(LASTS / 2).await;
        let (sent, received) = (self.proxy.sent(), self.proxy.received());
        tokio::time::sleep(LASTS / 2).await;
        match link {
            Link::Silent => {
                assert_eq!((self.proxy.sent(), self.proxy.received()), (sent, received), "it is not silent")
            }
            Link::Slow(_) => assert!(self.proxy.received() > received, "nobody goes this way"),
            _ => {}
        }
        if self.server == Server::Redis {
            self.town.manifest(&self.asked.last().unwrap().run().unwrap()).await;
            self.submit().await;
        }
        self.proxy.set(Link::Whole);
    }

    async fn ends_well(&mut self) {
        let clips = self.town.ends_well(std::mem::take(&mut self.running), &self.asked).await;
        self.town.encoded_once(clips);
    }
}

async fn silent(server: Server) {
    let mut midway = Midway::with(server).await;
    midway.is(Link::Silent).await;
    midway.ends_well().await;
}

async fn slow(server: Server) {
    let mut midway = Midway::with(server).await;
    midway.is(Link::Slow(Duration::from_millis(50))).await;
    midway.ends_well().await;
}

async fn refused(server: Server) {
    let mut midway = Midway::with(server).await;
    let before = midway.proxy.connections();
    midway.is(Link::Refused).await;
    midway.ends_well().await;
    assert!(midway.proxy.connections() > before, "nobody has come back");
}

/// In the middle of what is said: a frame, a command, a request, an answer.
async fn cut(server: Server) {
    let mut midway = Midway::with(server).await;
    let before = midway.proxy.connections();
    midway.is(Link::CutSending(1000)).await;
    midway.is(Link::CutAnswering(300)).await;
    midway.ends_well().await;
    assert!(midway.proxy.connections() > before + 1, "nobody has come back");
}

async fn reset(server: Server) {
    let mut midway = Midway::with(server).await;
    let before = midway.proxy.connections();
    for _ in 0..3 {
        midway.town.is_underway().await;
        midway.proxy.reset();
        midway.submit().await;
        midway.town.moves_on().await;
    }
    midway.ends_well().await;
    assert!(midway.proxy.connections() > before, "nobody has come back");
}

/// Silent for so long that both ends give the connection up, and take a message for undelivered that is being worked on.
async fn silent_past_the_heartbeat(server: Server) {
    let mut midway = Midway::with(server).await;
    midway.town.is_underway().await;
    let before = midway.proxy.connections();
    midway.proxy.set(Link::Silent);
    midway.submit().await;
    let began = Instant::now();
    // Nobody has come through meanwhile: as many as there were are tried anew.
    while midway.proxy.connections() < 2 * before {
        assert!(
            began.elapsed() < GIVEN_UP_WITHIN,
            "{} of {before} have come back",
            midway.proxy.connections() - before
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    midway.proxy.set(Link::Whole);
    midway.ends_well().await;
}

macro_rules! network {
    ($($name:ident: $fault:ident, $server:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            $fault(Server::$server).await;
        }
    )*};
}

network! {
    rabbitmq_falls_silent: silent, RabbitMq;
    rabbitmq_stays_silent_past_the_heartbeat: silent_past_the_heartbeat, RabbitMq;
    rabbitmq_is_slow: slow, RabbitMq;
    rabbitmq_is_not_reached: refused, RabbitMq;
    rabbitmq_is_cut_off_in_the_middle_of_frames: cut, RabbitMq;
    rabbitmq_connections_are_reset: reset, RabbitMq;
    redis_falls_silent: silent, Redis;
    redis_is_slow: slow, Redis;
    redis_is_not_reached: refused, Redis;
    redis_is_cut_off_in_the_middle_of_commands: cut, Redis;
    redis_connections_are_reset: reset, Redis;
    s3_falls_silent: silent, S3;
    s3_is_slow: slow, S3;
    s3_is_not_reached: refused, S3;
    s3_is_cut_off_in_the_middle_of_requests: cut, S3;
    s3_connections_are_reset: reset, S3;
}

//! Clips on a GPU that is not there and takes SESSIONS at once: how many sessions it refused, how busy the others were, and
//! how long a session takes to be opened once another program leaves. Prints one line of JSON.
//!
//! `gpu [CLIPS [SESSIONS]]`: by default 200 clips and 5 sessions.

#![allow(clippy::unwrap_used, reason = "a measurement ends where it cannot go on")]

#[path = "../tests/gpu/worker.rs"]
mod worker;

use std::{
    env,
    path::Path,
    time::{Duration, Instant},
};

use langflix_domain::VideoCodec;
use langflix_testkit::{
    gpu::StandIn,
    video::{self, Recipe},
};
use serde_json::json;
use worker::{Place, until};

/// How long a clip is, and how long the encoder takes for it.
const LENGTH: Duration = Duration::from_secs(4);
const PACE_PERCENT: u32 = 100;
/// How often the open sessions are counted.
const SAMPLED: Duration = Duration::from_millis(20);
/// How often the time to a session is measured.
const LEAVINGS: usize = 100;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(default, |text| text.parse().unwrap());
    let (clips, sessions) = (number(200), number(5));
    let film =
        video::build(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench/videos"), &Recipe::long_gop());
    let queue = encoded(&film, clips, sessions).await;
    let taken = left(&film).await;
    println!("{}", json!({ "clips": clips, "sessions": sessions, "queue": queue, "freed_to_session_ms": taken }));
}

/// So many clips on a GPU with such a cap, which nobody was told.
async fn encoded(film: &Path, clips: u32, sessions: u32) -> serde_json::Value {
    let (machine, place) = (StandIn::new(), Place::with(film, VideoCodec::H264Nvenc).await);
    let uuid = machine.geforce(sessions);
    machine.update(|state| state.pace_percent = Some(PACE_PERCENT));
    let worker = place.worker(&machine, "auto", &[]);
    place.ask(clips, LENGTH).await;
    let (mut open, mut counted, began) = (0, 0, Instant::now());
    // Until so few are left that they cannot fill all sessions.
    let few = clips.saturating_sub(sessions) as usize;
    while place.recorded().await.len() < few {
        tokio::time::sleep(SAMPLED).await;
        open += machine.sessions(&uuid);
        counted += 1;
    }
    let busy = f64::from(open) / f64::from(counted * sessions);
    until("all are encoded", async || place.recorded().await.len() == clips as usize).await;
    let counts = machine.counts();
    let refused = counts.refusals as f64 / (counts.opens + counts.refusals) as f64;
    let wall_s = began.elapsed().as_secs_f64();
    json!({
        "opens": counts.opens, "refused": counts.refusals, "refused_part": refused, "busy_part": busy, "wall_s": wall_s,
        "gpu": worker.says(),
    })
}

/// From when another program leaves to when a session is opened, sorted, in milliseconds.
async fn left(film: &Path) -> Vec<u128> {
    let (machine, place) = (StandIn::new(), Place::with(film, VideoCodec::H264Nvenc).await);
    let uuid = machine.l4();
    let worker = place.worker(&machine, "auto", &[]);
    until("the GPU is tried", async || worker.gpu().ready).await;
    let mut taken = Vec::new();
    for turn in 0..LEAVINGS {
        machine.occupy(&uuid, 7);
        until("the GPU is full", async || !worker.gpu().ready).await;
        place.ask(1, Duration::from_millis(500 + turn as u64)).await;
        // At any moment between two looks.
        tokio::time::sleep(Duration::from_millis(26 * (turn % 20) as u64)).await;
        let before = machine.counts().opens;
        machine.occupy(&uuid, 0);
        let freed = Instant::now();
        while machine.counts().opens == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        taken.push(freed.elapsed().as_millis());
        until("it is encoded", async || place.recorded().await.len() == turn + 1).await;
    }
    taken.sort_unstable();
    taken
}

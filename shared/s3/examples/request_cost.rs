//! What a small request costs of this process's CPU, on a real server.
//!
//! `scripts/servers run cargo run --release -p langflix-s3 --example request_cost [REQUESTS]`

use std::{env, fs, time::Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_ports::store::{ArtifactStore as _, Error};
use langflix_s3::{Credentials, S3Store, Settings, Timeouts};
use langflix_testkit::servers;

/// How many requests are under way at a time.
const AT_ONCE: usize = 16;
/// An outcome is about this long.
const BYTES: usize = 1000;

/// User and system time of this process, in microseconds. The kernel counts in hundredths of a second.
fn cpu_micros() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000
}

async fn measure<F: Future<Output = Result<(), Error>>>(
    what: &str,
    requests: u64,
    request: impl Fn(u64) -> F,
) -> Result<(), Error> {
    let (cpu, clock) = (cpu_micros(), Instant::now());
    stream::iter(0..requests).map(Ok).try_for_each_concurrent(AT_ONCE, &request).await?;
    let (cpu, clock) = (cpu_micros() - cpu, clock.elapsed());
    let rate = requests as f64 / clock.as_secs_f64();
    println!("{what:14} {:>4} µs of CPU a request, {rate:.0} requests a second", cpu / requests);
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let requests = env::args().nth(1).map_or(Ok(5000), |text| text.parse())?;
    let s3 = servers::s3().await;
    let store = S3Store::new(Settings {
        endpoint: Some(s3.endpoint),
        bucket: s3.bucket,
        region: s3.region,
        path_style: true,
        credentials: Credentials { access_key: s3.access_key, secret_key: s3.secret_key, session_token: None },
        ca_pem: None,
        timeouts: Timeouts::default(),
    })?;
    let (run, content) = (fastrand::u64(..), vec![b'x'; BYTES]);
    let key = |n: u64| format!("runs/{run:016x}/analysis/outcomes/{n:08}.json");
    let (store, content) = (&store, &content);
    measure("put_if_absent", requests, |n| async move { store.put_if_absent(&key(n), content).await.map(drop) })
        .await?;
    measure("get", requests, |n| async move { store.get(&key(n)).await.map(drop) }).await?;
    measure("delete", requests, |n| async move { store.delete(&key(n)).await }).await?;
    Ok(())
}

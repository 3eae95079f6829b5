//! A stage of no-op analysis tasks from its plan to its end, in one process on the servers of `scripts/servers run`, and
//! what that costs. Prints one line of JSON: tasks, wall and CPU seconds, peak memory, the time from each stage's last outcome
//! to its end being handled, and how much of that went by while the outcomes were read.
//!
//! `stage TASKS [RUNS [TELLS]]`: the first run has TASKS chunks, and RUNS more of 1,000 chunks follow, one after another.
//! TELLS is what the process tells of itself: `nothing`, or `measures` (if not given).

use std::{
    collections::HashMap,
    env,
    error::Error,
    process::ExitCode,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use langflix_analysis_worker::analyse;
use langflix_dispatcher::dispatch;
use langflix_domain::{
    AnalysisRequest, Burn, Cue, CueKind, Digest, EpisodeId, Lane, LearnerLevel, MediaTime, RejectedItem, SourceFile,
    Span, Transcript, Usage,
};
use langflix_fleet::{Ports, Servers, Service};
use langflix_pipeline::{RunRequest, RunSettings, fleet::submit};
use langflix_ports::{
    llm::{self, Answer, LanguageModel},
    store::{self, ArtifactStore, Put},
};
use langflix_runtime::{
    config::{FleetConfig, Needs, Sources},
    health::Health,
    shutdown::Shutdown,
};
use langflix_testkit::{media::silent_film, servers};
use tikv_jemallocator::Jemalloc;

/// As in the services.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const FAN_IN: usize = 1_000;

/// Finds nothing, at once.
struct Nothing(Digest);

#[async_trait]
impl LanguageModel for Nothing {
    fn name(&self) -> &str {
        "bench/nothing"
    }

    fn fingerprint(&self) -> &Digest {
        &self.0
    }

    async fn ask(&self, _request: &AnalysisRequest, _feedback: &[RejectedItem]) -> Result<Answer, llm::Error> {
        Ok(Answer { text: "[]".to_owned(), usage: Usage::default() })
    }
}

/// Notes when each run's last outcome was written, when the step after it was handled, and how long it took to read the
/// outcomes for that.
struct Watched {
    inner: Arc<dyn ArtifactStore>,
    seen: Mutex<HashMap<String, (Instant, Option<Instant>)>>,
    reads: Mutex<Vec<Duration>>,
}

impl Watched {
    fn note(&self, key: &str) {
        let Some((run, rest)) = key.strip_prefix("runs/").and_then(|key| key.split_once('/')) else { return };
        let (now, mut seen) = (Instant::now(), self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let entry = seen.entry(run.to_owned()).or_insert((now, None));
        match rest {
            "encoding/plan.json" => entry.1 = entry.1.or(Some(now)),
            rest if rest.contains("outcomes/") => entry.0 = now,
            _ => {}
        }
    }
}

#[async_trait]
impl ArtifactStore for Watched {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, store::Error> {
        // The end of the stage is handled when the dispatcher writes what follows from it.
        if key.ends_with("encoding/plan.json") {
            self.note(key);
        }
        let put = self.inner.put_if_absent(key, bytes).await;
        if key.contains("/outcomes/") {
            self.note(key);
        }
        put
    }

    async fn put_file_if_absent(&self, key: &str, path: &std::path::Path) -> Result<Put, store::Error> {
        self.inner.put_file_if_absent(key, path).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, store::Error> {
        self.inner.get(key).await
    }

    async fn download(&self, key: &str, path: &std::path::Path) -> Result<(), store::Error> {
        self.inner.download(key, path).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, store::Error> {
        self.inner.list(prefix).await
    }

    async fn get_all(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, store::Error> {
        let began = Instant::now();
        let all = self.inner.get_all(prefix).await;
        if prefix.ends_with("analysis/outcomes/") {
            self.reads.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(began.elapsed());
        }
        all
    }

    async fn delete(&self, key: &str) -> Result<(), store::Error> {
        self.inner.delete(key).await
    }
}

fn asked(number: u16, chunks: usize) -> RunRequest {
    let cue = |n: usize| {
        let start = n as i64 * 4000;
        let text = format!("This is line {n}, and nobody says anything in it.");
        Cue { span: Span::from_millis(start, start + 3500), text, speaker: None, kind: CueKind::Speech }
    };
    let file = |name: &str| SourceFile { name: name.to_owned(), bytes: 1, digest: Digest::of_bytes(name.as_bytes()) };
    RunRequest {
        episode: EpisodeId { show: "Bench".to_owned(), season: 1, episode: number },
        source: "nowhere".to_owned(),
        source_identity: format!("nowhere:{number}"),
        media: silent_film(MediaTime::from_secs(chunks as i64 * 4)),
        video: file("nowhere.mkv"),
        subtitles: file("nowhere.srt"),
        target_subtitles: None,
        transcript: Transcript { language: None, cues: (0..chunks).map(cue).collect() },
        target_transcript: None,
        diagnostics: Vec::new(),
        settings: RunSettings {
            source_language: "en".parse().unwrap_or_else(|_| unreachable!("a valid tag")),
            language: "ko".parse().unwrap_or_else(|_| unreachable!("a valid tag")),
            level: LearnerLevel::Intermediate,
            chunk_size: 50,
            max_input_length: 50,
            min_expressions_per_chunk: 0,
            max_expressions_per_chunk: 1,
            max_expressions: 1,
            model_name: "bench/nothing".to_owned(),
            model: Digest::of_bytes(b"nothing"),
            model_translates: false,
            encode: None,
            burn: Burn::None,
        },
        stored_as: None,
    }
}

/// Of this process since it began.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

fn sorted_ms(durations: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut sorted: Vec<f64> = durations.map(|duration| (duration.as_secs_f64() * 1e5).round() / 100.0).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn configuration(rabbit: &servers::Rabbit, redis: &servers::Redis, s3: &servers::S3) -> Vec<(String, String)> {
    let amqp = rabbit.url.replacen("guest:guest@", "", 1);
    let settings = [
        ("LANGFLIX__RABBITMQ__URL", amqp.as_str()),
        ("LANGFLIX__REDIS__URL", &redis.url),
        ("LANGFLIX__S3__ENDPOINT", &s3.endpoint),
        ("LANGFLIX__S3__BUCKET", &s3.bucket),
        ("LANGFLIX__S3__REGION", &s3.region),
        ("LANGFLIX__S3__PATH_STYLE", "true"),
        ("AWS_ACCESS_KEY_ID", &s3.access_key),
        ("AWS_SECRET_ACCESS_KEY", &s3.secret_key),
        ("LANGFLIX__LLM__PROVIDER", "offline"),
        ("LANGFLIX__LLM__MAX_CONCURRENT_REQUESTS", "64"),
        ("LANGFLIX__FLEET__TASKS_IN_FLIGHT", "2000"),
    ];
    settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

async fn run(servers: &Servers, number: u16, chunks: usize) -> Result<f64, Box<dyn Error>> {
    let began = Instant::now();
    let asked = asked(number, chunks);
    let (run, _) = submit(servers.store.as_ref(), servers.queue.as_ref(), &asked, Lane::Bulk, None).await?;
    let key = format!("runs/{run}/manifest.json");
    while servers.store.get(&key).await?.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(began.elapsed().as_secs_f64())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let tasks: usize = arguments.next().unwrap_or_else(|| "10000".to_owned()).parse()?;
    let more: u16 = arguments.next().unwrap_or_else(|| "20".to_owned()).parse()?;
    match arguments.next().as_deref() {
        Some("nothing") => metrics::set_global_recorder(metrics::NoopRecorder).map_err(|error| error.to_string())?,
        Some("measures") | None => {}
        Some(other) => return Err(format!("{other}: nothing or measures").into()),
    }
    let (rabbit, redis, s3) = (servers::rabbitmq().await, servers::redis().await, servers::s3().await);
    let environment = configuration(&rabbit, &redis, &s3);
    let config = FleetConfig::load(&Sources { environment, ..Sources::default() }, Needs::Servers)?;
    let servers = Servers::of(&config, "bench")?;
    servers.queue.apply_topology().await?;
    let watched = Arc::new(Watched { inner: servers.store.clone(), seen: Mutex::default(), reads: Mutex::default() });
    let ports = Ports { store: watched.clone(), ..servers.ports() };
    let shutdown = Shutdown::default();
    let service = || Service { config: config.clone(), health: Health::new("bench", "0"), shutdown: shutdown.clone() };
    let model = Arc::new(Nothing(Digest::of_bytes(b"nothing")));
    let dispatching = tokio::spawn(dispatch(service(), ports.clone()));
    let analysing = tokio::spawn(analyse(service(), ports, model));
    let wall = run(&servers, 1, tasks).await?;
    let cpu = cpu_seconds();
    let peak = peak_mb();
    for number in 0..more {
        run(&servers, number + 2, FAN_IN).await?;
    }
    shutdown.signal();
    let _codes = (dispatching.await?, analysing.await?);
    let seen = watched.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let reads = watched.reads.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let late = seen.values().filter_map(|(last, handled)| Some(handled.as_ref()?.duration_since(*last)));
    println!(
        "{}",
        serde_json::json!({
            "tasks": tasks, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak, "stage_latency_ms": sorted_ms(late),
            "read_ms": sorted_ms(reads.iter().copied()),
        })
    );
    Ok(ExitCode::SUCCESS)
}

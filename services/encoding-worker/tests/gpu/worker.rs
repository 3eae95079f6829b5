//! An encoding worker in this process on GPUs that are not there: the real NVML wrapper, intake and ffmpeg, with the queue
//! in memory.

use std::{num::NonZeroU8, path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use langflix_domain::{
    Burn, ClipSpec, Cue, CueKind, CueRange, CutMethod, Digest, EncodeSpec, EncodedClip, EpisodeId, Expression,
    ExpressionKind, GpuDevice, LearnerLevel, Level, SourceFile, Span, Stage, TaskId, Transcript, VideoCodec,
};
use langflix_encoding_worker::{Desk, Encoders, Tools, Watched, encode};
use langflix_fleet::{Ports, Service};
use langflix_local::{DirectoryStore, MemoryQueue, MemoryTally, Scratch};
use langflix_media::Ffmpeg;
use langflix_pipeline::{
    EncodingTask, InPlace, Outcomes, RunRequest, RunSettings,
    fleet::{Order, TaskOrder, work_queue},
    outcomes, plan_analysis,
};
use langflix_ports::{
    flight::{self, Flight, Flights},
    media::MediaProbe as _,
};
use langflix_runtime::{
    config::{Fallback, FleetConfig, Needs, Sources},
    health::{Condition, Health},
    shutdown::Shutdown,
};
use langflix_testkit::gpu::StandIn;
use tokio::task::JoinHandle;

/// What workers take from, and where they record.
#[derive(Clone)]
pub(crate) struct Place {
    ports: Ports,
    asked: Arc<RunRequest>,
    store: DirectoryStore,
    dir: Arc<tempfile::TempDir>,
}

/// A worker that is at work until it is dropped.
pub(crate) struct Worker {
    health: Health,
    shutdown: Shutdown,
    working: [JoinHandle<()>; 2],
}

impl Place {
    /// Nobody has asked for a clip of `video` yet; each is to be encoded with `codec`.
    pub(crate) async fn with(video: &Path, codec: VideoCodec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = DirectoryStore::open(&dir.path().join("store")).unwrap();
        let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref()).unwrap();
        let media = ffmpeg.probe(video.to_str().unwrap()).await.unwrap();
        let file = |name: &str| SourceFile { name: name.to_owned(), bytes: 1, digest: Digest::of_bytes(b"") };
        let cue =
            Cue { span: Span::from_millis(0, 900), text: "Hello.".to_owned(), speaker: None, kind: CueKind::Speech };
        let asked = RunRequest {
            episode: EpisodeId { show: "The Show".to_owned(), season: 1, episode: 1 },
            source: video.to_str().unwrap().to_owned(),
            source_identity: video.display().to_string(),
            media,
            video: file("show.mkv"),
            subtitles: file("show.srt"),
            target_subtitles: None,
            transcript: Transcript { language: None, cues: vec![cue] },
            target_transcript: None,
            diagnostics: Vec::new(),
            settings: RunSettings {
                source_language: "en".parse().unwrap(),
                language: "ko".parse().unwrap(),
                level: LearnerLevel::Intermediate,
                chunk_size: 500,
                max_input_length: 500,
                min_expressions_per_chunk: 0,
                max_expressions_per_chunk: 1,
                max_expressions: 1,
                model_name: "nobody".to_owned(),
                model: Digest::of_bytes(b"nobody"),
                model_translates: false,
                encode: Some(EncodeSpec {
                    codec,
                    method: CutMethod::Reencode,
                    preset: if codec == VideoCodec::Libx264 { "ultrafast" } else { "p1" }.to_owned(),
                    crf: 30,
                    threads: NonZeroU8::MIN,
                    normalize_loudness: false,
                }),
                burn: Burn::None,
            },
            stored_as: None,
        };
        plan_analysis(&store, &asked).await.unwrap();
        let queue = MemoryQueue::default();
        let ports =
            Ports { store: Arc::new(store.clone()), queue: Arc::new(queue), tally: Arc::new(MemoryTally::default()) };
        Self { ports, asked: Arc::new(asked), store, dir: Arc::new(dir) }
    }

    /// Asks for so many clips, each of that length.
    pub(crate) async fn ask(&self, clips: u32, length: Duration) {
        for number in 0..clips {
            let start = i64::from(number) * 10;
            let scene = Span::from_millis(start, start + length.as_millis() as i64);
            let order = Order::EncodeClip(Box::new(TaskOrder {
                run: self.asked.run().unwrap(),
                tasks: u32::MAX,
                task: self.task(scene),
                then: None,
                footage: None,
            }));
            let queue = work_queue(Stage::Encoding, langflix_domain::Lane::Bulk);
            self.ports.queue.publish(queue, &order.message(None).unwrap()).await.unwrap();
        }
    }

    fn task(&self, scene: Span) -> EncodingTask {
        let clip = ClipSpec {
            source: self.asked.source_identity.clone(),
            scene,
            bounds: scene,
            audio_language: None,
            encode: self.asked.settings.encode.clone().unwrap(),
            burn: None,
        };
        let first = CueRange { first: 0, last: 0 };
        let expression = Expression {
            expression: "hello".to_owned(),
            translation: None,
            line: "Hello.".to_owned(),
            line_translation: None,
            meaning: String::new(),
            similar: Vec::new(),
            level: Level::A1,
            kind: ExpressionKind::Idiom,
            why: String::new(),
            cues: first,
            scene: first,
            scene_translations: vec![None],
        };
        EncodingTask { id: TaskId::clip(&clip.digest().unwrap()), expression, clip: Some(clip), scene }
    }

    /// What was recorded.
    pub(crate) async fn recorded(&self) -> Outcomes<EncodedClip> {
        outcomes(&self.store, &self.asked.run().unwrap(), Stage::Encoding).await.unwrap()
    }

    /// Starts a worker on a GPU of `machine`, with more settings by their variables.
    pub(crate) fn worker(&self, machine: &StandIn, device: &str, settings: &[(&str, &str)]) -> Worker {
        let ffmpeg = Ffmpeg::locate(Some(machine.path().as_os_str())).unwrap();
        self.worker_with(ffmpeg, machine, device, settings)
    }

    /// As [`Self::worker`], with this ffmpeg.
    pub(crate) fn worker_with(
        &self,
        ffmpeg: Ffmpeg,
        machine: &StandIn,
        device: &str,
        settings: &[(&str, &str)],
    ) -> Worker {
        let given = [("LANGFLIX__S3__BUCKET", "none"), ("LANGFLIX__GPU__DEVICE", device)];
        let given = given.iter().chain(settings).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = given
            .chain([
                ("AWS_ACCESS_KEY_ID".to_owned(), "none".to_owned()),
                ("AWS_SECRET_ACCESS_KEY".to_owned(), "none".to_owned()),
            ])
            .collect();
        let config = FleetConfig::load(&Sources { environment, ..Sources::default() }, Needs::Servers).unwrap();
        let (health, shutdown) = (Health::new("encoding-worker", "0"), Shutdown::default());
        let fallback: Fallback = config.common.video.fallback;
        let slots = std::num::NonZeroUsize::new(2).unwrap();
        let part = health.part("gpu");
        let desk = match langflix_fleet::on_nvidia(&config.common.video) {
            true => Desk::new(&config.gpu, fallback, slots, part),
            false => Desk::without_gpu(&config.gpu, fallback, slots, part),
        };
        let scratch = Scratch::open(&self.dir.path().join("scratch"), 1 << 30).unwrap();
        let encoder = Arc::new(Encoders::new(desk.clone(), ffmpeg.clone(), fallback));
        let flights = Arc::new(Alone);
        let tools = Tools { encoder, sources: Arc::new(InPlace), scratch, desk: desk.clone(), flights };
        let device: GpuDevice = config.gpu.device.clone();
        let watched = Watched { device, library: Some(machine.library()), ffmpeg };
        let service = Service { config, health: health.clone(), shutdown: shutdown.clone() };
        let (told, ports) = (shutdown.clone(), self.ports.clone());
        let watches = langflix_fleet::on_nvidia(&service.config.common.video);
        let watching = tokio::spawn(async move {
            if watches {
                watched.watch(&desk, &told).await;
            }
        });
        let encoding = tokio::spawn(async move {
            let _code = encode(service, ports, tools).await;
        });
        Worker { health, shutdown, working: [watching, encoding] }
    }
}

/// Nobody else has these clips.
struct Alone;

#[async_trait]
impl Flights for Alone {
    async fn set_out(&self, _key: &str) -> Result<Option<Flight>, flight::Error> {
        Ok(Some(Flight::new(())))
    }
}

impl Worker {
    /// How the GPU does.
    pub(crate) fn gpu(&self) -> Condition {
        self.health.conditions().into_iter().find(|part| part.name == "gpu").unwrap()
    }

    /// What is told of the GPU.
    pub(crate) fn says(&self) -> String {
        self.gpu().note.unwrap_or_default()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shutdown.signal();
        self.working.iter().for_each(JoinHandle::abort);
    }
}

/// Waits until something holds, looking often; a test that waits too long has failed.
pub(crate) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..3000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not within a minute: {what}");
}

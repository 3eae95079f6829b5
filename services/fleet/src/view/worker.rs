use langflix_ports::roster::Present;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service of the fleet, as it last told of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Worker {
    /// Its name, of which there is one: `host/service/process`.
    pub id: String,
    /// Which service it is.
    pub service: String,
    /// Its version.
    pub version: String,
    /// The machine or pod that it runs on.
    pub host: String,
    /// For how long it has run.
    pub uptime_seconds: u64,
    /// How long ago it told this.
    pub seen_seconds_ago: u64,
    /// Whether all its parts are ready.
    pub ready: bool,
    /// What it needs to be ready.
    pub parts: Vec<WorkerPart>,
    /// What it works on.
    pub running: Vec<Task>,
    /// The GPU that it is pinned to, where it is to encode on one.
    pub gpu: Option<GpuView>,
}

/// A part of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerPart {
    /// Its name.
    pub name: String,
    /// Whether it is ready.
    pub ready: bool,
    /// Why it is not.
    pub waits: Option<String>,
    /// What else is worth knowing of it.
    pub note: Option<String>,
}

/// A task that a service works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Task {
    /// The queue that it came from.
    pub queue: String,
    /// The run that it belongs to.
    pub run: String,
    /// What people call it.
    pub task: String,
    /// How often it was tried before.
    pub attempt: u32,
    /// For how long it has run.
    pub seconds: f64,
}

/// What an encoding worker tells of its GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuView {
    /// Its state in one word, such as `ready`, `saturated` or `no_encoder`.
    pub state: String,
    /// The model, or what the worker was told to pin where it has not been found.
    pub device: String,
    /// Clips that the worker may have at once now.
    pub slots: usize,
    /// Clips that it takes more now.
    pub free_slots: usize,
}

/// What a service says of itself on the roster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Says {
    pub(crate) host: String,
    #[serde(flatten)]
    pub(crate) report: Report,
    pub(crate) gpu: Option<GpuView>,
}

/// What a service tells at `/status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    name: String,
    version: String,
    uptime_seconds: u64,
    ready: bool,
    parts: Vec<WorkerPart>,
    running: Vec<Task>,
}

impl Worker {
    /// The service that is present so; `None` where a service of another version says what this one does not understand.
    pub fn of(present: &Present) -> Option<Self> {
        let says: Says = serde_json::from_str(&present.text).ok()?;
        let Report { name, version, uptime_seconds, ready, parts, running } = says.report;
        Some(Self {
            id: present.id.clone(),
            service: name,
            version,
            host: says.host,
            uptime_seconds: uptime_seconds + present.ago.as_secs(),
            seen_seconds_ago: present.ago.as_secs(),
            ready,
            parts,
            running,
            gpu: says.gpu,
        })
    }
}

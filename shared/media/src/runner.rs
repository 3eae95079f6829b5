use std::{
    ffi::{OsStr, OsString},
    fmt,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use langflix_domain::{FailureKind, MediaTime};
use langflix_ports::{cache::Cache, media::Error};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader},
    process::{Child, Command},
    time::{Instant, timeout_at},
};

use crate::{
    args::Input,
    encoders::Hardware,
    failure::{self, failed},
    limits::{self, STALL},
    remote,
};

pub(crate) use crate::limits::Limits;

/// Most of a program's output that is kept, in bytes: more than a subtitle file may have.
const MAX_STDOUT: u64 = (64 << 20) + 1;
/// How much of stderr's beginning, which names the cause, and of its end, which holds summaries, is kept, in bytes.
const STDERR_HEAD: usize = 4 << 10;
const STDERR_TAIL: usize = 64 << 10;

/// The two programs, found on the search path.
#[derive(Clone)]
pub struct Ffmpeg {
    pub(crate) ffmpeg: Program,
    pub(crate) ffprobe: Program,
    pub(crate) stall: Duration,
    pub(crate) cache: Option<Arc<dyn Cache>>,
    pub(crate) hardware: Hardware,
    authorities: Option<Arc<NamedTempFile>>,
}

impl fmt::Debug for Ffmpeg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ffmpeg").field("ffmpeg", &self.ffmpeg).field("ffprobe", &self.ffprobe).finish_non_exhaustive()
    }
}

/// A program, and the GPU that is all it sees of the machine's.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    path: PathBuf,
    gpu: Option<String>,
}

impl Program {
    /// The first of that name on `path`, the value of the variable `PATH`.
    pub(crate) fn find(name: &str, path: Option<&OsStr>) -> Option<Self> {
        let mut found = std::env::split_paths(path.unwrap_or_default()).map(|dir| dir.join(name));
        Some(Self { path: found.find(|file| file.is_file())?, gpu: None })
    }
}

/// What a program printed.
pub(crate) struct Output {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ffmpeg {
    /// Finds both programs on `path`, the value of the variable `PATH`.
    ///
    /// # Errors
    /// [`FailureKind::Encoder`] where one of them is missing.
    pub fn locate(path: Option<&OsStr>) -> Result<Self, Error> {
        let find = |name: &str| {
            Program::find(name, path).ok_or_else(|| {
                failed(
                    FailureKind::Encoder,
                    format!("{name} is not on the PATH: install ffmpeg (apt-get install ffmpeg)"),
                )
            })
        };
        let (ffmpeg, ffprobe, hardware) = (find("ffmpeg")?, find("ffprobe")?, Hardware::default());
        Ok(Self { ffmpeg, ffprobe, stall: STALL, cache: None, hardware, authorities: None })
    }

    /// Encodes with NVENC on the GPU of this UUID alone.
    #[must_use]
    pub fn on_gpu(mut self, uuid: &str) -> Self {
        self.ffmpeg.gpu = Some(uuid.to_owned());
        self
    }

    /// Lets NVENC look ahead where `lookahead`: better pictures for the same bytes, at the price of some twenty frames more
    /// of the GPU's memory. It does not unless told so.
    #[must_use]
    pub fn with_lookahead(mut self, lookahead: bool) -> Self {
        self.hardware.lookahead = lookahead;
        self
    }

    /// Encodes with VA-API and Quick Sync Video on the device of this render node, such as `/dev/dri/renderD129`; on the
    /// first that can be opened where it is `None`.
    #[must_use]
    pub fn on_render_node(mut self, node: Option<PathBuf>) -> Self {
        self.hardware.node = node;
        self
    }

    /// Counts ffmpeg as hung when it encodes nothing for `stall`; two minutes unless said otherwise.
    #[must_use]
    pub fn with_stall(self, stall: Duration) -> Self {
        Self { stall, ..self }
    }

    /// Keeps where a source's keyframes are, by the identity that a clip's spec gives it.
    #[must_use]
    pub fn with_cache(self, cache: Arc<dyn Cache>) -> Self {
        Self { cache: Some(cache), ..self }
    }

    /// Trusts servers whose certificates are signed by one of these, in PEM, rather than by one of the system's
    /// authorities.
    ///
    /// # Errors
    /// Where the file that the programs read them from cannot be written.
    pub fn with_authorities(self, pem: &[u8]) -> io::Result<Self> {
        let mut file = NamedTempFile::new()?;
        file.write_all(pem)?;
        Ok(Self { authorities: Some(Arc::new(file)), ..self })
    }

    pub(crate) fn input<'a>(&'a self, location: &'a str) -> Input<'a> {
        Input { location, authorities: self.authorities.as_deref().map(NamedTempFile::path) }
    }
}

/// A child whose whole process group is killed when this is dropped.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.id().and_then(|id| rustix::process::Pid::from_raw(id as i32)) {
            // Fails only where the group has ended already.
            let _gone = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Runs `program` in `dir`; `progress` is told `out_time` where the program writes ffmpeg's `-progress` to stdout.
pub(crate) async fn run(
    program: &Program,
    args: &[OsString],
    dir: Option<&Path>,
    limits: &Limits,
    progress: Option<&(dyn Fn(MediaTime) + Send + Sync)>,
) -> Result<Output, Error> {
    let name = program.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut command = Command::new(&program.path);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.process_group(0).kill_on_drop(true);
    // A store is spoken to without a proxy, as whoever signed the URL does.
    command.env_remove("http_proxy");
    // CUDA counts the fastest GPU first, NVML by the bus: only the UUID names the same one to both.
    command.envs(program.gpu.iter().map(|uuid| ("CUDA_VISIBLE_DEVICES", uuid)));
    if let Some(dir) = dir {
        command.current_dir(dir);
    }
    let child =
        command.spawn().map_err(|error| failed(FailureKind::Encoder, format!("{name} does not start: {error}")))?;
    limits.hold(&child);
    let mut group = Group(child);
    let (Some(stdout), Some(stderr)) = (group.0.stdout.take(), group.0.stderr.take()) else {
        return Err(failed(FailureKind::Encoder, format!("{name} gives no output")));
    };
    let deadline = Instant::now() + limits.total;
    let read = async {
        let watch = async {
            match progress {
                Some(tell) => watch(stdout, limits.stall, tell).await.map(|()| Vec::new()),
                None => {
                    let mut out = Vec::new();
                    let _cut_short = stdout.take(MAX_STDOUT).read_to_end(&mut out).await;
                    Some(out)
                }
            }
        };
        tokio::join!(watch, bounded(stderr))
    };
    let late = |what: &str| Error {
        kind: FailureKind::TimedOut,
        transient: true,
        fault: None,
        message: format!("{name} {what} and was stopped"),
    };
    let (stdout, stderr) =
        timeout_at(deadline, read).await.map_err(|_| late(&format!("took longer than {:?}", limits.total)))?;
    let stdout = stdout.ok_or_else(|| late(&format!("made no progress for {:?}", limits.stall)))?;
    let status = timeout_at(deadline, group.0.wait()).await.map_err(|_| late("did not end"))?;
    let status = status.map_err(|error| failed(FailureKind::Encoder, format!("{name}: {error}")))?;
    let stderr = if remote::is_read_or_levelled(args) { remote::said(&stderr)? } else { stderr };
    if stdout.len() as u64 == MAX_STDOUT {
        return Err(failed(FailureKind::Input, format!("{name} tells more than {} MiB of it", MAX_STDOUT >> 20)));
    }
    match limits::ended(&name, status) {
        Some(error) => Err(error),
        None if status.success() => Ok(Output { stdout, stderr }),
        None => Err(failure::read(&name, &stderr)),
    }
}

/// Follows `-progress` lines; at the end, all the time there is counts as reached. `None` where the time stands still for `stall`.
async fn watch(
    stdout: impl AsyncRead + Unpin,
    stall: Duration,
    tell: &(dyn Fn(MediaTime) + Send + Sync),
) -> Option<()> {
    let mut lines = BufReader::new(stdout).lines();
    let mut reached = i64::MIN;
    let mut last = Instant::now();
    loop {
        let line = timeout_at(last + stall, lines.next_line()).await.ok()?;
        let Ok(Some(line)) = line else { return Some(()) };
        let time = match line.as_str() {
            // The last time that ffmpeg gives misses the end by some frames.
            "progress=end" => Some(i64::MAX),
            line => line.strip_prefix("out_time_us=").and_then(|text| text.parse::<i64>().ok()),
        };
        if let Some(time) = time.filter(|&time| time > reached) {
            reached = time;
            last = Instant::now();
            tell(MediaTime::from_millis(time / 1000));
        }
    }
}

async fn bounded(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut buffer).await {
        kept.extend_from_slice(&buffer[..count]);
        if kept.len() > STDERR_HEAD + 2 * STDERR_TAIL {
            kept.drain(STDERR_HEAD..kept.len() - STDERR_TAIL);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

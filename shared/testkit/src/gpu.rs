//! Machines with GPUs that are not there: a library in the place of NVML's, an encoder, and a file that drives both.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::SystemTime,
};

pub use langflix_standin_gpu::{Counts, Driver, Failure, Gpu, Refusal, State};
use langflix_standin_gpu::{FFMPEG, STATE, StateFile};
use tempfile::TempDir;

/// A machine whose GPUs a test makes up, and changes while programs look at them.
#[derive(Debug)]
pub struct StandIn {
    dir: TempDir,
    file: StateFile,
}

impl StandIn {
    /// A machine with a driver and no GPU.
    ///
    /// The first one builds the encoder, where it was not built since its source changed.
    ///
    /// # Panics
    /// Where it cannot be built or written, or there is no ffmpeg on the search path.
    #[must_use]
    pub fn new() -> Self {
        let built = built();
        let dir = TempDir::new().unwrap_or_else(|error| panic!("a folder for GPUs that are not there: {error}"));
        let file = StateFile::at(dir.path().join("gpu.json"));
        let stand_in = Self { dir, file };
        stand_in.update(|_| {});
        // A copy: the loader takes two names of one file for one library, with one memory.
        fs::copy(&built.library, stand_in.library()).unwrap_or_else(|error| panic!("{built:?}: {error}"));
        stand_in.write_programs(&built.encoder).unwrap_or_else(|error| panic!("{}: {error}", stand_in.bin().display()));
        stand_in
    }

    /// A script sets the variables: those of its own process a test cannot set.
    fn write_programs(&self, encoder: &Path) -> io::Result<()> {
        let ffmpeg = find("ffmpeg");
        fs::create_dir(self.bin())?;
        std::os::unix::fs::symlink(find("ffprobe"), self.bin().join("ffprobe"))?;
        let script = format!(
            "#!/bin/sh\nexport {STATE}='{}' {FFMPEG}='{}'\nexec '{}' \"$@\"\n",
            self.file.path().display(),
            ffmpeg.display(),
            encoder.display()
        );
        let path = self.bin().join("ffmpeg");
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    }

    /// Adds an L4, which takes six sessions until it is full; returns its UUID.
    pub fn l4(&self) -> String {
        self.add(Gpu { engines: 2, memory_mb: 24_152, session_mb: 600, session_percent: 15, ..model("NVIDIA L4") })
    }

    /// Adds an H200, which has no encoder and looks idle, as driver 580.159.04 tells of one; returns its UUID.
    pub fn h200(&self) -> String {
        let (memory_mb, used_memory_mb) = (150_754, 645);
        self.add(Gpu {
            memory_mb,
            used_memory_mb,
            capacity_percent: Some(100),
            session_mb: 600,
            ..model("NVIDIA H200")
        })
    }

    /// Adds an A100 in two slices without an encoder; returns the UUIDs of the slices.
    pub fn a100_mig(&self) -> [String; 2] {
        let whole = self.add(Gpu { memory_mb: 85_899, ..model("NVIDIA A100-SXM4-80GB") });
        [0, 1].map(|number| {
            self.add(Gpu {
                uuid: whole.replace("GPU", "MIG").replace("8f6d1c2e", &format!("8f6d1c2{number}")),
                slice_of: Some(whole.clone()),
                memory_mb: 20_401,
                ..model("NVIDIA A100-SXM4-80GB MIG 2g.20gb")
            })
        })
    }

    /// Adds a GeForce RTX 4080 SUPER, and lets all GPUs of the machine together take `cap` sessions; returns its UUID.
    pub fn geforce(&self, cap: u32) -> String {
        self.update(|state| state.session_cap = Some(cap));
        let model = model("NVIDIA GeForce RTX 4080 SUPER");
        self.add(Gpu { engines: 2, memory_mb: 17_171, session_mb: 600, session_percent: 12, ..model })
    }

    /// Adds a GPU; gives it a UUID and an address of its own where it has none, and returns the UUID.
    pub fn add(&self, mut gpu: Gpu) -> String {
        self.update(|state| {
            let number = state.gpus.len();
            if gpu.uuid.is_empty() {
                gpu.uuid = format!("GPU-8f6d1c2e-0b1a-4c3d-9e8f-{number:012x}");
            }
            if gpu.pci.is_empty() && gpu.slice_of.is_none() {
                gpu.pci = format!("00000000:{:02X}:00.0", 0x17 + number);
            }
            let uuid = gpu.uuid.clone();
            state.gpus.push(gpu);
            uuid
        })
    }

    /// Changes anything, at once for all that look.
    ///
    /// # Panics
    /// Where the file cannot be written.
    pub fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        self.file.update(change).unwrap_or_else(|error| panic!("{}: {error}", self.file.path().display()))
    }

    /// Changes one GPU.
    ///
    /// # Panics
    /// Where there is none of that UUID.
    pub fn change(&self, uuid: &str, change: impl FnOnce(&mut Gpu)) {
        self.update(|state| change(state.gpu_mut(uuid).unwrap_or_else(|| panic!("no GPU {uuid}"))));
    }

    /// Lets other programs hold so many sessions on a GPU.
    pub fn occupy(&self, uuid: &str, sessions: u32) {
        self.change(uuid, |gpu| gpu.foreign_sessions = sessions);
    }

    /// Lets the driver fail, for all GPUs.
    pub fn fail(&self, failure: Failure) {
        self.update(|state| state.driver.failure = Some(failure));
    }

    /// Lets one GPU fail.
    pub fn fail_gpu(&self, uuid: &str, failure: Failure) {
        self.change(uuid, |gpu| gpu.failure = Some(failure));
    }

    /// Ends all failures and refusals, as a driver that is loaded again does: what was initialised before is void.
    pub fn recover(&self) {
        self.update(|state| {
            state.driver.reloads += 1;
            (state.driver.failure, state.driver.refuses) = (None, None);
            for gpu in &mut state.gpus {
                (gpu.failure, gpu.refuses) = (None, None);
            }
        });
    }

    /// Everything, as it stands now.
    ///
    /// # Panics
    /// Where the file cannot be read.
    #[must_use]
    pub fn state(&self) -> State {
        self.file.read().unwrap_or_else(|error| panic!("{}: {error}", self.file.path().display()))
    }

    /// Sessions that are open on a GPU, those of other programs included.
    ///
    /// # Panics
    /// Where there is none of that UUID.
    #[must_use]
    pub fn sessions(&self, uuid: &str) -> u32 {
        let state = self.state();
        state.open_on(state.gpu(uuid).unwrap_or_else(|| panic!("no GPU {uuid}")))
    }

    /// What the encoder was asked so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// The library that poses as NVML's.
    #[must_use]
    pub fn library(&self) -> PathBuf {
        self.dir.path().join("libnvidia-ml.so.1")
    }

    /// A value for `PATH` by which the encoder is found before the real ffmpeg.
    ///
    /// # Panics
    /// Where the folder's name cannot stand in one.
    #[must_use]
    pub fn path(&self) -> OsString {
        let path = env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.bin()).chain(env::split_paths(&path));
        env::join_paths(dirs).unwrap_or_else(|error| panic!("{}: {error}", self.bin().display()))
    }

    /// Variables for a program that shall find library and encoder by their usual names.
    #[must_use]
    pub fn env(&self) -> Vec<(&'static str, OsString)> {
        vec![("PATH", self.path()), ("LD_LIBRARY_PATH", self.dir.path().into()), (STATE, self.file.path().into())]
    }

    fn bin(&self) -> PathBuf {
        self.dir.path().join("bin")
    }
}

impl Default for StandIn {
    fn default() -> Self {
        Self::new()
    }
}

fn model(name: &str) -> Gpu {
    Gpu { name: name.to_owned(), ..Gpu::default() }
}

fn find(program: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{program} is not on the PATH: install ffmpeg"))
}

/// What cargo made of the package.
#[derive(Debug)]
struct Built {
    library: PathBuf,
    encoder: PathBuf,
}

/// The library is built along with this crate, which depends on it; the encoder is not.
fn built() -> &'static Built {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| {
        let program = env::current_exe().unwrap_or_else(|error| panic!("this program's name: {error}"));
        let dir = program.parent().unwrap_or(Path::new("."));
        let profile = match dir.file_name().and_then(OsStr::to_str) {
            Some("deps" | "examples") => dir.parent().unwrap_or(dir),
            _ => dir,
        };
        let library = profile.join("deps/liblangflix_standin_gpu.so");
        let encoder = profile.join("langflix-standin-ffmpeg");
        let made = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        if made(&encoder).is_none() || made(&encoder) < made(&library) {
            build(profile);
            // Cargo leaves it where only the library was made anew.
            let touched = fs::File::open(&encoder).and_then(|file| file.set_modified(SystemTime::now()));
            touched.unwrap_or_else(|error| panic!("{}: {error}", encoder.display()));
        }
        Built { library, encoder }
    })
}

fn build(profile: &Path) {
    let name = match profile.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--package", "langflix-standin-gpu", "--bins", "--profile", name]);
    command.arg("--target-dir").arg(profile.parent().unwrap_or(profile)).current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = command.status().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}");
}

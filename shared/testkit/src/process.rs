//! Programs that a test starts, stops, kills and pauses, and that do not outlive it.

use std::{
    fs::{self, File},
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A program that runs, with all that it started.
#[derive(Debug)]
pub struct Process {
    name: String,
    log: PathBuf,
    child: Child,
    guard: Child,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a program, which writes its output to the end of the file `log`.
    ///
    /// It is killed when this is dropped, and also when the test is.
    ///
    /// # Panics
    /// Where it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command, log: impl Into<PathBuf>) -> Self {
        let log = log.into();
        let name = command.get_program().to_string_lossy().into_owned();
        let output = File::options().create(true).append(true).open(&log);
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let errors = output.try_clone().unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        command.stdin(Stdio::null()).stdout(output).stderr(errors).process_group(0);
        let child = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let guard = guard(child.id());
        Self { name, log, child, guard, ended: None }
    }

    /// Its number, which is also that of its process group.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did; then nothing is left of what it started either.
    ///
    /// # Panics
    /// Where the system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            let ended = self.child.try_wait().unwrap_or_else(|error| panic!("{}: {error}", self.name));
            if ended.is_some() {
                self.sweep();
                self.ended = ended;
            }
        }
        self.ended
    }

    /// Asks it to end (SIGTERM), without waiting.
    pub fn terminate(&mut self) {
        if self.ended().is_none() {
            // A process that ended just now is what was asked for.
            let _ = kill_process(self.pid(), Signal::TERM);
        }
    }

    /// Waits until it has ended by itself.
    ///
    /// # Panics
    /// Where it still runs after `limit`.
    pub async fn wait(&mut self, limit: Duration) -> ExitStatus {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            assert!(Instant::now() < until, "{} still runs after {limit:?}: {}", self.name, self.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it and all that it started at once (SIGKILL).
    pub fn kill(&mut self) {
        if self.ended.is_none() {
            self.sweep();
            self.ended = self.child.wait().ok();
        }
    }

    /// Halts it and all that it started (SIGSTOP).
    ///
    /// # Panics
    /// Where it has ended.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`pause`](Self::pause) (SIGCONT).
    ///
    /// # Panics
    /// Where it has ended.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// The end of what it wrote.
    #[must_use]
    pub fn output(&self) -> String {
        let output = fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&output[output.len().saturating_sub(4000)..]).into_owned()
    }

    fn signal(&self, signal: Signal) {
        assert!(self.ended.is_none(), "{} has ended", self.name);
        kill_process_group(self.pid(), signal).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Ends the group, and the guard first, so that it never ends a group whose number has gone to others.
    fn sweep(&mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
        // Nothing may be left of the group.
        let _ = kill_process_group(self.pid(), Signal::KILL);
    }

    fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills the process group when this process is gone: a test that is killed itself drops nothing.
fn guard(group: u32) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", "read -r _; kill -KILL -$0", &group.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().unwrap_or_else(|error| panic!("sh: {error}"))
}

#[cfg(test)]
mod tests {
    use rustix::process::test_kill_process;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn shell(script: &str, folder: &tempfile::TempDir) -> Process {
        Process::start(Command::new("sh").args(["-c", script]), folder.path().join("out"))
    }

    async fn said(process: &Process, text: &str) {
        let until = Instant::now() + SOON;
        while !process.output().contains(text) {
            assert!(Instant::now() < until, "{text} is missing in {}", process.output());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The number that the shell said of a process that it left in the background.
    fn left_behind(process: &Process) -> Pid {
        Pid::from_raw(process.output().lines().next().unwrap().parse().unwrap()).unwrap()
    }

    async fn gone(pid: Pid) {
        let until = Instant::now() + SOON;
        let stat = format!("/proc/{}/stat", pid.as_raw_nonzero());
        while test_kill_process(pid).is_ok() && !fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z ")) {
            assert!(Instant::now() < until, "{pid:?} still runs");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_program_may_end_in_order_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("sleep 1000 & echo $!; trap 'echo bye; exit 3' TERM; echo ready; wait", &folder);
        said(&process, "ready").await;
        assert!(process.ended().is_none());
        process.terminate();
        assert_eq!(process.wait(SOON).await.code(), Some(3));
        assert!(process.output().ends_with("bye\n"), "{}", process.output());
        gone(left_behind(&process)).await;
    }

    #[tokio::test]
    async fn a_program_that_is_dropped_leaves_nothing_even_while_it_is_halted() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("trap '' TERM; sleep 1000 & echo $!; echo ready; wait", &folder);
        said(&process, "ready").await;
        let child = left_behind(&process);
        process.pause();
        drop(process);
        gone(child).await;
    }

    #[tokio::test]
    async fn a_halted_program_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        // One process: a shell that waits for a child of its own is halted only when that goes on.
        let script = "exec {never}<> <(:); while :; do echo more; read -t 0.01 -u $never; done";
        let process = Process::start(Command::new("bash").args(["-c", script]), folder.path().join("out"));
        said(&process, "more").await;
        process.pause();
        let stat = format!("/proc/{}/stat", process.id());
        let until = Instant::now() + SOON;
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < until, "it is not halted");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        fs::write(folder.path().join("out"), "").unwrap();
        process.resume();
        said(&process, "more").await;
    }

    #[tokio::test]
    async fn a_program_does_not_outlive_a_test_that_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let process = shell("sleep 1000 & echo $!; echo ready; wait", &folder);
        said(&process, "ready").await;
        let child = left_behind(&process);
        // What the system does for a test that is killed: its end of the guard's pipe is closed.
        let mut process = std::mem::ManuallyDrop::new(process);
        drop(process.guard.stdin.take());
        gone(child).await;
        process.kill();
    }
}

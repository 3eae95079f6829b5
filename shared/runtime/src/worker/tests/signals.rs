//! Real signals, sent to a process of its own: this test program run again.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use super::*;
use crate::service::{Crew, block_on};

const CHILD: &str = "LANGFLIX_TEST_CHILD";

/// The service: two tasks, of which "short" ends half a second after it is told to drain, and "long" never.
async fn service() -> Result<std::process::ExitCode, std::io::Error> {
    let (health, shutdown) = (Health::new("test", "0"), Shutdown::on_signals()?);
    let broker = Broker::default();
    broker.put(Name::Stages, std::env::var(CHILD).unwrap_or_default().split(' '));
    let intake = Intake {
        name: "work",
        queue: Arc::new(broker.clone()),
        slots: own(Name::Stages, 2),
        drain: DRAIN,
        pressure: Pressure::default(),
    };
    let mut crew = Crew::new(&shutdown);
    let (told, drained) = (shutdown.clone(), shutdown.clone());
    crew.spawn("work", async move {
        let handler = move |job: Job| {
            println!("begun");
            let drained = drained.clone();
            async move {
                drained.draining().await;
                println!("draining");
                match job.body.as_slice() {
                    b"short" => sleep(Duration::from_millis(500)).await,
                    _ => std::future::pending().await,
                }
                End::Done
            }
        };
        intake.run(&health, &told, handler).await;
    });
    let code = crew.ended(DRAIN).await;
    println!("done {:?}, handed back {:?}", broker.done(), broker.handed_back());
    Ok(code)
}

#[test]
fn service_of_its_own() {
    if std::env::var_os(CHILD).is_some() {
        // Like a service's `main`; the code is told since the test's own is another.
        println!("code {:?}", block_on(service()));
    }
}

struct Service {
    child: Child,
    out: std::io::Lines<BufReader<ChildStdout>>,
}

impl Service {
    fn begin(tasks: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker::tests::signals::service_of_its_own", "--nocapture"])
            .env(CHILD, tasks)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut service = Self { child, out };
        tasks.split(' ').for_each(|_| service.says("begun"));
        service
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for a line that ends with `expected`.
    fn says(&mut self, expected: &str) {
        assert!(self.out.any(|line| line.unwrap().ends_with(expected)), "never said {expected}");
    }

    fn ends(mut self, expected: &str) {
        self.says(expected);
        self.says(&format!("code {:?}", std::process::ExitCode::SUCCESS));
        assert!(self.child.wait().unwrap().success());
    }
}

#[test]
fn a_signal_drains_and_the_service_exits_with_success() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut service = Service::begin("short short");
        service.signal(signal);
        service.says("draining");
        service.ends(r#"done ["short", "short"], handed back []"#);
    }
}

#[test]
fn a_second_signal_hands_back_and_the_service_exits_with_success() {
    let mut service = Service::begin("long long");
    service.signal(Signal::TERM);
    service.says("draining");
    service.says("draining");
    service.signal(Signal::TERM);
    service.ends(r#"done [], handed back ["long", "long"]"#);
}

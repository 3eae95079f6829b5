use langflix_ports::queue::ErrorKind;

use super::*;
use crate::telemetry::{Settings, Verbosity, told_of};

/// What is told while `work` runs, as JSON, one event each.
fn told<F: Future<Output = ()>>(work: F) -> Vec<serde_json::Value> {
    let settings = Settings { json: true, verbosity: Verbosity::Verbose, ..Settings::default() };
    let told = told_of(&settings, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(work);
    });
    told.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_task_costs_one_line_in_which_all_that_it_concerns_is_found_by_its_name() {
    let told = told(async {
        let broker = Broker::default();
        broker.put(Name::Stages, ["done", "retry"]);
        let bench = Bench::begin(&broker, own(Name::Stages, 1), |job: Job| async move {
            job.concerns("suits-s01e02-0123abcd", "chunk-7");
            millis(1500).await;
            if job.body == b"done" { End::Done } else { failed(Fault::Elsewhere) }
        });
        broker.settles(2).await;
        bench.ends().await;
    });
    let tasks: Vec<_> = told.iter().filter(|event| event["elapsed_ms"].is_number()).collect();
    assert_eq!(tasks.len(), 2, "{told:?}");
    for (event, (level, message, end)) in
        tasks.iter().zip([("INFO", "done", "done"), ("WARN", "to be tried again", "retry")])
    {
        assert_eq!((&event["level"], &event["message"], &event["end"]), (&level.into(), &message.into(), &end.into()));
        assert_eq!((&event["elapsed_ms"], &event["queue"]), (&1500.into(), &"stages.v1".into()));
        assert_eq!((&event["run"], &event["task"]), (&"suits-s01e02-0123abcd".into(), &"chunk-7".into()));
        assert_eq!((&event["attempt"], event["trace"].as_str().map(str::len)), (&0.into(), Some(32)));
    }
    assert_eq!(tasks[1]["why"], "no ffmpeg");
}

#[test]
fn a_queue_that_stays_away_costs_one_line_and_its_return_another() {
    let told = told(async {
        let broker = Broker::default();
        let refusal = (Place::Work(Name::Stages), ErrorKind::Unavailable, "not reached".to_owned());
        broker.lock().refusal = Some(refusal);
        let bench = Bench::begin(&broker, own(Name::Stages, 1), |_| async { End::Done });
        sleep(Duration::from_secs(3600)).await;
        assert!(broker.lock().asked.len() > 300);
        broker.lock().refusal = None;
        sleep(Duration::from_secs(20)).await;
        bench.ends().await;
    });
    let of_queue: Vec<_> = told.iter().filter(|event| event["part"] == "work.queue").collect();
    let messages: Vec<_> = of_queue.iter().map(|event| event["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["waits: queue stages.v1: not reached", "goes on"]);
}

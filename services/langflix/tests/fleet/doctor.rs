use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use langflix_testkit::gpu::{Refusal, StandIn};
use serde_json::Value;

use crate::{servers::Fleet, support::said, teacher::Teacher};

/// What the checks found, by what was looked at.
fn verdicts(json: &str) -> Vec<(String, String)> {
    let findings: Vec<Value> = serde_json::from_str(json).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(&finding["check"]), text(&finding["verdict"]))).collect()
}

fn has(verdicts: &[(String, String)], check: &str, verdict: &str) -> bool {
    verdicts.contains(&(check.to_owned(), verdict.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_is_well_every_check_says_so() {
    let fleet = Fleet::new().await;
    let verdicts = verdicts(&fleet.done(&["doctor", "--json"]));
    let checks = [
        "configuration",
        "model",
        "rabbitmq",
        "queues",
        "redis",
        "redis clock",
        "s3",
        "s3 clock",
        "ffmpeg",
        "encoder",
        "gpu",
    ];
    for check in checks {
        assert!(has(&verdicts, check, "ok"), "{check}: {verdicts:?}");
    }
    for service in ["dispatcher", "analysis", "encoding"] {
        assert!(has(&verdicts, service, "warn"), "{service} is not started: {verdicts:?}");
    }
    let text = fleet.done(&["doctor"]);
    let told = text.lines().find_map(|line| line.strip_prefix("ok       ffmpeg ")).unwrap_or_default();
    assert!(told.contains("ffmpeg ") && told.contains(|c: char| c.is_ascii_digit()), "{text}");
    assert!(text.lines().any(|line| line.starts_with("ok       s3 ") && line.contains(&fleet.s3.bucket)), "{text}");
    assert_eq!(fleet.keys("").await, [""; 0], "nothing is left behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_is_found_at_once() {
    let fleet = Fleet::bare().await;
    // Nobody answers here.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = fleet.langflix(&["doctor", "--json"]);
    command.env("LANGFLIX__REDIS__URL", format!("redis://{}", silent.local_addr().unwrap()));
    command.env("AWS_SECRET_ACCESS_KEY", "wrong-secret").env("LANGFLIX__LLM__CHUNK_SIZE", "1");
    command.env("PATH", "/nowhere");
    let began = Instant::now();
    let said = said(&mut command);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert_eq!(said.code, Some(1), "{said:#?}");
    let verdicts = verdicts(&said.out);
    for check in ["configuration", "queues", "redis", "s3", "ffmpeg"] {
        assert!(has(&verdicts, check, "fail"), "{check}: {}", said.out);
    }
    assert!(has(&verdicts, "rabbitmq", "ok"), "{}", said.out);
    assert!(said.out.contains("langflix topology apply") && !said.out.contains("wrong-secret"), "{}", said.out);
}

#[test]
fn the_provider_is_asked_for_its_models_and_a_wrong_key_is_found() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let fleet = runtime.block_on(Fleet::bare());
    let found = |teacher: &Teacher| {
        let mut command = fleet.langflix(&["doctor", "--json"]);
        verdicts(&said(command.args(teacher.arguments())).out)
    };
    assert!(has(&found(&Teacher::new()), "provider", "ok"));
    assert!(has(&found(&Teacher::refusing(401)), "provider", "fail"));
    // It has no list of models.
    assert!(has(&found(&Teacher::refusing(404)), "provider", "warn"));
    let gone = found(&Teacher::refusing(503));
    assert!(has(&gone, "provider", "warn") && has(&gone, "model", "ok"), "{gone:?}");
}

/// What is found of the GPUs of `machine` where clips are to be encoded by NVENC, with this fallback.
fn found_of_gpu(fleet: &Fleet, machine: &StandIn, fallback: &str) -> (String, String) {
    let mut command = fleet.langflix(&["doctor", "--json"]);
    command.envs(machine.env()).env("LANGFLIX__VIDEO__CODEC", "h264_nvenc").env("LANGFLIX__VIDEO__FALLBACK", fallback);
    let findings: Vec<Value> = serde_json::from_str(&said(&mut command).out).unwrap();
    let gpu = findings.iter().find(|finding| finding["check"] == "gpu").unwrap();
    (gpu["verdict"].as_str().unwrap().to_owned(), gpu["says"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gpu_is_looked_at_and_tried() {
    let fleet = Fleet::bare().await;
    let machine = StandIn::new();
    let (verdict, says) = found_of_gpu(&fleet, &machine, "none");
    assert!(verdict == "fail" && says.contains("video.fallback none"), "{says}");
    let uuid = machine.h200();
    let (verdict, says) = found_of_gpu(&fleet, &machine, "software");
    assert!(verdict == "warn" && says.contains("no NVENC engine") && says.contains("encode in software"), "{says}");
    machine.update(|state| state.gpus.clear());
    let l4 = machine.l4();
    let (verdict, says) = found_of_gpu(&fleet, &machine, "none");
    assert!(
        verdict == "ok" && says.starts_with(&format!("NVIDIA L4 ({l4}, 00000000:17:00.0, driver 570.86.15): ")),
        "{says}"
    );
    machine.change(&l4, |gpu| gpu.refuses = Some(Refusal::NoVideo));
    let (verdict, says) = found_of_gpu(&fleet, &machine, "none");
    assert!(verdict == "fail" && says.contains("lacks the driver's library") && !says.contains("more"), "{says}");
    machine.change(&l4, |gpu| gpu.refuses = Some(Refusal::ClientKey));
    let (verdict, says) = found_of_gpu(&fleet, &machine, "none");
    assert!(verdict == "warn" && says.contains("the driver refuses every encoder session"), "{says}");
    machine.l4();
    let (verdict, says) = found_of_gpu(&fleet, &machine, "software");
    assert!(verdict == "fail" && says.contains(&uuid) && says.contains("gpu.device"), "{says}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_configured_keeps_nothing_else_from_being_checked() {
    let fleet = Fleet::new().await;
    let mut command = fleet.langflix(&["doctor", "--json"]);
    command.env_remove("LANGFLIX__S3__BUCKET");
    let said = said(&mut command);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let verdicts = verdicts(&said.out);
    assert!(has(&verdicts, "configuration", "fail") && has(&verdicts, "s3", "fail"), "{verdicts:?}");
    assert!(has(&verdicts, "rabbitmq", "ok") && has(&verdicts, "redis", "ok"), "{verdicts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_topology_is_shown_and_applied() {
    let fleet = Fleet::bare().await;
    let missing = fleet.said(&["topology", "show"]);
    assert_eq!(missing.code, Some(1), "{missing:#?}");
    assert!(missing.out.contains("They are not as they should be: "), "{missing:#?}");
    assert_eq!(fleet.done(&["topology", "apply"]), "2 exchanges and 42 queues are there\n");
    assert_eq!(fleet.done(&["topology", "apply"]), "2 exchanges and 42 queues are there\n");
    let text = fleet.done(&["topology", "show"]);
    assert!(text.ends_with("\nAll of them are there.\n"), "{text}");
    assert!(text.contains("analysis.bulk.v1.wait.30s") && text.contains("x-message-ttl=30000"), "{text}");
    let json: Value = serde_json::from_str(&fleet.done(&["topology", "show", "--json"])).unwrap();
    assert_eq!((json["queues"].as_array().unwrap().len(), &json["missing"]), (42, &Value::Null));
}

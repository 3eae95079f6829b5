use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
};

use langflix_domain::RunId;
use langflix_pipeline::{fleet::Order, plan_analysis};
use langflix_ports::queue::Name;
use langflix_testkit::proxy::{Act, Http};
use serde_json::Value;
use tempfile::tempdir;

use crate::{
    by_hand,
    servers::Fleet,
    support::{complaint, episode, season},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_season_is_uploaded_and_submitted_and_the_second_time_neither() {
    let fleet = Fleet::new().await;
    let first = fleet.ingest(&season(), &[]);
    assert_eq!(first.code, Some(0), "{first:#?}");
    assert_eq!(first.out.lines().filter(|line| line.contains(": submitted as the-long-way-home-s01e0")).count(), 3);
    let sources = fleet.keys("sources/").await;
    assert_eq!(sources.len(), 3);
    assert!(sources.iter().all(|key| key.ends_with(".mkv") && key.contains("/the-long-way-home-s01e0")), "{sources:?}");

    let runs = by_hand::submitted(&fleet).await;
    let asked = by_hand::asked(&fleet, &runs[0]).await;
    assert_eq!(asked.source, format!("s3://{}/{}", fleet.s3.bucket, key_of(&asked.source)));
    assert!(sources.contains(&key_of(&asked.source)), "{}", asked.source);
    assert!(!asked.source_identity.contains("sources/"), "{}", asked.source_identity);
    assert!(asked.source_identity.ends_with(&format!(":{}", asked.video.bytes)), "{}", asked.source_identity);

    let second = fleet.ingest(&season(), &["--lane", "interactive"]);
    assert_eq!(second.code, Some(0), "{second:#?}");
    let count = |text: &str| second.out.lines().filter(|line| line.contains(text)).count();
    assert_eq!((count("are in the bucket already"), count(": already under way as "), count("uploaded")), (3, 3, 0));
    assert_eq!(count(", in the lane bulk"), 3);
    assert_eq!((by_hand::submitted(&fleet).await, fleet.keys("sources/").await), (runs.clone(), sources));
    fleet.expect_lying(&[("episodes.v1", 3)]).await;
    let orders = fleet.drain(Name::Episodes, 3).await;
    let mut planned: Vec<RunId> = orders.iter().map(|body| Order::read(body).unwrap().run().clone()).collect();
    planned.sort();
    assert_eq!(planned, runs, "each run is to be planned once");
}

fn key_of(source: &str) -> String {
    source.splitn(4, '/').last().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_ended_is_said_to_have() {
    let fleet = Fleet::new().await;
    fleet.ingest(&episode(), &["--dry-run"]);
    let runs = by_hand::submitted(&fleet).await;
    by_hand::finish(&fleet, &runs[0], &episode()).await;
    let again = fleet.ingest(&episode(), &["--dry-run"]);
    assert!(again.out.contains(&format!(": already complete as {}", runs[0])), "{again:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_with_an_episode_that_cannot_be_read_is_not_submitted_at_all() {
    let fleet = Fleet::new().await;
    let dir = tempdir().unwrap();
    let folder = dir.path().join("Show/S01");
    fs::create_dir_all(&folder).unwrap();
    for (number, video) in [(1, true), (2, false), (3, false)] {
        let target = folder.join(format!("Show.S01E0{number}.mkv"));
        fs::copy(episode().with_extension("srt"), target.with_extension("srt")).unwrap();
        match video {
            true => drop(fs::copy(episode(), &target).unwrap()),
            false => fs::write(&target, "no video").unwrap(),
        }
    }
    let said = fleet.ingest(&folder, &[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let errors: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors[0].starts_with("error: Show S01E02: ") && errors[1].starts_with("error: Show S01E03: "));
    assert_eq!(errors[2..], ["error: nothing was submitted, since 2 of 3 episodes cannot be read"]);
    assert_eq!(fleet.keys("").await, [""; 0]);
    fleet.expect_lying(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_season_that_lacks_a_translation_is_not_submitted_at_all() {
    let fleet = Fleet::new().await;
    let said = fleet.ingest(&season(), &["--target-subs-suffix", ".xx"]);
    let errors: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!((said.code, errors.len()), (Some(1), 4), "{said:#?}");
    assert!(errors[..3].iter().all(|line| line.contains(".xx")), "{said:#?}");
    assert_eq!(errors[3], "error: nothing was submitted");
    assert_eq!(fleet.keys("").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_uploaded_where_the_queues_are_missing() {
    let fleet = Fleet::bare().await;
    let said = fleet.ingest(&episode(), &[]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    assert!(complaint(&said).contains("langflix topology apply"), "{said:#?}");
    assert_eq!(fleet.keys("").await, [""; 0]);
    fleet.done(&["topology", "apply"]);
    assert_eq!(fleet.ingest(&episode(), &[]).code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_server_goes_away_midway_each_episode_that_is_missing_is_named_with_the_reason() {
    let fleet = Fleet::new().await;
    let http = Http::before(&fleet.s3.endpoint);
    http.next(1000, "PUT", "/the-long-way-home-s01e02", Act::Answer(503, "SlowDown"));
    let season = season();
    let args = ["ingest", season.to_str().unwrap(), "--language", "ko", "--max-expressions", "2"];
    let said = crate::support::said(fleet.langflix(&args).env("LANGFLIX__S3__ENDPOINT", &http.url));
    assert_eq!(said.code, Some(2), "{said:#?}");
    let errors: Vec<&str> = said.err.lines().filter(|line| line.starts_with("error: ")).collect();
    assert!(errors[0].starts_with("error: The Long Way Home S01E02: ") && errors[0].contains("SlowDown"), "{said:#?}");
    assert_eq!(errors[1..], ["error: 1 of 3 episodes not submitted: the same command again submits what is missing"]);
    assert_eq!(said.out.lines().filter(|line| line.contains(": submitted as ")).count(), 2, "{said:#?}");
    let again = fleet.ingest(&season, &[]);
    let count = |text: &str| again.out.lines().filter(|line| line.contains(text)).count();
    assert_eq!((again.code, count(": submitted as "), count(": already under way as ")), (Some(0), 1, 2), "{again:#?}");
}

/// A video of more than two parts, with subtitles beside it.
fn large(dir: &Path) -> std::path::PathBuf {
    let video = dir.join("Show.S01E01.avi");
    let raw = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=24:d=130", "-c:v", "rawvideo"];
    assert!(Command::new("ffmpeg").args(raw).args(["-pix_fmt", "yuv420p"]).arg(&video).status().unwrap().success());
    let bytes = video.metadata().unwrap().len();
    assert!(bytes > 17 << 20, "{bytes} bytes are no three parts");
    fs::copy(episode().with_extension("srt"), video.with_extension("srt")).unwrap();
    video
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_was_stopped_goes_on() {
    let fleet = Fleet::new().await;
    let dir = tempdir().unwrap();
    let video = large(dir.path());
    let content = fs::read(&video).unwrap();
    let key = format!("sources/{}/show-s01e01.avi", langflix_domain::Digest::of_bytes(&content));
    let (client, bucket) = (fleet.s3.client(), &fleet.s3.bucket);
    // A process that ended after its second part.
    let upload = client.create_multipart_upload().bucket(bucket).key(&key).send().await.unwrap();
    let part = content[8 << 20..16 << 20].to_vec();
    let sent = client.upload_part().bucket(bucket).key(&key).upload_id(upload.upload_id().unwrap()).part_number(2);
    sent.body(part.into()).send().await.unwrap();

    let said = fleet.ingest(&video, &["--json"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let event = |name: &str| {
        let events = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.into_iter().find(|event| event["event"] == name).unwrap()
    };
    let (bytes, sent) = (event("uploaded")["bytes"].as_u64().unwrap(), event("uploaded")["sent"].as_u64().unwrap());
    assert_eq!((bytes, sent), (content.len() as u64, content.len() as u64 - (8 << 20)));
    assert_eq!((&event("submitted")["state"], fleet.keys("sources/").await), (&"new".into(), vec![key.clone()]));
    let there = client.get_object().bucket(bucket).key(&key).send().await.unwrap().body.collect().await.unwrap();
    assert!(there.into_bytes() == content, "what lies there is not the file");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_sees_each_step_and_the_end() {
    let fleet = Fleet::new().await;
    let path = episode();
    let args =
        ["ingest", path.to_str().unwrap(), "--language", "ko", "--max-expressions", "2", "--wait", "--json", "--lane"];
    let mut waiting = fleet.langflix(&args).arg("interactive").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(waiting.stdout.take().unwrap()).lines();
    let mut next = |name: &str| loop {
        let event: Value = serde_json::from_str(&lines.next().expect(name).unwrap()).unwrap();
        if event["event"] == name {
            return event;
        }
    };
    let run = RunId::parse(next("submitted")["run"].as_str().unwrap()).unwrap();
    let status: Value = serde_json::from_str(&fleet.done(&["status", "--json"])).unwrap();
    assert_eq!((&status["runs"][0]["lane"], &status["runs"][0]["phase"]), (&"interactive".into(), &"waiting".into()));
    let manifest = by_hand::finish(&fleet, &run, &path).await;
    let planned = next("stage_planned");
    assert_eq!((&planned["run"], &planned["stage"]), (&run.as_str().into(), &"analysis".into()));
    assert_eq!(next("stage_planned")["stage"], "encoding");
    assert_eq!(next("run_finished")["status"], "complete");
    assert_eq!(waiting.wait().unwrap().code(), Some(0));
    assert_eq!(manifest.run, run);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_waiting_is_told_that_the_fleet_goes_on() {
    let fleet = Fleet::new().await;
    let path = episode();
    let args = ["ingest", path.to_str().unwrap(), "--language", "ko", "--wait", "--json"];
    let mut command = fleet.langflix(&args);
    let mut waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(waiting.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("\"submitted\"")));
    let run = by_hand::submitted(&fleet).await.remove(0);
    plan_analysis(&fleet.store, &by_hand::asked(&fleet, &run).await).await.unwrap();
    assert!(lines.any(|line| line.contains("\"stage_planned\"")), "it waits once it sees the plan");
    let id = rustix::process::Pid::from_raw(waiting.id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
    let said = crate::support::Said::from(waiting.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{said:#?}");
    assert!(said.err.contains("the fleet goes on"), "{said:#?}");
    fleet.expect_lying(&[("episodes.v1", 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_usage_is_told_before_anything_is_asked() {
    let fleet = Fleet::bare().await;
    let other = fleet.said(&["ingest", "s3://other/Suits", "--language", "ko"]);
    assert_eq!((other.code, complaint(&other).contains("s3.bucket")), (Some(64), true), "{other:#?}");
    assert_eq!(fleet.said(&["ingest", "x.mkv", "--language", "ko", "--lane", "slow"]).code, Some(64));
    assert_eq!(fleet.said(&["ingest", "x.mkv", "--set", "s3.bucket=?"]).code, Some(64));
}

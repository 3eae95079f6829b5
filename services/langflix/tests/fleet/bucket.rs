use std::{fs, path::Path};

use langflix_pipeline::RunRequest;

use crate::{by_hand, servers::Fleet, support::season};

/// Puts the files of a folder below `prefix`.
async fn put(fleet: &Fleet, folder: &Path, prefix: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let key = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
        fleet.store.upload_source(&path, &key, &|_| {}).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_the_bucket_is_submitted_as_the_same_files_of_this_machine_are() {
    let fleet = Fleet::new().await;
    put(&fleet, &season(), "media/The Long Way Home/S01").await;
    // As consoles make a folder.
    let client = fleet.s3.client();
    client.put_object().bucket(&fleet.s3.bucket).key("media/The Long Way Home/").send().await.unwrap();
    let prefix = format!("s3://{}/media/The Long Way Home", fleet.s3.bucket);
    let args = ["ingest", &prefix, "--language", "ko", "--max-expressions", "2"];
    let said = fleet.said(&args);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(said.out.lines().filter(|line| line.contains(": submitted as ")).count(), 3, "{said:#?}");
    let runs = by_hand::submitted(&fleet).await;
    let asked = by_hand::asked(&fleet, &runs[0]).await;
    assert_eq!(asked.source, format!("{prefix}/S01/The.Long.Way.Home.S01E01.mkv"));
    assert_eq!(fleet.keys("sources/").await, [""; 0]);

    // The same bytes are the same run, wherever they lie.
    let local = fleet.ingest(&season(), &[]);
    assert_eq!(local.out.lines().filter(|line| line.contains(": already under way")).count(), 3, "{local:#?}");
    let sources = |asked: &RunRequest| (asked.subtitles.clone(), asked.transcript.clone(), asked.media.clone());
    let again = by_hand::asked(&fleet, &runs[0]).await;
    assert_eq!((sources(&again), by_hand::submitted(&fleet).await), (sources(&asked), runs));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_video_finds_its_subtitles_beside_it() {
    let fleet = Fleet::new().await;
    put(&fleet, &season(), "media").await;
    let video = format!("s3://{}/media/The.Long.Way.Home.S01E02.mkv", fleet.s3.bucket);
    let said = fleet.said(&["ingest", &video, "--target-subs-suffix", ".ko"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    let runs = by_hand::submitted(&fleet).await;
    let asked = by_hand::asked(&fleet, &runs[0]).await;
    assert_eq!(asked.subtitles.name, "The.Long.Way.Home.S01E02.srt");
    assert_eq!(asked.target_subtitles.unwrap().name, "The.Long.Way.Home.S01E02.ko.srt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_bucket_is_told_by_its_address() {
    let fleet = Fleet::new().await;
    fleet.s3.client().put_object().bucket(&fleet.s3.bucket).key("media/S01E01.mkv").send().await.unwrap();
    let gone = format!("s3://{}/media/gone", fleet.s3.bucket);
    let said = fleet.said(&["ingest", &gone, "--language", "ko"]);
    assert_eq!(said.code, Some(1), "{said:#?}");
    let told = format!("error: {gone}: nothing has this name: give a video, or the folder of a season");
    let errors: Vec<&str> = said.err.lines().collect();
    assert!(errors[0].starts_with(&told) && errors[1..] == ["error: nothing was submitted"], "{said:#?}");
    let unnamed = format!("s3://{}/media/S01E01.mkv", fleet.s3.bucket);
    let said = fleet.said(&["ingest", &unnamed, "--language", "ko", "--show", "Show"]);
    assert_eq!(said.code, Some(1), "an empty video is none: {said:#?}");
}

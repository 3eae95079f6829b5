use std::{process::Command, time::Duration};

use crate::{PROGRAM, program::Town};

const DRAIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_running_worker_gives_a_profile_of_its_heap_where_it_keeps_one() {
    let town = Town::new().await;
    let keeps = town.start(PROGRAM, DRAIN, &[("LANGFLIX__TELEMETRY__HEAP_PROFILE", "true")]);
    let (status, profile) = keeps.get_bytes("/debug/heap").await.unwrap();
    assert_eq!((status, &profile[..2]), (200, &[0x1f, 0x8b][..]), "{}", keeps.said());
    let file = town.dir.path().join("heap.pb.gz");
    std::fs::write(&file, profile).unwrap();
    let unpacked = Command::new("gzip").arg("-dc").arg(&file).output().unwrap();
    let text = String::from_utf8_lossy(&unpacked.stdout);
    // What pprof calls the values, and the program that it looks for names in.
    assert!(unpacked.status.success() && text.contains("inuse_space"), "{text}");
    assert!(text.contains("langflix-analysis-worker"), "{text}");

    let other = town.start(PROGRAM, DRAIN, &[]);
    assert_eq!(other.get_bytes("/debug/heap").await, Some((404, Vec::new())));
}

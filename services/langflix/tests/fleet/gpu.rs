//! A fleet with a GPU, which is not there.

use langflix_domain::{Manifest, VideoCodec};
use langflix_ports::store::ArtifactStore as _;
use langflix_testkit::gpu::StandIn;
use tempfile::tempdir;

use crate::{by_hand, season::is_done, servers::Fleet, services::Service, support::episode};

/// Submits the sample's episode to be encoded by NVENC, waits for it, and gives the encoder of each of its clips.
async fn encoders(fleet: &Fleet, quality: &str) -> Vec<VideoCodec> {
    let before = by_hand::submitted(fleet).await;
    let quality = format!("video.quality={quality}");
    let asked = fleet.ingest(&episode(), &["--wait", "--set", "video.codec=h264_nvenc", "--set", &quality]);
    assert_eq!(asked.code, Some(0), "{asked:#?}");
    is_done(fleet).await;
    let mut runs = by_hand::submitted(fleet).await;
    runs.retain(|run| !before.contains(run));
    let manifest = fleet.store.get(&format!("runs/{}/manifest.json", runs[0])).await.unwrap().unwrap();
    let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
    manifest.clips.iter().map(|clip| clip.encoded.as_ref().unwrap().encoder).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_with_a_gpu_and_without_one_serve_the_same_queue() {
    let (fleet, machine, dir) = (Fleet::new().await, StandIn::new(), tempdir().unwrap());
    machine.l4();
    let _others = ["dispatcher", "analysis-worker"].map(|name| Service::start(&fleet, name, dir.path()));
    let with = Service::start_with(&fleet, "encoding-worker", dir.path(), |mut command| {
        command.envs(machine.env()).env("LANGFLIX__VIDEO__CODEC", "h264_nvenc");
        command
    });
    assert_eq!(encoders(&fleet, "fast").await, [VideoCodec::H264Nvenc; 2]);
    let counts = machine.counts();
    assert!(counts.opens > 2 && counts.refusals == 0, "{counts:?}");
    with.ends().await;
    let _without = Service::start(&fleet, "encoding-worker", dir.path());
    assert_eq!(encoders(&fleet, "high").await, [VideoCodec::Libx264; 2]);
}

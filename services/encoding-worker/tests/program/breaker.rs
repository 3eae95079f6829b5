//! A worker whose ffmpeg dies of every clip, among others.

use crate::{
    PROGRAM,
    drain::{CLIPS, Gate, asked, worker},
    pressure::{DRAIN, waiting},
    program::Town,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_fails_clip_after_clip_leaves_them_to_others_until_it_is_mended() {
    let town = Town::new().await;
    let (deadly, gate) = (Gate::deadly(&town), Gate::before_ffmpeg(&town));
    gate.open();
    let failed = waiting(&town).await;
    let mut broken = worker(&town, &deadly, PROGRAM, DRAIN, &[]);
    broken.is_closed("clips", "breaker", "tasks failed in a row, the last one: ").await;
    let tries = deadly.begun();

    // What comes now is for others; one clip is tried now and then.
    let mut good = worker(&town, &gate, PROGRAM, DRAIN, &[]);
    let mut other = asked(&town).await;
    other.settings.encode.as_mut().unwrap().crf += 1;
    let run = town.submit(&other).await;
    assert_eq!(town.completes(&run).await.clips.len(), CLIPS);
    broken.is_closed("clips", "breaker", "tasks failed in a row, the last one: ").await;
    assert!(deadly.begun() <= tries + 1, "{} clips were begun after {tries}", deadly.begun() - tries);

    let told = good.is_told_to_rest();
    good.ends(told).await;

    deadly.open();
    assert_eq!(town.completes(&failed).await.clips.len(), CLIPS);
    broken.readiness_is(200).await;
    town.is_empty().await;
    let told = broken.is_told_to_rest();
    broken.ends(told).await;
}

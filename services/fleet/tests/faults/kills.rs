//! A service is killed at each step of a stage, and started again.

use crate::{
    episode::episode,
    role::{Process, Role},
    town::Town,
};

/// Has the service of that `role` killed at `step`, once, and holds that no more than so many clips are encoded twice:
/// those that it had in hand and that count for nobody yet.
async fn killed_at(role: Role, step: &str, in_hand: usize) {
    let (town, asked) = (Town::new().await, episode(1));
    let mut running = town.start(Role::ALL.into_iter().filter(|other| *other != role));
    let mut doomed = Process::start(&town, role, Some(step));
    town.submit(&asked).await;
    doomed.was_killed().await;
    let recorded = town.recorded(&asked.run().unwrap()).await;
    running.push(Process::start(&town, role, None));
    let clips = town.ends_well(running, &[asked]).await;
    assert!(clips >= 4, "{clips} clips");
    town.encoded_again(clips, &recorded, in_hand);
}

macro_rules! killed {
    ($($name:ident: $role:ident, $step:literal, $in_hand:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            killed_at(Role::$role, $step, $in_hand).await;
        }
    )*};
}

killed! {
    dispatcher_before_the_analysis_plan: Dispatcher, "put analysis/plan.json before", 0;
    dispatcher_after_the_analysis_plan: Dispatcher, "put analysis/plan.json after", 0;
    dispatcher_before_the_first_chunk_is_published: Dispatcher, "publish analysis.bulk before", 0;
    dispatcher_after_the_first_chunk_is_published: Dispatcher, "publish analysis.bulk after", 0;
    dispatcher_in_the_midst_of_the_chunks: Dispatcher, "publish analysis.bulk after 2", 0;
    dispatcher_before_it_forgets_the_episode: Dispatcher, "ack episodes before", 0;
    dispatcher_after_it_forgot_the_episode: Dispatcher, "ack episodes after", 0;
    dispatcher_before_the_encoding_plan: Dispatcher, "put encoding/plan.json before", 0;
    dispatcher_after_the_encoding_plan: Dispatcher, "put encoding/plan.json after", 0;
    dispatcher_before_the_first_clip_is_published: Dispatcher, "publish encoding.bulk before", 0;
    dispatcher_after_the_first_clip_is_published: Dispatcher, "publish encoding.bulk after", 0;
    dispatcher_in_the_midst_of_the_clips: Dispatcher, "publish encoding.bulk after 2", 0;
    dispatcher_before_the_manifest: Dispatcher, "put manifest.json before", 0;
    dispatcher_after_the_manifest: Dispatcher, "put manifest.json after", 0;
    dispatcher_before_it_closes_the_run: Dispatcher, "delete open/ before", 0;
    dispatcher_after_it_closed_the_run: Dispatcher, "delete open/ after", 0;
    dispatcher_before_it_forgets_a_stage: Dispatcher, "ack stages before", 0;
    dispatcher_after_it_forgot_a_stage: Dispatcher, "ack stages after", 0;
    analysis_worker_before_an_outcome: Analysis, "put analysis/outcomes before", 0;
    analysis_worker_after_an_outcome: Analysis, "put analysis/outcomes after", 0;
    analysis_worker_before_a_hint: Analysis, "tally analysis before", 0;
    analysis_worker_after_a_hint: Analysis, "tally analysis after", 0;
    analysis_worker_before_it_tells_the_end: Analysis, "publish stages before", 0;
    analysis_worker_after_it_told_the_end: Analysis, "publish stages after", 0;
    analysis_worker_before_it_forgets_a_chunk: Analysis, "ack analysis before", 0;
    analysis_worker_after_it_forgot_a_chunk: Analysis, "ack analysis after", 0;
    encoding_worker_before_a_blob: Encoding, "put clip.mp4 before", 2;
    encoding_worker_after_a_blob: Encoding, "put clip.mp4 after", 2;
    encoding_worker_before_a_clip_counts: Encoding, "put clip.json before", 2;
    encoding_worker_after_a_clip_counts: Encoding, "put clip.json after", 1;
    encoding_worker_before_an_outcome: Encoding, "put encoding/outcomes before", 1;
    encoding_worker_after_an_outcome: Encoding, "put encoding/outcomes after", 1;
    encoding_worker_before_a_hint: Encoding, "tally encoding before", 1;
    encoding_worker_after_a_hint: Encoding, "tally encoding after", 1;
    encoding_worker_before_it_tells_the_end: Encoding, "publish stages before", 1;
    encoding_worker_after_it_told_the_end: Encoding, "publish stages after", 1;
    encoding_worker_before_it_forgets_a_clip: Encoding, "ack encoding before", 1;
    encoding_worker_after_it_forgot_a_clip: Encoding, "ack encoding after", 1;
}

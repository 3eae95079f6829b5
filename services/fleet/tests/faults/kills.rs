//! A service is killed at each step of a stage, and started again.

use crate::{
    episode::episode,
    role::{Process, Role},
    town::Town,
};

/// Has the service of that `role` killed at `step`, once.
async fn killed_at(role: Role, step: &str) -> (Town, usize) {
    let (town, asked) = (Town::new().await, episode(1));
    let others = town.start(Role::ALL.into_iter().filter(|other| *other != role));
    let mut doomed = Process::start(&town, role, Some(step));
    town.submit(&asked).await;
    doomed.was_killed().await;
    let again = Process::start(&town, role, None);
    let manifest = town.is_well(&asked).await;
    drop((others, again));
    (town, manifest.clips.len())
}

macro_rules! killed {
    ($($name:ident: $role:ident, $step:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (town, clips) = killed_at(Role::$role, $step).await;
            assert!(clips >= 4, "{clips} clips");
            let encoded = town.encoded().len();
            assert!((clips..=2 * clips).contains(&encoded), "{encoded} encodes of {clips} clips");
        }
    )*};
}

killed! {
    dispatcher_before_the_analysis_plan: Dispatcher, "put analysis/plan.json before";
    dispatcher_after_the_analysis_plan: Dispatcher, "put analysis/plan.json after";
    dispatcher_before_the_first_chunk_is_published: Dispatcher, "publish analysis.bulk before";
    dispatcher_after_the_first_chunk_is_published: Dispatcher, "publish analysis.bulk after";
    dispatcher_before_it_forgets_the_episode: Dispatcher, "ack episodes before";
    dispatcher_after_it_forgot_the_episode: Dispatcher, "ack episodes after";
    dispatcher_before_the_encoding_plan: Dispatcher, "put encoding/plan.json before";
    dispatcher_after_the_encoding_plan: Dispatcher, "put encoding/plan.json after";
    dispatcher_after_the_first_clip_is_published: Dispatcher, "publish encoding.bulk after";
    dispatcher_before_the_manifest: Dispatcher, "put manifest.json before";
    dispatcher_after_the_manifest: Dispatcher, "put manifest.json after";
    dispatcher_before_it_closes_the_run: Dispatcher, "delete open/ before";
    dispatcher_before_it_forgets_a_stage: Dispatcher, "ack stages before";
    analysis_worker_before_an_outcome: Analysis, "put analysis/outcomes before";
    analysis_worker_after_an_outcome: Analysis, "put analysis/outcomes after";
    analysis_worker_before_a_hint: Analysis, "tally analysis before";
    analysis_worker_after_a_hint: Analysis, "tally analysis after";
    analysis_worker_before_it_tells_the_end: Analysis, "publish stages before";
    analysis_worker_after_it_told_the_end: Analysis, "publish stages after";
    analysis_worker_before_it_forgets_a_chunk: Analysis, "ack analysis before";
    analysis_worker_after_it_forgot_a_chunk: Analysis, "ack analysis after";
    encoding_worker_before_a_blob: Encoding, "put clip.mp4 before";
    encoding_worker_after_a_blob: Encoding, "put clip.mp4 after";
    encoding_worker_before_a_clip_counts: Encoding, "put clip.json before";
    encoding_worker_after_a_clip_counts: Encoding, "put clip.json after";
    encoding_worker_before_an_outcome: Encoding, "put encoding/outcomes before";
    encoding_worker_after_an_outcome: Encoding, "put encoding/outcomes after";
    encoding_worker_before_a_hint: Encoding, "tally encoding before";
    encoding_worker_after_a_hint: Encoding, "tally encoding after";
    encoding_worker_before_it_tells_the_end: Encoding, "publish stages before";
    encoding_worker_after_it_told_the_end: Encoding, "publish stages after";
    encoding_worker_before_it_forgets_a_clip: Encoding, "ack encoding before";
    encoding_worker_after_it_forgot_a_clip: Encoding, "ack encoding after";
}

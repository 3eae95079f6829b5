use langflix_domain::{EncodedClip, Failure, FailureKind, MediaTime, Outcome, RunId, Stage};
use langflix_ports::{
    media::{self, ClipEncoder},
    store::ArtifactStore,
};

use crate::{
    EncodingTask, Error,
    records::{read, record, write_or_take},
};

/// How often a clip is tried whose failure may pass.
const TRIES: u32 = 3;

/// Encodes one clip, unless some run did already, and records the outcome. Gives the failure, if it failed for good.
///
/// # Errors
/// [`Error`] where the clip or its outcome cannot be stored.
pub async fn encode_clip(
    store: &dyn ArtifactStore,
    encoder: &dyn ClipEncoder,
    run: &RunId,
    source: &str,
    task: &EncodingTask,
    progress: &(dyn Fn(MediaTime) + Send + Sync),
) -> Result<Option<Failure>, Error> {
    let Some(spec) = &task.clip else { return Ok(None) };
    let prefix = format!("clips/{}", task.id);
    let made = format!("{prefix}/clip.json");
    if let Some(clip) = read::<EncodedClip>(store, &made).await? {
        return record(store, run, Stage::Encoding, &task.id, Outcome::Ok(clip)).await;
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let dir = tempfile::Builder::new().prefix("langflix-clip-").tempdir()?;
        match encoder.encode(source, spec, dir.path(), progress).await {
            Ok(clip) => {
                for name in clip.blobs.keys() {
                    store.put_file_if_absent(&format!("{prefix}/{name}"), &dir.path().join(name)).await?;
                }
                let clip = write_or_take(store, &made, clip).await?;
                return record(store, run, Stage::Encoding, &task.id, Outcome::Ok(clip)).await;
            }
            Err(error) if error.transient && tries < TRIES => {}
            Err(error) if error.kind == FailureKind::Store => {
                return Err(Error::Scratch(std::io::Error::other(error.message)));
            }
            Err(error) => {
                return record::<EncodedClip>(
                    store,
                    run,
                    Stage::Encoding,
                    &task.id,
                    Outcome::Failed(failure(task, error)),
                )
                .await;
            }
        }
    }
}

fn failure(task: &EncodingTask, error: media::Error) -> Failure {
    Failure {
        kind: error.kind,
        message: format!("clip '{}' at {}: {}", task.expression.expression, task.scene.start, error.message),
    }
}

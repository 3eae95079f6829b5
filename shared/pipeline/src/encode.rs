use std::path::Path;

use langflix_domain::{Blob, Digest, EncodedClip, Failure, FailureKind, Outcome, Stage, Usage};
use langflix_ports::{
    media::{self, ClipEncoder, Source},
    store::{ArtifactStore, Put},
};

use crate::{
    EncodingTask, Error, Recorded, RunRequest,
    records::{read, record, recorded, write_or_take},
};

/// How often a clip is tried whose failure may pass.
const TRIES: u32 = 3;

/// Encodes one clip in a folder of its own below `scratch`, unless some run did already, and records the outcome, unless
/// there is one. Gives the failure, if it failed for good.
///
/// # Errors
/// [`Error`] where the clip or its outcome cannot be stored.
pub async fn encode_clip(
    store: &dyn ArtifactStore,
    encoder: &dyn ClipEncoder,
    scratch: &Path,
    asked: &RunRequest,
    task: &EncodingTask,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<Option<Failure>, Error> {
    let run = asked.run()?;
    if let Some(before) = recorded::<EncodedClip>(store, &run, Stage::Encoding, &task.id).await? {
        return Ok(before.failure().cloned());
    }
    let outcome = match made(store, encoder, scratch, asked, task, progress).await? {
        Made::Clip(clip) => Outcome::Ok(clip),
        Made::Failed(failure) => Outcome::Failed(failure),
        Made::Nothing => return Ok(None),
    };
    let recorded = Recorded { task: task.id.clone(), outcome, usage: Usage::default() };
    record(store, &run, Stage::Encoding, recorded).await
}

enum Made {
    Clip(EncodedClip),
    Failed(Failure),
    /// A dry run has no clip.
    Nothing,
}

async fn made(
    store: &dyn ArtifactStore,
    encoder: &dyn ClipEncoder,
    scratch: &Path,
    asked: &RunRequest,
    task: &EncodingTask,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<Made, Error> {
    let Some(spec) = &task.clip else { return Ok(Made::Nothing) };
    let prefix = format!("clips/{}", task.id);
    let record = format!("{prefix}/clip.json");
    if let Some(clip) = read::<EncodedClip>(store, &record).await? {
        return Ok(Made::Clip(clip));
    }
    let source = Source { location: &asked.source, info: &asked.media };
    let mut tries = 0;
    loop {
        tries += 1;
        let dir = tempfile::Builder::new().prefix("clip-").tempdir_in(scratch)?;
        match encoder.encode(source, spec, dir.path(), progress).await {
            Ok(mut clip) => {
                for (name, blob) in &mut clip.blobs {
                    let key = format!("{prefix}/{name}");
                    if store.put_file_if_absent(&key, &dir.path().join(name)).await? == Put::Exists
                        && let Some(first) = store.get(&key).await?
                    {
                        // A twin came first, and two encoders give different bytes for one spec.
                        *blob = Blob { sha256: Digest::of_bytes(&first), bytes: first.len() as u64 };
                    }
                }
                return Ok(Made::Clip(write_or_take(store, &record, clip).await?));
            }
            Err(error) if error.transient && tries < TRIES => {}
            // Neither the clip's fault nor the source's: the clip is encoded when the run is started again.
            Err(error) if error.kind == FailureKind::Store => {
                return Err(Error::Unwritable(error.message));
            }
            Err(media::Error { kind, message, .. }) => return Ok(Made::Failed(Failure { kind, message })),
        }
    }
}

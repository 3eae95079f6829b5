use std::path::Path;

use langflix_domain::{
    Blob, ClipSpec, Digest, EncodedClip, Failure, FailureKind, Footage, Outcome, SourceRead, Stage, TaskId, Usage,
};
use langflix_measures::Operation;
use langflix_ports::{
    media::{self, ClipEncoder, Opened, Source, SourceAccess, Wanted},
    store::{ArtifactStore, Put},
};

use crate::{
    EncodingTask, Ended, Error, Recorded, RunRequest, Try,
    stored::{read, record, recorded, write_or_take},
};

/// How often a clip is tried whose failure may pass, without giving its place to another meanwhile.
const TRIES: u32 = 3;

/// What clips are made with.
#[derive(Clone, Copy)]
pub struct Cutter<'a> {
    /// Cuts them.
    pub encoder: &'a dyn ClipEncoder,
    /// Makes the source readable.
    pub sources: &'a dyn SourceAccess,
    /// Each clip gets a folder of its own below this one.
    pub scratch: &'a Path,
    /// All that the run cuts from the source, where it is known: how the source is read may depend on it.
    pub footage: Option<Footage>,
}

/// Encodes one clip, unless some run did already, and records the outcome, unless there is one. Gives the failure, if
/// it failed for good.
///
/// # Errors
/// [`Error`] where the clip or its outcome cannot be stored.
pub async fn encode_clip(
    store: &dyn ArtifactStore,
    cutter: Cutter<'_>,
    asked: &RunRequest,
    task: &EncodingTask,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<Option<Failure>, Error> {
    Ok(try_clip(store, cutter, asked, task, Try::ONLY, progress).await?.failure())
}

/// Tries to encode one clip. A failure that may pass is recorded by the last try only.
///
/// # Errors
/// [`Error`] where the clip or its outcome cannot be stored.
pub async fn try_clip(
    store: &dyn ArtifactStore,
    cutter: Cutter<'_>,
    asked: &RunRequest,
    task: &EncodingTask,
    this: Try<'_>,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<Ended, Error> {
    let run = asked.run()?;
    if this.repeated
        && let Some(before) = recorded::<EncodedClip>(store, &run, Stage::Encoding, &task.id).await?
    {
        return Ok(Ended::Recorded(before.failure().cloned()));
    }
    // A dry run has no clip.
    let Some(spec) = &task.clip else { return Ok(Ended::Recorded(None)) };
    let (outcome, read) = match made(store, cutter, asked, task, spec, this, progress).await? {
        Made::Refused(failure) => return Ok(Ended::HandedBack(failure)),
        Made::Clip(clip, read) => (Outcome::Ok(clip), read),
        Made::Failed { failure, passes: true } if !this.last => return Ok(Ended::Later { failure, after: None }),
        Made::Failed { failure, .. } => (Outcome::Failed(failure), None),
    };
    let recorded = Recorded { task: task.id.clone(), outcome, usage: Usage::default(), read, trace: this.trace() };
    record(store, &run, Stage::Encoding, recorded).await.map(Ended::Recorded)
}

enum Made {
    Clip(EncodedClip, Option<SourceRead>),
    Failed {
        failure: Failure,
        passes: bool,
    },
    /// By the encoder's device, and not for the clip's sake.
    Refused(Failure),
}

async fn made(
    store: &dyn ArtifactStore,
    cutter: Cutter<'_>,
    asked: &RunRequest,
    task: &EncodingTask,
    spec: &ClipSpec,
    this: Try<'_>,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<Made, Error> {
    let prefix = prefix(&task.id);
    let record = format!("{prefix}/clip.json");
    if let Some(clip) = read::<EncodedClip>(store, &record).await? {
        if is_whole(store, &task.id, &clip).await? {
            return Ok(Made::Clip(clip, None));
        }
        // Somebody has removed its files, and others may come in their place.
        store.delete(&record).await?;
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let dir = tempfile::Builder::new().prefix("clip-").tempdir_in(cutter.scratch)?;
        match cut(cutter, asked, spec, dir.path(), progress).await {
            Ok((mut clip, read)) => {
                Operation::Upload.time(upload(store, &prefix, dir.path(), &mut clip)).await?;
                return Ok(Made::Clip(write_or_take(store, &record, clip).await?, Some(read)));
            }
            Err(media::Error { kind, message, fault: Some(fault), .. }) if fault.is_of_device() && !this.alone => {
                return Ok(Made::Refused(Failure { kind, message }));
            }
            Err(error) if error.transient && tries < TRIES => {}
            // Neither the clip's fault nor the source's: the clip is encoded when the run is started again.
            Err(error) if error.kind == FailureKind::Store => {
                return Err(Error::Unwritable(error.message));
            }
            Err(media::Error { kind, message, transient, .. }) => {
                // Another machine's encoder may do better.
                let passes = transient || kind == FailureKind::Encoder;
                return Ok(Made::Failed { failure: Failure { kind, message }, passes });
            }
        }
    }
}

/// Below this lie the files of a clip.
fn prefix(clip: &TaskId) -> String {
    format!("clips/{clip}")
}

/// Whether all files of a clip are there.
pub(crate) async fn is_whole(store: &dyn ArtifactStore, task: &TaskId, clip: &EncodedClip) -> Result<bool, Error> {
    let prefix = prefix(task);
    let there = store.list(&format!("{prefix}/")).await?;
    Ok(clip.blobs.keys().all(|name| there.contains(&format!("{prefix}/{name}"))))
}

/// Puts the files of a clip where they belong.
async fn upload(store: &dyn ArtifactStore, prefix: &str, dir: &Path, clip: &mut EncodedClip) -> Result<(), Error> {
    for (name, blob) in &mut clip.blobs {
        let key = format!("{prefix}/{name}");
        if store.put_file_if_absent(&key, &dir.join(name)).await? == Put::Exists
            && let Some(first) = store.get(&key).await?
        {
            // A twin came first, and two encoders give different bytes for one spec.
            *blob = Blob { sha256: Digest::of_bytes(&first), bytes: first.len() as u64 };
        }
    }
    Ok(())
}

async fn cut(
    cutter: Cutter<'_>,
    asked: &RunRequest,
    spec: &ClipSpec,
    dir: &Path,
    progress: &(dyn Fn(f32) + Send + Sync),
) -> Result<(EncodedClip, SourceRead), media::Error> {
    let wanted = Wanted {
        source: &asked.source,
        identity: &asked.source_identity,
        info: &asked.media,
        footage: cutter.footage.unwrap_or_else(|| Footage::of([spec.bounds])),
    };
    let opened = Operation::Source.time(cutter.sources.open(wanted)).await?;
    let (location, read) = (opened.location.clone(), opened.read);
    let source = Source { location: &location, info: &asked.media };
    let encoded = cutter.encoder.encode(source, spec, dir, progress).await;
    let clip = encoded.map_err(|error| named(error, &location, asked))?;
    cutter.sources.close(wanted, opened).await?;
    Ok((clip, read))
}

/// Calls a source that was read elsewhere by its file's name: failures go into manifests, and people read them in a table.
fn named(error: media::Error, location: &str, asked: &RunRequest) -> media::Error {
    if location == asked.source {
        return error;
    }
    let shown = location.split('?').next().unwrap_or(location);
    media::Error { message: error.message.replace(shown, &asked.video.name), ..error }
}

/// Sources that are files of this machine.
#[derive(Clone, Copy, Debug)]
pub struct InPlace;

#[async_trait::async_trait]
impl SourceAccess for InPlace {
    async fn open(&self, wanted: Wanted<'_>) -> Result<Opened, media::Error> {
        Ok(Opened { location: wanted.source.to_owned(), read: SourceRead::InPlace, hold: None })
    }
}

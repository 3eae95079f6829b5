use std::{io, path::Path, sync::Arc};

use async_trait::async_trait;
use langflix_domain::{ClipSpec, EncodedClip, FailureKind};
use langflix_local::Scratch;
use langflix_ports::media::{ClipEncoder, Error, Source};
use langflix_runtime::pressure::Room;
use tokio::task::spawn_blocking;

/// An encoder that lets go of all copies of sources that nobody holds where a clip has no room: they can come again, and
/// the clip is tried again.
pub struct MakesRoom {
    encoder: Arc<dyn ClipEncoder>,
    scratch: Scratch,
}

impl MakesRoom {
    /// Clips of `encoder`, made beside the copies in `scratch`.
    pub fn new(encoder: Arc<dyn ClipEncoder>, scratch: Scratch) -> Self {
        Self { encoder, scratch }
    }
}

#[async_trait]
impl ClipEncoder for MakesRoom {
    async fn encode(
        &self,
        source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        let encoded = self.encoder.encode(source, spec, dir, progress).await;
        // What of the store fails beside the disk, a source over the network, passes by itself.
        if let Err(Error { kind: FailureKind::Store, transient: false, .. }) = &encoded
            && let Err(error) = self.scratch.clear().await
        {
            tracing::warn!(%error, "no room could be made in fleet.scratch_dir");
        }
        encoded
    }
}

/// What room there is in `scratch`. Where two clips have none there, copies that nobody holds are let go of first.
pub(crate) async fn room(scratch: Scratch) -> io::Result<Room> {
    let (room, idle) = look(&scratch).await?;
    if room.holds(2) || idle == 0 {
        return Ok(room);
    }
    scratch.clear().await?;
    Ok(look(&scratch).await?.0)
}

/// A file system may take its time to answer.
async fn look(scratch: &Scratch) -> io::Result<(Room, u64)> {
    let (asked, bound) = (scratch.clone(), scratch.bound());
    let found = spawn_blocking(move || asked.room()).await.unwrap_or_else(|error| Err(io::Error::other(error)))?;
    let langflix_local::Room { used, idle, free, size } = found;
    Ok((Room { used, bound, free, size }, idle))
}

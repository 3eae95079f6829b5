use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use langflix_domain::{ClipSpec, EncodedClip, FailureKind};
use langflix_local::Scratch;
use langflix_ports::media::{ClipEncoder, Error, Source};

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

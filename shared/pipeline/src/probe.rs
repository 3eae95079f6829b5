use langflix_domain::{Digest, MediaInfo};
use langflix_ports::{
    cache::Cache,
    media::{Error, MediaProbe, Source},
};

/// Raised when a probe tells more, or something else, than before.
const VERSION: u32 = 3;

/// What is known of a source, from the cache where the same bytes were probed before. `identity` names the bytes:
/// path, size and modification time, or an ETag.
///
/// # Errors
/// As [`MediaProbe::probe`]; a cache that fails is no error.
pub async fn probe(
    probe: &dyn MediaProbe,
    cache: &dyn Cache,
    source: &str,
    identity: &str,
) -> Result<MediaInfo, Error> {
    let key = format!("probe/{VERSION}/{}", Digest::of_bytes(identity.as_bytes()));
    if let Ok(Some(bytes)) = cache.get(&key).await
        && let Ok(info) = serde_json::from_slice(&bytes)
    {
        return Ok(info);
    }
    let info = probe.probe(source).await?;
    if let Ok(bytes) = serde_json::to_vec(&info) {
        // Without the cache the source is probed again the next time, and that is all.
        let _without = cache.put(&key, &bytes, None).await;
    }
    Ok(info)
}

/// Raised when subtitles are extracted otherwise than before.
const SUBTITLES_VERSION: u32 = 1;

/// The text subtitle track `track` of a source, from the cache where it was extracted from the same bytes before: that
/// takes reading all of the source. `identity` names the bytes, as for [`probe`].
///
/// # Errors
/// As [`MediaProbe::extract_subtitles`]; a cache that fails is no error.
pub async fn extract_subtitles(
    probe: &dyn MediaProbe,
    cache: &dyn Cache,
    source: Source<'_>,
    identity: &str,
    track: u32,
) -> Result<Vec<u8>, Error> {
    let key = format!("subtitles/{SUBTITLES_VERSION}/{}/{track}", Digest::of_bytes(identity.as_bytes()));
    if let Ok(Some(text)) = cache.get(&key).await {
        return Ok(text);
    }
    let text = probe.extract_subtitles(source, track).await?;
    let _without = cache.put(&key, &text, None).await;
    Ok(text)
}

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use langflix_domain::slug;
use langflix_ports::store::ArtifactStore as _;
use langflix_s3::{S3Store, Stat};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::told::Track;

/// How much of a file is read at once.
const PIECE: usize = 1 << 20;

/// Puts a video into the bucket, below the digest of its content. Nothing is sent where that lies there already.
///
/// # Errors
/// Where the file cannot be read, or changes meanwhile, or the store fails: called again, it goes on.
pub(super) async fn upload(store: &S3Store, path: &Path, track: &Track<'_>) -> anyhow::Result<(String, Stat)> {
    let at = || path.display().to_string();
    let before = path.metadata().with_context(at)?;
    track.begins("reading", before.len());
    let digest = digest(path, track).await.with_context(at)?;
    let folder = format!("sources/{digest}/");
    let there = store.list_details(&folder).await?.into_iter().find(|found| found.stat.bytes == before.len());
    track.begins("uploading", before.len());
    if let Some(found) = there {
        track.uploaded(0);
        return Ok((found.key, found.stat));
    }
    let key = folder + &safe_name(path);
    let uploaded = store.upload_source(path, &key, &|there| track.reached(there)).await?;
    if !is_same(&before, &path.metadata().with_context(at)?) {
        // What lies there is not what its key says.
        store.delete(&key).await?;
        bail!("{}: it changes while it is uploaded: wait until it is whole", at());
    }
    track.uploaded(uploaded.sent);
    Ok((key, uploaded.stat))
}

fn is_same(a: &Metadata, b: &Metadata) -> bool {
    a.len() == b.len() && a.modified().ok() == b.modified().ok()
}

/// The SHA-256 of a file's content.
async fn digest(path: &Path, track: &Track<'_>) -> io::Result<String> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let path = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let (mut file, mut sum, mut piece, mut read) = (File::open(path)?, Sha256::new(), vec![0; PIECE], 0);
        while let count @ 1.. = file.read(&mut piece)? {
            sum.update(&piece[..count]);
            read += count as u64;
            // Nobody listens where the upload was dropped.
            tell.send(read).map_err(|_| io::Error::other("stopped"))?;
        }
        Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    });
    while let Some(read) = told.recv().await {
        track.reached(read);
    }
    reading.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The file's name as it can stand in any URL and on any file system.
fn safe_name(path: &Path) -> String {
    let part = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    format!("{}.{}", slug(&part(path.file_stem())), slug(&part(path.extension())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_keeps_its_name_as_far_as_every_place_takes_it() {
        for (name, safe) in [
            ("The.Long.Way.Home.S01E01.mkv", "the-long-way-home-s01e01.mkv"),
            ("오징어 게임 1x02.MP4", "오징어-게임-1x02.mp4"),
            ("..what?#.m4v", "what.m4v"),
        ] {
            assert_eq!(safe_name(Path::new(name)), safe);
        }
    }
}

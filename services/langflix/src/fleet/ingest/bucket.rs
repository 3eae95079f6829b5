//! Videos that lie in the bucket already.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use langflix_ports::{
    media::MediaProbe,
    store::{ArtifactStore as _, check_key},
};
use langflix_s3::S3Store;

use super::address;
use crate::{
    cli::EpisodeArgs,
    run::{
        prepare::{Sources, Subtitles, Target, Video, Videos},
        tree::{Entry, Tree},
    },
};

/// Long enough to read a whole video for its subtitles.
const READABLE: Duration = Duration::from_secs(3600);

/// The keys of a bucket as folders and files.
pub(super) struct Keys {
    bucket: String,
    /// What is in each folder: whether it is a folder itself.
    folders: BTreeMap<PathBuf, BTreeMap<PathBuf, bool>>,
}

impl Keys {
    /// What lies at `paths`, with all that may belong to it.
    ///
    /// # Errors
    /// Where the bucket cannot be listed.
    pub(super) async fn list(store: &S3Store, bucket: &str, paths: &[PathBuf]) -> anyhow::Result<Self> {
        let mut keys = Vec::new();
        for path in paths {
            let key = path.to_string_lossy();
            let below = store.list(&format!("{key}/")).await?;
            keys.extend(match below.is_empty() {
                // A video, then: its subtitles lie beside it, or begin with its name where there is no folder.
                true => store.list(&beside(path)).await?,
                false => below,
            });
        }
        Ok(Self::of(bucket, keys))
    }

    fn of(bucket: &str, keys: impl IntoIterator<Item = String>) -> Self {
        let mut folders: BTreeMap<PathBuf, BTreeMap<PathBuf, bool>> = BTreeMap::new();
        // Empty objects that stand for folders are no files.
        for key in keys.into_iter().filter(|key| check_key(key).is_ok()) {
            let (mut path, mut is_folder) = (PathBuf::from(key), false);
            while let Some(parent) = path.parent().map(Path::to_owned) {
                let known = folders.entry(parent.clone()).or_default().insert(path, is_folder);
                if known == Some(true) {
                    break;
                }
                (path, is_folder) = (parent, true);
            }
        }
        Self { bucket: bucket.to_owned(), folders }
    }
}

fn beside(path: &Path) -> String {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => format!("{}/", parent.to_string_lossy()),
        None => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

/// The path of the bucket's root is empty here.
fn folder(path: &Path) -> &Path {
    if path == Path::new(".") { Path::new("") } else { path }
}

impl Tree for Keys {
    fn is_folder(&self, path: &Path) -> io::Result<bool> {
        if self.folders.contains_key(folder(path)) {
            return Ok(true);
        }
        let parent = path.parent().unwrap_or(Path::new(""));
        let is_file = self.folders.get(parent).is_some_and(|entries| entries.contains_key(path));
        if is_file { Ok(false) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn entries(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let entries = self.folders.get(folder(dir)).into_iter().flatten();
        Ok(entries.map(|(path, is_folder)| Entry { path: path.clone(), is_folder: *is_folder }).collect())
    }

    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        Ok(path.to_owned())
    }

    fn shown(&self, path: &Path) -> String {
        address(&self.bucket, &folder(path).to_string_lossy())
    }
}

/// Brings the subtitle files that lie in the bucket to `dir`, where they keep their names.
///
/// # Errors
/// Where the store or the file system fails.
pub(super) async fn fetch_subtitles(
    store: &S3Store,
    found: &mut [Sources],
    args: &EpisodeArgs,
    dir: &Path,
) -> anyhow::Result<()> {
    for (number, sources) in found.iter_mut().enumerate() {
        // What the user names is on this machine.
        if let (Subtitles::File(key), None) = (&mut sources.subtitles, &args.subs) {
            *key = fetch(store, key, &dir.join(format!("{number}"))).await?;
        }
        if let (Target::File(key), None) = (&mut sources.target, &args.target_subs) {
            *key = fetch(store, key, &dir.join(format!("{number}-target"))).await?;
        }
    }
    Ok(())
}

async fn fetch(store: &S3Store, key: &Path, dir: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
    let path = dir.join(key.file_name().unwrap_or_default());
    store.download(&key.to_string_lossy(), &path).await?;
    Ok(path)
}

/// Videos in the bucket, read where they lie.
pub(super) struct InBucket<'a> {
    pub(super) media: &'a dyn MediaProbe,
    pub(super) store: &'a S3Store,
    pub(super) bucket: &'a str,
}

#[async_trait]
impl Videos for InBucket<'_> {
    async fn open(&self, path: &Path) -> anyhow::Result<Video> {
        let key = path.to_string_lossy();
        let source = address(self.bucket, &key);
        let stat = self.store.stat(&key).await?.with_context(|| format!("{source}: it is gone"))?;
        let location = self.store.presign(&key, READABLE).await?.expose().to_owned();
        let info = self.media.probe(&location).await?;
        Ok(Video { location, source, identity: stat.identity(), bytes: stat.bytes, info })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        let keys =
            ["Suits/", "Suits/S01/a.mkv", "Suits/S01/a.srt", "Suits/S01/Subs/a/2_English.srt", "b.mkv", "x//y.mkv"];
        Keys::of("media", keys.map(str::to_owned))
    }

    #[test]
    fn keys_are_folders_and_files() {
        let entries = |dir: &str| {
            let entries = keys().entries(Path::new(dir)).unwrap().into_iter();
            entries.map(|entry| (entry.path.to_str().unwrap().to_owned(), entry.is_folder)).collect::<Vec<_>>()
        };
        let of = |entries: &[(&str, bool)]| entries.iter().map(|(p, f)| ((*p).to_owned(), *f)).collect::<Vec<_>>();
        assert_eq!(entries("."), of(&[("Suits", true), ("b.mkv", false)]));
        let season = [("Suits/S01/Subs", true), ("Suits/S01/a.mkv", false), ("Suits/S01/a.srt", false)];
        assert_eq!(entries("Suits/S01"), of(&season));
        assert_eq!(entries("Suits/S01/Subs/a"), of(&[("Suits/S01/Subs/a/2_English.srt", false)]));
        assert!(keys().is_folder(Path::new("Suits")).unwrap());
        assert!(!keys().is_folder(Path::new("b.mkv")).unwrap());
        assert_eq!(keys().is_folder(Path::new("c.mkv")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_may_belong_to_a_video_lies_in_its_folder() {
        assert_eq!(beside(Path::new("Suits/S01/a.mkv")), "Suits/S01/");
        assert_eq!(beside(Path::new("Show.S01E01.mkv")), "Show.S01E01");
    }
}

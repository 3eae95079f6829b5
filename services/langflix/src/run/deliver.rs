//! Lays a finished run out for people: `<out>/<Show>/<S01E02>/`.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use langflix_domain::{ClipFiles, EpisodeId, MANIFEST_VERSION, Manifest, ManifestClip, RunId, folder_name, slug};
use langflix_pipeline::clip_lines;
use langflix_ports::store::ArtifactStore;

use crate::pages;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const PAGE: &str = "index.html";
/// The manifest whose clips lie here although a run without clips came after it.
const REPLACED: &str = ".replaced.json";

/// Where an episode's results lie.
fn folder(out: &Path, episode: &EpisodeId) -> PathBuf {
    out.join(folder_name(&episode.show)).join(episode.code())
}

/// Holds that the folder of an episode's results has none of another show, whose name gives the same.
///
/// # Errors
/// Where it has.
pub(crate) fn is_free(out: &Path, episode: &EpisodeId) -> anyhow::Result<()> {
    let folder = folder(out, episode);
    match read(&folder.join(MANIFEST)) {
        Some(other) if other.episode.show != episode.show => bail!(
            "{} holds the results of another show, '{}': give another --out or --show",
            folder.display(),
            other.episode.show
        ),
        _ => Ok(()),
    }
}

/// The run whose results lie where those of `manifest` go, if it ended after that one.
pub(crate) fn newer(out: &Path, manifest: &Manifest) -> Option<RunId> {
    let there = read(&folder(out, &manifest.episode).join(MANIFEST))?;
    // RFC 3339 in UTC sorts by time.
    (there.run != manifest.run && there.timing.finished_at > manifest.timing.finished_at).then_some(there.run)
}

/// The page that shows them.
pub(crate) fn page(out: &Path, manifest: &Manifest) -> PathBuf {
    folder(out, &manifest.episode).join(PAGE)
}

/// Writes clips, subtitles, page and manifest of a run, the manifest last, and removes the clips that an earlier
/// manifest in the same place listed and this one does not; a run that cut none leaves them to the next one that does.
/// Gives the manifest as it was written.
///
/// # Errors
/// What the store or the file system says; called again, it goes on.
pub(crate) async fn deliver(store: &dyn ArtifactStore, out: &Path, mut manifest: Manifest) -> anyhow::Result<Manifest> {
    is_free(out, &manifest.episode)?;
    let folder = folder(out, &manifest.episode);
    let at = |path: &Path| format!("output {}", path.display());
    std::fs::create_dir_all(folder.join("clips")).with_context(|| at(&folder))?;
    let earlier: Vec<Manifest> = [MANIFEST, REPLACED].iter().filter_map(|name| read(&folder.join(name))).collect();
    let was = earlier.iter().flat_map(blobs).collect::<BTreeSet<_>>();
    for number in 0..manifest.clips.len() {
        let mut clip = manifest.clips[number].clone();
        clip.files = clip_files(&clip, &manifest);
        let is = blobs_of(&clip);
        for (path, key, bytes, digest) in &is {
            let target = folder.join(path);
            let there = was.contains(&(path.clone(), key.clone(), *bytes, digest.clone()))
                && target.metadata().is_ok_and(|file| file.len() == *bytes);
            if !there {
                store.download(key, &target).await.with_context(|| at(&target))?;
            }
        }
        if let (Some(files), Some(lines)) = (&clip.files, clip_lines(&clip, false)) {
            write(&folder.join(&files.subtitles), &lines)?;
            if let Some((target, lines)) = files.target_subtitles.as_ref().zip(clip_lines(&clip, true)) {
                write(&folder.join(target), &lines)?;
            }
        }
        manifest.clips[number] = clip;
    }
    let cuts = manifest.completeness.clips_ok + manifest.completeness.clips_failed > 0;
    if let Some(replaced) = earlier.iter().find(|earlier| !cuts && paths(earlier).next().is_some()) {
        write(&folder.join(REPLACED), &json(replaced)?)?;
    }
    write(&folder.join(PAGE), &pages::episode(&manifest))?;
    write(&folder.join(MANIFEST), &json(&manifest)?)?;
    if cuts {
        sweep(&folder, &earlier, &manifest).with_context(|| at(&folder))?;
    }
    Ok(manifest)
}

fn json(manifest: &Manifest) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(manifest).context("the manifest cannot be written as JSON")? + "\n")
}

/// Writes the page that lists a show's episodes, with those that could not be read and why. Writes none where nothing
/// was ever delivered of the show.
///
/// # Errors
/// What the file system says.
pub(crate) fn deliver_index(out: &Path, show: &str, unread: &[(EpisodeId, String)]) -> anyhow::Result<()> {
    let folder = out.join(folder_name(show));
    if !folder.exists() {
        return Ok(());
    }
    let mut episodes: Vec<Manifest> = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(|| format!("output {}", folder.display()))? {
        episodes.extend(read(&entry?.path().join(MANIFEST)));
    }
    write(&folder.join(PAGE), &pages::season(show, &episodes, unread))
}

/// A manifest of ours, `None` where there is none that this version understands.
fn read(path: &Path) -> Option<Manifest> {
    let bytes = std::fs::read(path).ok()?;
    serde_json::from_slice::<Manifest>(&bytes).ok().filter(|manifest| manifest.version <= MANIFEST_VERSION)
}

fn clip_files(clip: &ManifestClip, manifest: &Manifest) -> Option<ClipFiles> {
    clip.encoded.as_ref()?;
    let stem = format!("clips/{:02}-{}", clip.number, slug(&clip.expression));
    let translated = clip.cues.iter().any(|cue| cue.translation.is_some());
    Some(ClipFiles {
        video: format!("{stem}.mp4"),
        poster: format!("{stem}.jpg"),
        subtitles: format!("{stem}.{}.vtt", manifest.source_language),
        target_subtitles: translated.then(|| format!("{stem}.{}.vtt", manifest.language)),
    })
}

/// A delivered file, where it comes from, and what is in it.
type Delivered = (String, String, u64, String);

fn blobs(manifest: &Manifest) -> impl Iterator<Item = Delivered> {
    manifest.clips.iter().flat_map(blobs_of)
}

fn blobs_of(clip: &ManifestClip) -> Vec<Delivered> {
    let (Some(files), Some(encoded)) = (&clip.files, &clip.encoded) else { return Vec::new() };
    let of = |path: &String, name: &str| {
        let blob = encoded.blobs.get(name)?;
        Some((path.clone(), format!("clips/{}/{name}", clip.id), blob.bytes, blob.sha256.to_string()))
    };
    [of(&files.video, "clip.mp4"), of(&files.poster, "poster.jpg")].into_iter().flatten().collect()
}

fn paths(manifest: &Manifest) -> impl Iterator<Item = &String> {
    manifest.clips.iter().filter_map(|clip| clip.files.as_ref()).flat_map(|files| {
        [&files.video, &files.poster, &files.subtitles].into_iter().chain(files.target_subtitles.as_ref())
    })
}

fn sweep(folder: &Path, earlier: &[Manifest], now: &Manifest) -> io::Result<()> {
    let keep: BTreeSet<&String> = paths(now).collect();
    for path in earlier.iter().flat_map(paths).filter(|path| !keep.contains(path)) {
        // The manifest lies in a folder that anybody may write to.
        let ours = path.strip_prefix("clips/").is_some_and(|name| !name.is_empty() && !name.contains(['/', '\\']));
        if ours {
            remove(&folder.join(path))?;
        }
    }
    remove(&folder.join(REPLACED))
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a file whole or not at all.
fn write(path: &Path, content: &str) -> anyhow::Result<()> {
    let put = || -> io::Result<()> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().prefix(".incoming-").tempfile_in(dir)?;
        file.write_all(content.as_bytes())?;
        // Only its owner may read a temporary file; a page is for everybody.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        file.as_file().set_permissions(mode)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    put().with_context(|| format!("output {}", path.display()))
}

//! The sample, as `langflix ingest` would hand it in.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
};

use langflix_domain::{Digest, EpisodeId, SourceFile};
use langflix_llm::Identity;
use langflix_media::Ffmpeg;
use langflix_pipeline::RunRequest;
use langflix_ports::media::MediaProbe as _;
use langflix_subtitles::parse;

use crate::{episode::episode, program::Town};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const KEY: &str = "sources/the-long-way-home-s01e01.mkv";

/// The folder of the sample's one episode, built by the first test that asks for it.
fn season() -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample");
    fs::create_dir_all(&home).unwrap();
    let lock = File::create(home.join(".lock")).unwrap();
    lock.lock().unwrap();
    let season = home.join("The Long Way Home/S01");
    if !season.exists() {
        let built = Command::new(format!("{ROOT}/scripts/sample")).arg(&home).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    season
}

fn file(path: &Path) -> SourceFile {
    let content = fs::read(path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
    SourceFile { name, bytes: content.len() as u64, digest: Digest::of_bytes(&content) }
}

/// The sample's first episode with its Korean subtitles, its video in the bucket.
pub(crate) async fn asked(town: &Town) -> RunRequest {
    let season = season();
    let path = |end: &str| season.join(format!("The.Long.Way.Home.S01E01.{end}"));
    let text = |path: &Path| parse(path.to_str().unwrap(), &fs::read(path).unwrap()).unwrap().transcript;
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref()).unwrap();
    let uploaded = town.servers().store.upload_source(&path("mkv"), KEY, &|_| ()).await.unwrap();
    let mut asked = episode(1);
    asked.episode = EpisodeId { show: "The Long Way Home".to_owned(), season: 1, episode: 1 };
    asked.media = ffmpeg.probe(path("mkv").to_str().unwrap()).await.unwrap();
    asked.source = format!("s3://{}/{KEY}", town.s3.bucket);
    asked.source_identity = uploaded.stat.identity();
    asked.video = file(&path("mkv"));
    (asked.subtitles, asked.transcript) = (file(&path("srt")), text(&path("srt")));
    (asked.target_subtitles, asked.target_transcript) = (Some(file(&path("ko.srt"))), Some(text(&path("ko.srt"))));
    // The model that the workers are configured for.
    let model = Identity::of(&langflix_fleet::llm(&town.config().common.llm)).unwrap();
    (asked.settings.model_name, asked.settings.model) = (model.name, model.fingerprint);
    asked.settings.max_expressions = 3;
    asked.settings.encode.as_mut().unwrap().preset = "ultrafast".to_owned();
    asked
}

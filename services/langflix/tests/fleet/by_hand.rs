//! Runs that a test leads to their end, as the services do.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use langflix_domain::{Manifest, RunId, SourceRead, Stage};
use langflix_llm::Offline;
use langflix_media::Ffmpeg;
use langflix_pipeline::{
    Cutter, RunRequest, analyse_chunk, complete, encode_clip,
    fleet::{Survey, runs},
    outcomes, plan_analysis, plan_encoding,
};
use langflix_ports::media::{self, Opened, SourceAccess, Wanted};

use crate::servers::Fleet;

/// Sources of the bucket, which this machine has as well.
struct Here(PathBuf);

#[async_trait]
impl SourceAccess for Here {
    async fn open(&self, Wanted { source, .. }: Wanted<'_>) -> Result<Opened, media::Error> {
        assert!(source.starts_with("s3://"), "{source}");
        let location = self.0.to_str().unwrap().to_owned();
        Ok(Opened { location, read: SourceRead::InPlace, hold: None })
    }
}

/// All runs that were submitted.
pub(crate) async fn submitted(fleet: &Fleet) -> Vec<RunId> {
    runs(&fleet.store, &Survey::default()).await.unwrap().into_iter().collect()
}

/// What was asked for in a run.
pub(crate) async fn asked(fleet: &Fleet, run: &RunId) -> RunRequest {
    RunRequest::of(&fleet.store, run).await.unwrap().unwrap()
}

/// Does all the work of a run, whose video is `video`.
pub(crate) async fn finish(fleet: &Fleet, run: &RunId, video: &Path) -> Manifest {
    let (store, asked) = (&fleet.store, asked(fleet, run).await);
    let scratch = tempfile::tempdir().unwrap();
    let model = Offline::new(Some(Path::new(Offline::DEFAULT_WORDNET))).unwrap();
    let encoder = Ffmpeg::locate(std::env::var_os("PATH").as_deref()).unwrap();
    let sources = Here(video.to_owned());
    let analysis = plan_analysis(store, &asked).await.unwrap();
    for task in &analysis.tasks {
        assert_eq!(analyse_chunk(store, &model, &asked, task).await.unwrap(), None);
    }
    let chunks = outcomes(store, &asked.run().unwrap(), Stage::Analysis).await.unwrap();
    let encoding = plan_encoding(store, &asked, &analysis, &chunks).await.unwrap();
    let cutter = Cutter { encoder: &encoder, sources: &sources, scratch: scratch.path(), footage: None };
    for task in encoding.tasks.iter().filter(|task| task.clip.is_some()) {
        assert_eq!(encode_clip(store, cutter, &asked, task, &|_| {}).await.unwrap(), None);
    }
    complete(store, &asked, &analysis, &encoding).await.unwrap()
}

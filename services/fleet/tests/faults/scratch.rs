//! A disk that is full while a source is copied to it.

use std::fs;

use langflix_domain::MediaTime;

use crate::{
    episode::episode,
    role::{COPIES, Role},
    small::Small,
    town::Town,
};

const KEY: &str = "sources/show.mkv";
const FILM: usize = 40 << 20;

#[tokio::test]
async fn a_disk_that_is_full_in_the_middle_of_a_copy_costs_time_alone() {
    // Room for a clip beside the filler, and for the film without it.
    let Some(small) = Small::mount(96) else {
        eprintln!("SKIPPED: only root may mount a small file system");
        return;
    };
    let filler = small.fill("filler", 60);
    let (mut town, mut asked) = (Town::new().await, episode(1));
    town.more.push(("LANGFLIX__FLEET__SCRATCH_DIR".to_owned(), small.path().to_str().unwrap().to_owned()));
    town.more.push((COPIES.to_owned(), "yes".to_owned()));
    let (film, store) = (tempfile::NamedTempFile::new().unwrap(), town.servers().store);
    fs::write(film.path(), vec![7; FILM]).unwrap();
    asked.source = format!("s3://{}/{KEY}", town.s3.bucket);
    asked.source_identity = store.upload_source(film.path(), KEY, &|_| ()).await.unwrap().stat.identity();
    asked.media.bytes = FILM as u64;
    // Whoever reads it by ranges begins far before each clip.
    asked.media.keyframe_interval = Some(MediaTime::from_secs(100));

    let running = town.start(Role::ALL);
    town.submit(&asked).await;
    town.waits("encoding.bulk.v1").await;
    assert_eq!(town.encoded(), [""; 0], "nothing has come of a copy that is none");
    fs::remove_file(filler).unwrap();
    let clips = town.ends_well(running, &[asked]).await;
    town.encoded_once(clips);
}

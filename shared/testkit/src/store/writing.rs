use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use futures::future::{join, join_all};
use langflix_ports::store::{ArtifactStore, Error, Put};

use super::{Folder, clear, must};

const WRITERS: u8 = 16;
/// A race shows by chance only.
const ROUNDS: usize = 8;

#[track_caller]
fn the_winner(puts: Vec<Result<Put, Error>>) -> usize {
    let puts: Vec<Put> = puts.into_iter().map(must).collect();
    let winners: Vec<usize> = (0..puts.len()).filter(|&at| puts[at] == Put::Created).collect();
    assert_eq!(winners.len(), 1, "exactly one writer is told that it created the key: {puts:?}");
    winners[0]
}

pub(super) async fn of_sixteen_writers_one_wins(store: &dyn ArtifactStore) {
    let contents: Vec<Vec<u8>> = (0..WRITERS).map(|n| vec![n; 1000 + usize::from(n)]).collect();
    for round in 0..ROUNDS {
        let key = format!("contract/race/{round}/plan.json");
        let puts = join_all(contents.iter().map(|content| store.put_if_absent(&key, content))).await;
        let winner = the_winner(puts);
        assert!(must(store.get(&key).await).as_ref() == Some(&contents[winner]), "{key} holds what the winner wrote");
    }
    clear(store).await;
}

pub(super) async fn of_sixteen_files_one_wins_and_none_is_seen_in_part(store: &dyn ArtifactStore) {
    const SIZE: usize = 1 << 20;
    let (folder, key) = (Folder::new(), "contract/files/clip.mp4");
    let files: Vec<PathBuf> = (0..WRITERS).map(|n| folder.file(&format!("{n}"), &vec![n; SIZE])).collect();
    let written = AtomicBool::new(false);
    let write = async {
        let puts = join_all(files.iter().map(|file| store.put_file_if_absent(key, file))).await;
        written.store(true, Ordering::Release);
        puts
    };
    let read = async {
        loop {
            let last = written.load(Ordering::Acquire);
            let seen = must(store.get(key).await);
            if let Some(seen) = &seen {
                assert_eq!(seen.len(), SIZE, "a part of {key} is seen");
                assert!(seen.iter().all(|byte| *byte == seen[0]), "{key} is mixed from two writers");
            }
            if last {
                break seen;
            }
            tokio::task::yield_now().await;
        }
    };
    let (puts, seen) = join(write, read).await;
    let winner = the_winner(puts);
    assert_eq!(seen.map(|seen| usize::from(seen[0])), Some(winner), "{key} holds the winner's file");
    clear(store).await;
}

pub(super) async fn a_key_that_exists_is_left_alone(store: &dyn ArtifactStore) {
    let (folder, key) = (Folder::new(), "contract/first/a");
    let file = folder.file("a", b"the file");
    assert_eq!(must(store.put_if_absent(key, b"the first").await), Put::Created);
    assert_eq!(must(store.put_if_absent(key, b"the second").await), Put::Exists);
    assert_eq!(must(store.put_file_if_absent(key, &file).await), Put::Exists);
    assert_eq!(must(store.get(key).await).as_deref(), Some(&b"the first"[..]));
    clear(store).await;
}

pub(super) async fn an_artifact_is_a_copy_of_its_file(store: &dyn ArtifactStore) {
    let (folder, key) = (Folder::new(), "contract/copy/a");
    let file = folder.file("given", b"as it was");
    assert_eq!(must(store.put_file_if_absent(key, &file).await), Put::Created);
    assert_eq!(folder.content("given"), b"as it was", "the file stays where it is");
    must(store.download(key, &folder.path("taken")).await);
    for name in ["given", "taken"] {
        // Written in place and not replaced: a link would show.
        fs::write(folder.path(name), b"edited").unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    assert_eq!(must(store.get(key).await).as_deref(), Some(&b"as it was"[..]));
    clear(store).await;
}

pub(super) async fn a_file_that_is_missing_makes_no_artifact(store: &dyn ArtifactStore) {
    let (folder, key) = (Folder::new(), "contract/missing/a");
    let error = store.put_file_if_absent(key, &folder.path("nowhere")).await.err();
    let message = error.map(|error| error.message).unwrap_or_default();
    assert!(message.contains("nowhere"), "the error names the file that is missing: {message:?}");
    assert_eq!(must(store.get(key).await), None);
    assert_eq!(must(store.list("contract/").await), [""; 0]);
}

pub(super) async fn a_deleted_key_is_gone_and_may_be_written_again(store: &dyn ArtifactStore) {
    let key = "contract/deleted/a";
    must(store.delete(key).await);
    must(store.put_if_absent(key, b"once").await);
    must(store.delete(key).await);
    must(store.delete(key).await);
    assert_eq!(must(store.get(key).await), None);
    assert_eq!(must(store.list("contract/").await), [""; 0]);
    assert_eq!(must(store.put_if_absent(key, b"again").await), Put::Created);
    assert_eq!(must(store.get(key).await).as_deref(), Some(&b"again"[..]));
    clear(store).await;
}

//! What every artifact store does, whatever it stands on.

use std::{fs, path::PathBuf};

use langflix_ports::store::{ArtifactStore, Error, ErrorKind};
use tempfile::TempDir;

mod keys;
mod reading;
mod writing;

/// Holds an empty `store` to all that [`ArtifactStore`] promises, and leaves it empty.
///
/// # Panics
/// Where the store breaks a promise.
pub async fn store_contract(store: &dyn ArtifactStore) {
    writing::of_sixteen_writers_one_wins(store).await;
    writing::of_sixteen_files_one_wins_and_none_is_seen_in_part(store).await;
    writing::a_key_that_exists_is_left_alone(store).await;
    writing::an_artifact_is_a_copy_of_its_file(store).await;
    writing::a_file_that_is_missing_makes_no_artifact(store).await;
    writing::a_deleted_key_is_gone_and_may_be_written_again(store).await;
    reading::a_key_that_does_not_exist_is_told_apart_from_a_failure(store).await;
    reading::a_download_is_whole_and_replaces_what_is_there(store).await;
    reading::empty_and_large_values_come_back_as_they_were(store).await;
    reading::keys_are_listed_by_prefix_in_the_order_of_their_bytes(store).await;
    reading::a_list_is_longer_than_a_page(store).await;
    keys::names_that_leave_the_store_are_refused(store).await;
    keys::a_key_is_text_and_no_url(store).await;
    keys::a_name_between_slashes_is_no_key(store).await;
    assert_eq!(must(store.list("").await), [""; 0], "every key is deleted");
}

#[track_caller]
fn must<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{error} ({:?})", error.kind))
}

#[track_caller]
fn kind<T: std::fmt::Debug>(result: Result<T, Error>, of: &str) -> ErrorKind {
    match result {
        Ok(done) => panic!("{of:?} gives {done:?} and no error"),
        Err(error) => error.kind,
    }
}

async fn clear(store: &dyn ArtifactStore) {
    for key in must(store.list("contract/").await) {
        must(store.delete(&key).await);
    }
}

/// A folder for local files, gone when dropped.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap_or_else(|error| panic!("no folder for local files: {error}")))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    fn content(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap_or_else(|error| panic!("{error}")).flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

use futures::{StreamExt as _, stream};
use langflix_ports::store::{ArtifactStore, ErrorKind, Put};

use super::{Folder, clear, kind, must};

/// S3 lists at most a thousand keys at once.
const PAGE: usize = 1000;

pub(super) async fn a_key_that_does_not_exist_is_told_apart_from_a_failure(store: &dyn ArtifactStore) {
    let (folder, key) = (Folder::new(), "contract/absent/a");
    let kept = folder.file("kept", b"from before");
    assert_eq!(must(store.get(key).await), None);
    assert_eq!(kind(store.download(key, &kept).await, key), ErrorKind::NotFound);
    assert_eq!(kind(store.download(key, &folder.path("new")).await, key), ErrorKind::NotFound);
    assert_eq!(folder.names(), ["kept"], "nothing is written for a key that does not exist");
    assert_eq!(folder.content("kept"), b"from before");
}

pub(super) async fn a_download_is_whole_and_replaces_what_is_there(store: &dyn ArtifactStore) {
    let (folder, key) = (Folder::new(), "contract/download/a");
    must(store.put_if_absent(key, b"short").await);
    folder.file("old", b"something longer than the artifact");
    for name in ["old", "new"] {
        must(store.download(key, &folder.path(name)).await);
        assert_eq!(folder.content(name), b"short");
    }
    assert_eq!(folder.names().len(), 2, "nothing is left behind: {:?}", folder.names());
    clear(store).await;
}

pub(super) async fn empty_and_large_values_come_back_as_they_were(store: &dyn ArtifactStore) {
    let folder = Folder::new();
    let large: Vec<u8> = (0..8u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, content) in [("empty", &[][..]), ("large", &large)] {
        let (key, of_file) = (format!("contract/size/{name}"), format!("contract/size/{name}-file"));
        let file = folder.file(name, content);
        assert_eq!(must(store.put_if_absent(&key, content).await), Put::Created);
        assert_eq!(must(store.put_file_if_absent(&of_file, &file).await), Put::Created);
        for key in [key, of_file] {
            assert!(must(store.get(&key).await).as_deref() == Some(content), "{key} reads as it was written");
            must(store.download(&key, &folder.path("taken")).await);
            assert!(folder.content("taken") == content, "{key} is downloaded as it was written");
            assert_eq!(must(store.put_if_absent(&key, b"other").await), Put::Exists);
        }
    }
    clear(store).await;
}

pub(super) async fn keys_are_listed_by_prefix_in_the_order_of_their_bytes(store: &dyn ArtifactStore) {
    let sorted = ["a-b/c", "a.json", "a/b-c", "a/b.json", "a/c/d", "a0", "b"].map(|key| format!("contract/{key}"));
    for key in sorted.iter().rev() {
        must(store.put_if_absent(key, key.as_bytes()).await);
        // A name that only deleted keys had is not listed.
        must(store.put_if_absent(&format!("{key}-deleted/x"), b"").await);
        must(store.delete(&format!("{key}-deleted/x")).await);
    }
    let begins = |prefix: &str| sorted.iter().filter(|key| key.starts_with(prefix)).cloned().collect::<Vec<_>>();
    for prefix in ["", "contract/", "contract", "contract/a", "contract/a/", "contract/a/b", "contract/a/c/", "con"] {
        assert_eq!(must(store.list(prefix).await), begins(prefix), "{prefix:?}");
        let contents = begins(prefix).into_iter().map(|key| (key.clone(), key.into_bytes())).collect::<Vec<_>>();
        assert_eq!(must(store.get_all(prefix).await), contents, "{prefix:?}");
    }
    for nothing in ["contract/c", "contract/b/", "contract/a/b/", "nowhere/at/all/"] {
        assert_eq!(must(store.list(nothing).await), [""; 0], "{nothing:?}");
    }
    clear(store).await;
}

pub(super) async fn a_list_is_longer_than_a_page(store: &dyn ArtifactStore) {
    let keys: Vec<String> = (0..=PAGE).map(|n| format!("contract/page/{n:04}")).collect();
    stream::iter(&keys)
        .for_each_concurrent(32, |key| async { assert_eq!(must(store.put_if_absent(key, b"x").await), Put::Created) })
        .await;
    assert!(must(store.list("contract/page/").await) == keys, "all {} keys are listed", keys.len());
    stream::iter(&keys).for_each_concurrent(32, |key| async { must(store.delete(key).await) }).await;
}

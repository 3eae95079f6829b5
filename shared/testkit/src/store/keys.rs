use langflix_ports::store::{ArtifactStore, ErrorKind, Put};

use super::{Folder, clear, kind, must};

/// Names that are no key of any store: they leave it, or mean different things to different stores.
const REFUSED: [&str; 18] = [
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    "//a",
    ".",
    "..",
    "../x",
    "a/..",
    "a/../b",
    "a/../../b",
    "a/./b",
    "a\\b",
    "..\\x",
    "a\0b",
    "\0",
    "a/b\\..\\c",
];

pub(super) async fn names_that_leave_the_store_are_refused(store: &dyn ArtifactStore) {
    let folder = Folder::new();
    let file = folder.file("given", b"x");
    let (too_long, long_part) = ("abc/".repeat(300) + "x", format!("contract/{}", "x".repeat(256)));
    for key in REFUSED.into_iter().chain([too_long.as_str(), long_part.as_str()]) {
        let kinds = [
            kind(store.put_if_absent(key, b"x").await, key),
            kind(store.put_file_if_absent(key, &file).await, key),
            kind(store.get(key).await, key),
            kind(store.download(key, &folder.path("taken")).await, key),
            kind(store.delete(key).await, key),
        ];
        assert_eq!(kinds, [ErrorKind::InvalidKey; 5], "{key:?}");
    }
    for prefix in ["/", "/etc/", "../", "a/../", "a/../b", "a//", "a\\b", "a\0", too_long.as_str()] {
        assert_eq!(kind(store.list(prefix).await, prefix), ErrorKind::InvalidKey, "{prefix:?}");
    }
    assert_eq!(folder.names(), ["given"]);
}

pub(super) async fn a_key_is_text_and_no_url(store: &dyn ArtifactStore) {
    let longest_part = "가".repeat(85);
    let names = [
        " ",
        "%20",
        "+",
        "%2F",
        "%",
        "a b",
        "a?b=c&d#e",
        "a;b@c:d,e!f$g",
        "*'\"<>|~^`()[]{}",
        "쇼-s01e01-0f3a",
        "الحلقة",
        "第一話",
        "🎬",
        // One and two code points for what looks the same.
        "caf\u{e9}",
        "cafe\u{301}",
        "Case",
        "case",
        &longest_part,
    ];
    let mut keys = names.map(|name| format!("contract/text/{name}"));
    for key in &keys {
        assert_eq!(must(store.put_if_absent(key, key.as_bytes()).await), Put::Created, "{key}");
    }
    keys.sort();
    assert_eq!(must(store.list("contract/text/").await), keys);
    for key in &keys {
        assert_eq!(must(store.get(key).await).as_deref(), Some(key.as_bytes()), "{key}");
        assert_eq!(must(store.list(key).await).first(), Some(key));
    }
    clear(store).await;
}

pub(super) async fn a_name_between_slashes_is_no_key(store: &dyn ArtifactStore) {
    let (folder, key) = (Folder::new(), "contract/between/a/b");
    must(store.put_if_absent(key, b"x").await);
    for other in ["contract", "contract/between", "contract/between/a", "contract/between/a/b/c"] {
        assert_eq!(must(store.get(other).await), None, "{other}");
        assert_eq!(kind(store.download(other, &folder.path("taken")).await, other), ErrorKind::NotFound, "{other}");
        must(store.delete(other).await);
    }
    assert_eq!(must(store.get(key).await).as_deref(), Some(&b"x"[..]), "{key} outlives them");
    clear(store).await;
}

use std::sync::Arc;

use langflix_ports::store::ArtifactStore as _;
use langflix_testkit::cache::MemoryCache;
use metrics_exporter_prometheus::PrometheusBuilder;

use crate::support::{settings, store};

/// More than one page of a list.
const MANY: usize = 1_100;

fn wanted() -> Vec<(String, Vec<u8>)> {
    (0..MANY).map(|n| (format!("outcomes/{n:04}"), format!("content {n}").into_bytes())).collect()
}

#[tokio::test]
async fn many_are_read_from_copies_with_nothing_but_lists() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let cache = Arc::new(MemoryCache::default());
    let store = store(&settings().await).with_copies(cache.clone());
    for (key, content) in wanted() {
        store.put_if_absent(&key, &content).await.unwrap();
    }
    assert_eq!(cache.values().len(), MANY);
    assert!(store.get_all("outcomes/").await.unwrap() == wanted());
    let told = recorder.handle().render();
    assert!(told.contains(r#"{operation="list_objects",outcome="ok"} 2"#), "{told}");
    assert!(!told.contains("get_object"), "{told}");
}

#[tokio::test]
async fn a_copy_that_is_lost_or_of_other_content_does_not_count() {
    let cache = Arc::new(MemoryCache::default());
    let store = store(&settings().await).with_copies(cache.clone());
    for (key, content) in wanted().iter().take(3) {
        store.put_if_absent(key, content).await.unwrap();
    }
    let name = cache.values().keys().next().unwrap().clone();
    cache.values().remove(&name);
    *cache.values().first_entry().unwrap().get_mut() = b"of somebody else".to_vec();
    assert_eq!(store.get_all("outcomes/").await.unwrap(), wanted()[..3]);
}

#[tokio::test]
async fn a_writer_that_lost_leaves_no_copy_that_counts() {
    let cache = Arc::new(MemoryCache::default());
    let store = store(&settings().await).with_copies(cache.clone());
    store.put_if_absent("raced", b"first").await.unwrap();
    store.put_if_absent("raced", b"second").await.unwrap();
    assert_eq!(store.get_all("").await.unwrap(), [("raced".to_owned(), b"first".to_vec())]);
}

#[tokio::test]
async fn large_artifacts_are_not_copied_and_read_all_the_same() {
    let cache = Arc::new(MemoryCache::default());
    let store = store(&settings().await).with_copies(cache.clone());
    let large = vec![7; 100_000];
    store.put_if_absent("large", &large).await.unwrap();
    assert!(cache.values().is_empty());
    assert!(store.get_all("").await.unwrap() == [("large".to_owned(), large)]);
}

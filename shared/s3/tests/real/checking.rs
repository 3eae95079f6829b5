use langflix_ports::store::{ArtifactStore as _, ErrorKind};

use crate::{
    proxy::{Act, Proxy},
    support::{settings, store},
};

#[tokio::test]
async fn a_store_that_can_be_used_tells_its_name_and_the_time_and_keeps_no_trace() {
    let store = store(&settings().await);
    let check = store.check().await.unwrap();
    assert!(check.clock_ahead_seconds.is_some_and(|ahead| ahead.abs() <= 2), "{check:?}");
    assert_eq!(store.list("").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn an_s3_that_overwrites_what_must_be_absent_is_refused() {
    let overwrites = |request: &crate::proxy::Request| match request.is("PUT") {
        true => Act::Answer(200, ""),
        false => Act::Pass,
    };
    let (_proxy, settings) = Proxy::before(&settings().await, overwrites).await;
    let error = store(&settings).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.to_string().contains("does not honour conditional writes"), "{error}");
}

#[tokio::test]
async fn each_permission_that_is_missing_is_found() {
    for method in ["HEAD", "PUT", "GET /", "DELETE"] {
        let denies = move |request: &crate::proxy::Request| match request.is(method) {
            true => Act::Answer(403, "AccessDenied"),
            false => Act::Pass,
        };
        let (_proxy, settings) = Proxy::before(&settings().await, denies).await;
        let error = store(&settings).check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{method}: {error}");
        assert!(error.to_string().contains("check the keys and their permissions"), "{method}: {error}");
    }
}

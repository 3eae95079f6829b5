//! What becomes of copies where a clip has no room.

use std::{fs, path::Path, sync::Arc};

use langflix_domain::{ClipSpec, EncodedClip, FailureKind, Span};
use langflix_encoding_worker::MakesRoom;
use langflix_local::Scratch;
use langflix_ports::media::{ClipEncoder, Error, Source};
use langflix_testkit::video::Recipe;

use crate::place::{Place, spec};

/// Fails in one way.
struct Failing(FailureKind, bool);

#[async_trait::async_trait]
impl ClipEncoder for Failing {
    async fn encode(
        &self,
        _: Source<'_>,
        _: &ClipSpec,
        _: &Path,
        _: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error> {
        Err(Error { kind: self.0, transient: self.1, fault: None, message: "no".to_owned() })
    }
}

#[tokio::test]
async fn a_clip_without_room_lets_go_of_the_copies_that_nobody_holds() {
    let place = Place::with(&Recipe::long_gop()).await;
    let scratch = Scratch::open(place.dir.path(), u64::MAX).unwrap();
    for (kind, transient, lets_go) in [
        (FailureKind::Store, false, true),
        (FailureKind::Store, true, false),
        (FailureKind::Encoder, false, false),
        (FailureKind::Input, false, false),
    ] {
        let copy = async |name| scratch.hold(name, 10, |path| async { fs::write(path, [0; 10]) }).await.unwrap();
        drop(copy("idle").await);
        let held = copy("held").await;
        let encoder = MakesRoom::new(Arc::new(Failing(kind, transient)), scratch.clone());
        let source = Source { location: "film", info: &place.info };
        let scene = Span::from_millis(6200, 7400);
        let error = encoder.encode(source, &spec(scene), place.dir.path(), &|_| ()).await.unwrap_err();
        assert_eq!((error.kind, error.transient), (kind, transient));
        assert_eq!(scratch.get("idle").is_none(), lets_go, "{kind:?}, transient: {transient}");
        assert!(scratch.get("held").is_some() && held.path().exists());
    }
}

//! A bucket with a film in it, and what a worker makes of that.

use std::{
    num::NonZeroU8,
    path::{Path, PathBuf},
    sync::Arc,
};

use langflix_domain::{ClipSpec, CutMethod, EncodeSpec, EncodedClip, Footage, MediaInfo, MediaTime, Span, VideoCodec};
use langflix_encoding_worker::S3Sources;
use langflix_local::Scratch;
use langflix_media::Ffmpeg;
use langflix_ports::media::{ClipEncoder as _, Error, MediaProbe as _, Opened, Source, Wanted};
use langflix_s3::{Credentials, S3Store, Settings, Timeouts};
use langflix_testkit::{
    servers::{self, S3},
    video::{self, Recipe},
};

/// A key that takes encoding in a URL.
pub(crate) const KEY: &str = "shows/The Show & more/01+ü.film";

pub(crate) struct Place {
    pub(crate) s3: S3,
    /// The film as a file of this machine, and what is known of it.
    pub(crate) film: PathBuf,
    pub(crate) info: MediaInfo,
    /// The film in the bucket.
    pub(crate) source: String,
    pub(crate) identity: String,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) fn ffmpeg() -> Ffmpeg {
    Ffmpeg::locate(std::env::var_os("PATH").as_deref()).unwrap()
}

pub(crate) fn film(recipe: &Recipe) -> PathBuf {
    video::build(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("videos"), recipe)
}

impl Place {
    /// The film lies in the bucket.
    pub(crate) async fn with(recipe: &Recipe) -> Self {
        let (s3, film) = (servers::s3().await, film(recipe));
        let info = ffmpeg().probe(film.to_str().unwrap()).await.unwrap();
        let source = format!("s3://{}/{KEY}", s3.bucket);
        let dir = tempfile::tempdir().unwrap();
        let mut place = Self { s3, film, info, source, identity: String::new(), dir };
        place.identity = place.store(None).upload_source(&place.film, KEY, &|_| ()).await.unwrap().stat.identity();
        place
    }

    /// The bucket, by way of this endpoint where there is one.
    pub(crate) fn settings(&self, endpoint: Option<&str>) -> Settings {
        Settings {
            endpoint: Some(endpoint.unwrap_or(&self.s3.endpoint).to_owned()),
            bucket: self.s3.bucket.clone(),
            region: self.s3.region.clone(),
            path_style: true,
            credentials: Credentials {
                access_key: self.s3.access_key.clone(),
                secret_key: self.s3.secret_key.clone(),
                session_token: None,
            },
            ca_pem: None,
            timeouts: Timeouts::default(),
        }
    }

    pub(crate) fn store(&self, endpoint: Option<&str>) -> S3Store {
        S3Store::new(self.settings(endpoint)).unwrap()
    }

    /// Sources with so much room for copies.
    pub(crate) fn sources(&self, endpoint: Option<&str>, room: u64) -> S3Sources {
        let scratch = Scratch::open(self.dir.path(), room).unwrap();
        S3Sources::new(Arc::new(self.store(endpoint)), self.s3.bucket.clone(), scratch)
    }

    /// The film, of which a run cuts clips of so many seconds together.
    pub(crate) fn wanted(&self, seconds: i64) -> Wanted<'_> {
        let footage = Footage { clips: 1, length: MediaTime::from_secs(seconds) };
        Wanted { source: &self.source, identity: &self.identity, info: &self.info, footage }
    }

    /// Cuts a clip from what was opened.
    pub(crate) async fn cut(&self, ffmpeg: &Ffmpeg, opened: &Opened) -> Result<EncodedClip, Error> {
        self.cut_at(ffmpeg, &opened.location, Span::from_millis(6200, 7400)).await
    }

    pub(crate) async fn cut_at(&self, ffmpeg: &Ffmpeg, location: &str, scene: Span) -> Result<EncodedClip, Error> {
        let dir = tempfile::tempdir().unwrap();
        let made = ffmpeg.encode(Source { location, info: &self.info }, &spec(scene), dir.path(), &|_| ()).await?;
        assert!(dir.path().join("clip.mp4").exists());
        Ok(made)
    }

    /// The clip as it is cut from the file.
    pub(crate) async fn clip_of_the_file(&self) -> EncodedClip {
        self.cut_at(&ffmpeg(), self.film.to_str().unwrap(), Span::from_millis(6200, 7400)).await.unwrap()
    }
}

/// The clip of a scene, with all that is read for one: the silence around it, its loudness, its picture.
pub(crate) fn spec(scene: Span) -> ClipSpec {
    let encode = EncodeSpec {
        codec: VideoCodec::Libx264,
        method: CutMethod::Reencode,
        preset: "veryfast".to_owned(),
        crf: 23,
        threads: NonZeroU8::MIN,
        normalize_loudness: true,
    };
    let reach = MediaTime::from_millis(500);
    ClipSpec {
        source: "film".to_owned(),
        scene,
        bounds: Span { start: scene.start - reach, end: scene.end + reach },
        audio_language: None,
        encode,
        burn: None,
    }
}

/// Holds that a failure tells no part of a signed URL, in one line.
pub(crate) fn tells_no_url(error: &Error) {
    let message = &error.message;
    assert!(!message.contains("X-Amz") && !message.contains("Signature") && !message.contains('?'), "{message}");
    assert!(!message.contains('\n'), "{message}");
}

//! What a source is, and clips cut from it.

use std::path::Path;

use async_trait::async_trait;
use langflix_domain::{ClipSpec, EncodedClip, FailureKind, Footage, GpuState, MediaInfo, SourceRead};

/// Reads sources.
#[async_trait]
pub trait MediaProbe: Send + Sync {
    /// Streams, duration and frame rate of the video at `source` (a path, or a URL of the store).
    ///
    /// # Errors
    /// [`FailureKind::Input`] where it is no readable video with a picture.
    async fn probe(&self, source: &str) -> Result<MediaInfo, Error>;

    /// The text subtitle track `track` (its position among all streams) of `source` as an SRT or ASS file.
    ///
    /// # Errors
    /// [`FailureKind::Input`] where the track is missing or holds pictures instead of text.
    async fn extract_subtitles(&self, source: Source<'_>, track: u32) -> Result<Vec<u8>, Error>;
}

/// A video to read from. There is no `Debug`, since a presigned URL is for no log.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Where it is: a path, or a URL of the store.
    pub location: &'a str,
    /// What is known of it, from a probe of the same bytes.
    pub info: &'a MediaInfo,
}

/// A source that a clip is to be cut from.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where it is: a path, or `s3://bucket/key`.
    pub source: &'a str,
    /// Identity of the bytes that the run was made from.
    pub identity: &'a str,
    /// What is known of it.
    pub info: &'a MediaInfo,
    /// All that the run cuts from it, as far as that is known.
    pub footage: Footage,
}

/// Makes sources readable for an encoder.
#[async_trait]
pub trait SourceAccess: Send + Sync {
    /// Opens a source.
    ///
    /// # Errors
    /// [`FailureKind::Input`] where it is not there or was changed, [`FailureKind::Store`] where it cannot be read or
    /// copied now.
    async fn open(&self, wanted: Wanted<'_>) -> Result<Opened, Error>;

    /// Closes a source after a clip was cut from it.
    ///
    /// # Errors
    /// As [`Self::open`], where it may have been changed since: the clip is to be thrown away.
    async fn close(&self, _wanted: Wanted<'_>, _opened: Opened) -> Result<(), Error> {
        Ok(())
    }
}

/// A source that can be read.
pub struct Opened {
    /// What [`Source::location`] takes.
    pub location: String,
    /// How it is read.
    pub read: SourceRead,
    /// What keeps it readable until it is closed or dropped.
    pub hold: Option<Box<dyn Send + Sync>>,
}

/// Cuts clips.
#[async_trait]
pub trait ClipEncoder: Send + Sync {
    /// Cuts the clip of `spec` from `source` into the empty folder `dir`: the files named by
    /// [`EncodedClip::blobs`] and nothing else. `progress` is told which part of the clip is encoded, 0 to 1; at 1
    /// nothing is left but to put the file in order and to look at it.
    ///
    /// Dropping the future kills every child process.
    ///
    /// # Errors
    /// See [`Error`]; whatever was written is to be thrown away.
    async fn encode(
        &self,
        source: Source<'_>,
        spec: &ClipSpec,
        dir: &Path,
        progress: &(dyn Fn(f32) + Send + Sync),
    ) -> Result<EncodedClip, Error>;
}

/// Why a source cannot be read or a clip not be cut.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What sort of failure.
    pub kind: FailureKind,
    /// Whether another try may succeed.
    pub transient: bool,
    /// What an encoder's failure tells beyond this clip; `None` where it tells nothing, or another part failed.
    pub fault: Option<EncoderFault>,
    /// What, where and what to do, in one line.
    pub message: String,
}

/// What an encoder's failure tells of the encoder, its device, or this input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncoderFault {
    /// The driver opens no further session now: its limit for the whole system is reached, or its memory is full.
    NoSession,
    /// The device's memory is full.
    OutOfMemory,
    /// The device has no such encoder.
    NoEncoder,
    /// There is no driver, no device, or a driver in two versions.
    NoDriver,
    /// The driver's part for video is not there: a container without the capability `video`.
    NoVideoCapability,
    /// The driver is older than ffmpeg needs.
    DriverTooOld,
    /// The device stopped answering: it fell off the bus, or must be reset.
    Lost,
    /// This encoder takes no such picture or setting; another one may.
    Input,
}

impl EncoderFault {
    /// Its name in measures.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoSession => "no_session",
            Self::OutOfMemory => "out_of_memory",
            Self::NoEncoder => "no_encoder",
            Self::NoDriver => "no_driver",
            Self::NoVideoCapability => "no_video_capability",
            Self::DriverTooOld => "driver_too_old",
            Self::Lost => "lost",
            Self::Input => "input",
        }
    }

    /// The state of a GPU, or of a slice of one, that does not encode for this reason.
    pub fn gpu_state(self, slice: bool) -> GpuState {
        match self {
            Self::OutOfMemory => GpuState::OutOfMemory,
            Self::NoDriver => GpuState::NoDriver,
            Self::NoVideoCapability => GpuState::NoVideoCapability,
            Self::DriverTooOld => GpuState::DriverTooOld,
            Self::Lost => GpuState::Lost,
            Self::NoEncoder | Self::NoSession | Self::Input if slice => GpuState::MigSlice,
            Self::NoEncoder | Self::NoSession | Self::Input => GpuState::NoEncoder,
        }
    }

    /// Whether it is the device's or its driver's, whatever is encoded.
    pub fn is_of_device(self) -> bool {
        self != Self::Input
    }
}

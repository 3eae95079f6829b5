//! Where reading must begin so that the frame at a cut can be decoded.

use langflix_domain::{Digest, MediaInfo, MediaTime};
use langflix_ports::media::Error;

use crate::{
    args,
    packets::{self, Packet},
    runner::{self, Ffmpeg, Limits},
};

/// Containers with an index of keyframes: seeking there always ends at one before the time asked for. In the others it
/// ends anywhere, and nothing can be decoded until the next keyframe comes, which may be seconds behind the cut.
const INDEXED: [&str; 3] = ["matroska", "mov", "avi"];
/// How far back a keyframe is looked for, in seconds, step by step.
const STEPS: [i64; 4] = [2, 8, 32, 128];
/// Decoders get some packets before the keyframe, since clocks of streams and containers differ a little.
const MARGIN: MediaTime = MediaTime::from_millis(500);

/// Raised when it is looked for otherwise than before.
const VERSION: u32 = 1;

impl Ffmpeg {
    /// How far before `start` reading has to begin. `identity` names the source's bytes.
    pub(crate) async fn lead(
        &self,
        source: &str,
        identity: &str,
        info: &MediaInfo,
        start: MediaTime,
    ) -> Result<MediaTime, Error> {
        if info.container.split(',').any(|name| INDEXED.contains(&name)) {
            return Ok(MediaTime::ZERO);
        }
        let Some(cache) = &self.cache else { return self.look(source, info, start).await };
        let key = format!("lead/{VERSION}/{}/{}", Digest::of_bytes(identity.as_bytes()), start.as_millis());
        if let Ok(Some(bytes)) = cache.get(&key).await
            && let Ok(lead) = serde_json::from_slice(&bytes)
        {
            return Ok(lead);
        }
        let lead = self.look(source, info, start).await?;
        if let Ok(bytes) = serde_json::to_vec(&lead) {
            // Without the cache it is looked for again the next time, and that is all.
            let _without = cache.put(&key, &bytes, None).await;
        }
        Ok(lead)
    }

    async fn look(&self, source: &str, info: &MediaInfo, start: MediaTime) -> Result<MediaTime, Error> {
        for back in STEPS.map(MediaTime::from_secs) {
            if back >= start {
                break;
            }
            let stretch = packets::stretch(info.start_time + start - back, info.start_time + start);
            let args = args::packets(self.input(source), info.video.index, &stretch);
            let listed = runner::run(&self.ffprobe, &args, None, &Limits::SHORT, None).await?;
            if let Some(lead) = lead(&packets::read(&listed.stdout), info.start_time + start) {
                return Ok(lead.min(start));
            }
        }
        Ok(start)
    }
}

/// From the last keyframe that is not behind `start`, with a margin.
fn lead(packets: &[Packet], start: MediaTime) -> Option<MediaTime> {
    let keys = packets.iter().filter(|packet| packet.key && packet.at <= start).map(|packet| packet.at);
    keys.max().map(|key| start - key + MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_begins_a_little_before_the_last_keyframe_in_front_of_the_cut() {
        let packet = |ms, key| Packet { at: MediaTime::from_millis(ms), key };
        let packets = [packet(100, true), packet(900, false), packet(1000, true), packet(1500, true)];
        assert_eq!(lead(&packets, MediaTime::from_millis(1400)), Some(MediaTime::from_millis(900)));
        assert_eq!(lead(&packets[1..2], MediaTime::from_millis(1400)), None);
    }
}

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How quickly a season goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeasonPace {
    /// The show as keys write it.
    pub show: String,
    /// The season.
    pub season: u16,
    /// Chunks analysed a minute, lately; null before there is anything to go by.
    pub chunks_a_minute: Option<f64>,
    /// Clips encoded a minute, lately; null before there is anything to go by.
    pub clips_a_minute: Option<f64>,
    /// How long all that is known and expected of it still takes at that rate; null where that cannot be told.
    pub seconds_left: Option<u64>,
}

impl SeasonPace {
    /// The pace of a season, with what it does of chunks and of clips a minute.
    pub fn new(show: &str, season: u16, a_minute: [Option<f64>; 2], left: Option<Duration>) -> Self {
        // No more precise than anybody can tell.
        let [chunks, clips] = a_minute.map(|rate| rate.map(|rate| (rate * 10.0).round() / 10.0));
        Self {
            show: show.to_owned(),
            season,
            chunks_a_minute: chunks,
            clips_a_minute: clips,
            seconds_left: left.map(|left| left.as_secs()),
        }
    }
}

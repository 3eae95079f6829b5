//! `langflix config show`.

use std::io::Write as _;

use anyhow::Context as _;
use langflix_domain::EpisodeStatus;
use langflix_runtime::config::Config;
use serde_json::json;

/// Prints every setting with its origin.
///
/// # Errors
/// Where stdout cannot be written.
pub(crate) fn show(config: &Config, json: bool) -> anyhow::Result<EpisodeStatus> {
    let mut text = String::new();
    if json {
        let entries: Vec<_> = config
            .entries()
            .iter()
            .map(|entry| json!({ "key": entry.key, "value": entry.value, "from": entry.origin.to_string() }))
            .collect();
        text = serde_json::to_string_pretty(&entries)? + "\n";
    } else {
        let entries = config.entries();
        let longest = |of: fn(&langflix_runtime::config::Entry) -> usize| entries.iter().map(of).max().unwrap_or(0);
        let (key, value) = (longest(|entry| entry.key.len()), longest(|entry| entry.value.chars().count()).min(40));
        for entry in entries {
            text += &format!("{:key$}  {:value$}  {}\n", entry.key, entry.value, entry.origin);
        }
    }
    std::io::stdout().write_all(text.as_bytes()).context("standard output")?;
    Ok(EpisodeStatus::Complete)
}

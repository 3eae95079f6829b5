//! `langflix config show`.

use langflix_domain::EpisodeStatus;
use langflix_runtime::config::Config;
use serde_json::json;

use crate::say;

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
        text = serde_json::to_string_pretty(&entries)?;
    } else {
        let entries = config.entries();
        let longest = |of: fn(&langflix_runtime::config::Entry) -> usize| entries.iter().map(of).max().unwrap_or(0);
        let (key, value) = (longest(|entry| entry.key.len()), longest(|entry| entry.value.chars().count()).min(40));
        for entry in entries {
            text += &format!("{:key$}  {:value$}  {}\n", entry.key, entry.value, entry.origin);
        }
    }
    say::out!("{}", text.trim_end())?;
    Ok(EpisodeStatus::Complete)
}

//! `langflix run --profile`: what each sort of operation took.

use std::collections::BTreeMap;

use anyhow::Context as _;
use langflix_measures::{Ended, LLM_SPEND, LLM_TOKENS, OPERATION_MEMORY, OPERATION_SECONDS, Operation};
use langflix_runtime::pressure::memory_in_use;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use serde::Serialize;
use serde_json::json;

use crate::{cli::Output, fleet::Table, say};

/// Keeps what this process measures from here on.
pub(crate) struct Profile {
    told: Snapshotter,
}

/// What the operations of one sort took.
#[derive(Debug, Default, PartialEq, Serialize)]
struct Row {
    operation: &'static str,
    calls: usize,
    failed: usize,
    total_seconds: f64,
    mean_seconds: f64,
    max_seconds: f64,
    /// The most by which memory grew between the begin and the end of one; less than 0 where it shrank each time.
    memory_growth_bytes: Option<f64>,
}

impl Profile {
    /// Begins to measure.
    ///
    /// # Errors
    /// Where measures of this process are kept elsewhere.
    pub(crate) fn begin() -> anyhow::Result<Self> {
        let recorder = DebuggingRecorder::new();
        let told = recorder.snapshotter();
        recorder.install().context("--profile")?;
        langflix_measures::profile(memory_in_use);
        Ok(Self { told })
    }

    /// Tells what was measured.
    pub(crate) fn tell(&self, output: Output) {
        let values: Vec<(String, Vec<String>, DebugValue)> =
            self.told.snapshot().into_vec().into_iter().map(plain).collect();
        let rows = rows(&values);
        match output {
            // Whoever reads the events may have gone.
            Output::Json => {
                drop(say::out!("{}", json!({ "event": "profile", "operations": rows, "spent": spent(&values) })))
            }
            Output::Text | Output::Quiet => say::err!("{}{}", render(&rows), spent_in_words(&values)),
        }
    }
}

/// A measure's name, its labels' values, and what it is.
fn plain<U, D>(
    (key, _, _, value): (metrics_util::CompositeKey, U, D, DebugValue),
) -> (String, Vec<String>, DebugValue) {
    let (_, key) = key.into_parts();
    (key.name().to_owned(), key.labels().map(|label| label.value().to_owned()).collect(), value)
}

fn rows(values: &[(String, Vec<String>, DebugValue)]) -> Vec<Row> {
    let all = |name: &str, first: &str| -> Vec<(Option<&str>, Vec<f64>)> {
        let of =
            values.iter().filter(|(of, labels, _)| of == name && labels.first().is_some_and(|label| label == first));
        of.filter_map(|(_, labels, value)| match value {
            DebugValue::Histogram(values) => {
                Some((labels.get(1).map(String::as_str), values.iter().map(|value| value.into_inner()).collect()))
            }
            _ => None,
        })
        .collect()
    };
    let row = |operation: &Operation| {
        let times = all(OPERATION_SECONDS.name(), operation.as_str());
        let failed = times.iter().filter(|(ended, _)| *ended == Some(Ended::Failed.as_str()));
        let failed = failed.map(|(_, times)| times.len()).sum();
        let times: Vec<f64> = times.into_iter().flat_map(|(_, times)| times).collect();
        let (calls, total_seconds) = (times.len(), times.iter().sum::<f64>());
        (calls > 0).then(|| Row {
            operation: operation.as_str(),
            calls,
            failed,
            total_seconds,
            mean_seconds: total_seconds / calls as f64,
            max_seconds: times.iter().copied().fold(0.0, f64::max),
            memory_growth_bytes: all(OPERATION_MEMORY.name(), operation.as_str())
                .into_iter()
                .flat_map(|(_, changes)| changes)
                .max_by(f64::total_cmp),
        })
    };
    Operation::ALL.iter().filter_map(row).collect()
}

fn render(rows: &[Row]) -> String {
    let mut table =
        Table::new(&["OPERATION", "CALLS#", "FAILED#", "TOTAL s#", "MEAN ms#", "MAX ms#", "MAX MEMORY MB#"]);
    for row in rows {
        table.row([
            row.operation.to_owned(),
            row.calls.to_string(),
            row.failed.to_string(),
            format!("{:.2}", row.total_seconds),
            format!("{:.1}", row.mean_seconds * 1e3),
            format!("{:.1}", row.max_seconds * 1e3),
            row.memory_growth_bytes.map_or("-".to_owned(), |bytes| format!("{:+.1}", bytes / 1e6)),
        ]);
    }
    table.render()
}

/// Tokens by direction, and millionths of money by currency.
fn spent(values: &[(String, Vec<String>, DebugValue)]) -> BTreeMap<String, u64> {
    let of = |(name, labels, value): &(String, Vec<String>, DebugValue)| {
        let DebugValue::Counter(count) = value else { return None };
        let last = labels.last()?;
        match name {
            name if name == LLM_TOKENS.name() => Some((format!("{last}_tokens"), *count)),
            name if name == LLM_SPEND.name() => Some((format!("{last}_millionths"), *count)),
            _ => None,
        }
    };
    values.iter().filter_map(of).collect()
}

fn spent_in_words(values: &[(String, Vec<String>, DebugValue)]) -> String {
    let spent = spent(values);
    let tokens = |direction: &str| spent.get(&format!("{direction}_tokens")).copied().unwrap_or_default();
    let money = spent.iter().filter_map(|(what, amount)| Some((what.strip_suffix("_millionths")?, *amount)));
    let money: Vec<String> = money
        .map(|(currency, amount)| format!(", {}.{:06} {currency}", amount / 1_000_000, amount % 1_000_000))
        .collect();
    format!("{} tokens asked, {} tokens answered{}", tokens("input"), tokens("output"), money.concat())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use langflix_measures::Direction;

    use super::*;

    #[test]
    fn operations_are_summed_up_and_those_that_never_were_are_left_out() {
        let recorder = DebuggingRecorder::new();
        let told = recorder.snapshotter();
        metrics::with_local_recorder(&recorder, || {
            for ms in [100, 300] {
                Operation::Encode.took(Duration::from_millis(ms), Ended::Ok);
                OPERATION_MEMORY.record((Operation::Encode,), 1e6);
            }
            Operation::Encode.took(Duration::from_millis(800), Ended::Failed);
            Operation::Seek.took(Duration::from_millis(20), Ended::Ok);
            LLM_TOKENS.add(("gemini/x".into(), Direction::Input), 1200);
            LLM_SPEND.add(("gemini/x".into(), "USD".into()), 1_250_000);
        });
        let values: Vec<_> = told.snapshot().into_vec().into_iter().map(plain).collect();
        insta::assert_snapshot!(render(&rows(&values)) + &spent_in_words(&values));
    }
}

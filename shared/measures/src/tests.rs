use std::collections::{BTreeMap, BTreeSet};

use metrics_util::{
    CompositeKey,
    debugging::{DebugValue, DebuggingRecorder},
};

use super::*;

#[test]
fn names_are_unique_and_end_with_their_unit() {
    let names: BTreeSet<&str> = all().map(|measure| measure.name).collect();
    assert_eq!(names.len(), all().count());
    for Description { name, kind, .. } in all() {
        assert!(name.starts_with("langflix_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
        if let Kind::Histogram(bounds) = kind {
            assert!(bounds.is_sorted(), "{name}");
            let unit = name.rsplit('_').next().unwrap();
            assert!(["seconds", "bytes", "second"].contains(&unit), "{name}");
        }
    }
}

#[test]
fn the_table_in_the_readme_is_what_the_code_gives() {
    let row = |Description { name, help, kind, labels }: Description| {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(" "))
    };
    let table: String = all().map(row).collect();
    let readme = include_str!("../README.md");
    let shown =
        readme.split_once("|---|---|---|---|\n").and_then(|(_, rest)| rest.split_once("\n<!-- end of measures -->"));
    assert!(shown.unwrap().0.trim() == table.trim(), "put this into README.md:\n{table}");
}

#[test]
fn what_is_counted_has_its_labels() {
    let recorder = DebuggingRecorder::new();
    let told = recorder.snapshotter();
    metrics::with_local_recorder(&recorder, || {
        LLM_TOKENS.add(("gemini/x".into(), Direction::Input), 7);
        LLM_TOKENS.add(("gemini/x".into(), Direction::Input), 5);
    });
    let all = told.snapshot().into_vec();
    let [(key, _, _, DebugValue::Counter(12))] = all.as_slice() else { panic!("{all:?}") };
    let labels: Vec<(&str, &str)> = key.key().labels().map(|label| (label.key(), label.value())).collect();
    assert_eq!(
        (key.key().name(), labels),
        ("langflix_llm_tokens_total", vec![("model", "gemini/x"), ("direction", "input")])
    );
}

#[tokio::test]
async fn an_operation_is_timed_by_how_it_ended() {
    let recorder = DebuggingRecorder::new();
    let told = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    for result in [Ok(1), Err("no"), Ok(2)] {
        assert_eq!(Operation::Encode.time(async { result }).await, result);
    }
    let calls = |(key, _, _, value): (CompositeKey, _, _, DebugValue)| match value {
        DebugValue::Histogram(times) => (key.key().labels().last().unwrap().value().to_owned(), times.len()),
        other => panic!("{other:?}"),
    };
    let told: BTreeMap<String, usize> = told.snapshot().into_vec().into_iter().map(calls).collect();
    assert_eq!(told, BTreeMap::from([("failed".to_owned(), 1), ("ok".to_owned(), 2)]));
}

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{complete, episode, manifest, run};

#[test]
fn a_profile_tells_what_the_operations_of_a_run_took() {
    let dir = tempdir().unwrap();
    let said = complete(run(&episode(), dir.path()).args(["--profile", "--json", "--max-expressions", "1"]));
    let last: Value = serde_json::from_str(said.out.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"], "profile");
    let rows = last["operations"].as_array().unwrap();
    let calls = |operation: &str| {
        let row =
            rows.iter().find(|row| row["operation"] == operation).unwrap_or_else(|| panic!("{operation}: {last}"));
        let figure = |name: &str| row[name].as_f64().unwrap();
        assert!(row["failed"] == 0 && figure("max_seconds") <= figure("total_seconds"), "{row}");
        assert!(
            figure("mean_seconds") <= figure("max_seconds")
                && (row["memory_growth_bytes"].is_number() || ["seek", "queue_wait"].contains(&operation)),
            "{row}"
        );
        row["calls"].as_u64().unwrap()
    };
    let done = &manifest(dir.path())["completeness"];
    assert_eq!(calls("llm_call"), done["chunks_ok"].as_u64().unwrap());
    assert_eq!((calls("encode"), calls("upload"), calls("plan"), calls("fan_in")), (1, 1, 1, 2));
    assert_eq!(calls("outcome"), done["chunks_ok"].as_u64().unwrap() + 1);
}

#[test]
fn a_profile_is_a_table_for_people() {
    let dir = tempdir().unwrap();
    let said = complete(run(&episode(), dir.path()).args(["--profile", "--dry-run"]));
    let table: Vec<&str> = said.err.lines().skip_while(|line| !line.starts_with("OPERATION")).collect();
    assert!(table.iter().any(|line| line.starts_with("llm_call ")) && table.len() > 4, "{said:#?}");
    assert_eq!(table.last(), Some(&"0 tokens asked, 0 tokens answered"), "{said:#?}");
}

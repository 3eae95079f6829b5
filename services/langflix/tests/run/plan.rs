//! `langflix plan`, and the page for operators that shows what it prints.

use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{Said, complaint, langflix, said};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/capacity.md");

/// What `langflix plan` says of 4800 clips at a clip in four seconds, whatever file of settings lies about.
fn plan(more: &[&str]) -> Said {
    let dir = tempdir().unwrap();
    let work = ["plan", "--episodes", "240", "--clips-per-second", "0.25"];
    said(langflix([&work, more].concat()).current_dir(dir.path()))
}

fn planned(more: &[&str]) -> (Option<i32>, Value) {
    let said = plan(&[more, &["--json"]].concat());
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:#?}")))
}

#[test]
fn the_fewest_nodes_that_are_in_time_are_told_with_one_fewer_and_one_more() {
    let (code, told) = planned(&["--within", "3h", "--price", "0.95"]);
    assert_eq!(code, Some(0));
    insta::assert_json_snapshot!(told);
    let (_, cheaper) = planned(&["--within", "6h", "--price", "0.95"]);
    assert_eq!((&cheaper["plan"]["nodes"], &cheaper["one_fewer"]), (&Value::from(1), &Value::Null));
}

#[test]
fn without_a_price_no_cost_is_told() {
    let (_, told) = planned(&["--within", "3h"]);
    assert_eq!((&told["plan"]["cost"], &told["plan"]["cost_per_episode"]), (&Value::Null, &Value::Null));
    let said = plan(&["--within", "3h"]);
    assert!(said.code == Some(0) && said.out.contains("  -  "), "{said:#?}");
}

#[test]
fn clips_and_the_providers_limit_come_from_the_settings_unless_given() {
    let set = ["--set", "processing.max_expressions=30", "--set", "llm.requests_per_minute=90"];
    let rest = ["--within", "12h", "--chunks-per-episode", "30"];
    let (_, told) = planned(&[&set[..], &rest].concat());
    assert_eq!((&told["clips"], &told["analysis_seconds"]), (&Value::from(7200), &Value::from(4800)));
    let given = ["--clips-per-episode", "10", "--requests-per-minute", "60"];
    let (_, told) = planned(&[&given[..], &rest].concat());
    assert_eq!((&told["clips"], &told["analysis_seconds"]), (&Value::from(2400), &Value::from(7200)));
}

#[test]
fn what_no_number_of_nodes_is_enough_for_fails_and_tells_the_earliest_end() {
    let analysis = ["--chunks-per-episode", "30", "--requests-per-minute", "60"];
    let (code, told) = planned(&[&["--within", "2h"], &analysis[..]].concat());
    assert_eq!((code, &told["bound"], &told["plan"]), (Some(1), &Value::from("analysis"), &Value::Null));
    assert_eq!(told["earliest_seconds"], 7204);
    let said = plan(&[&["--within", "2h"], &analysis[..]].concat());
    assert!(said.out.contains("no number of nodes is enough") && said.out.contains("2 h 1 min"), "{said:#?}");
    let (code, told) = planned(&["--within", "4m", "--price", "1"]);
    assert_eq!((code, &told["bound"]), (Some(1), &Value::from("node_start")));
}

#[test]
fn a_figure_that_cannot_be_right_is_one_line_that_says_what_is() {
    let whole = "a whole number from 1 to 1000000 is allowed";
    let cases: [(&[&str], &str); 15] = [
        (&["--episodes", "0"], whole),
        (&["--episodes", "-3"], whole),
        (&["--episodes", "99999999999999999999"], whole),
        (&["--chunks-per-episode", "0"], whole),
        (&["--clips-per-second", "0"], "a number from 0.001 to 1000 is allowed"),
        (&["--clips-per-second", "nan"], "a number from 0.001 to 1000 is allowed"),
        (&["--clips-per-second", "1e400"], "a number from 0.001 to 1000 is allowed"),
        (&["--within", "0h"], "from 1s to 365d"),
        (&["--within", "-1h"], "from 1s to 365d"),
        (&["--within", "tomorrow"], "from 1s to 365d"),
        (&["--node-start", "2d"], "from 0s to 1d"),
        (&["--price", "0"], "a number from 0.000001 to 1000000 is allowed"),
        (&["--clips-per-episode", "-1"], "processing.max_expressions: '-1' (from --clips-per-episode)"),
        (&["--chunks-per-episode", "30", "--requests-per-minute", "0"], "(from --requests-per-minute)"),
        (&["--chunks-per-episode", "30"], "--requests-per-minute"),
    ];
    for (wrong, told) in cases {
        let said = plan(&[&["--within", "1h"], wrong].concat());
        assert_eq!((said.code, said.out.as_str()), (Some(64), ""), "{wrong:?}: {said:#?}");
        assert!(complaint(&said).contains(told), "{wrong:?}: {said:#?}");
    }
}

#[test]
fn seasons_are_counted_or_episodes_and_not_beyond_a_million() {
    let plan =
        |more: &[&str]| said(&mut langflix([&["plan", "--clips-per-second", "1", "--within", "99d"], more].concat()));
    let season = plan(&["--seasons", "3", "--episodes-per-season", "8"]);
    assert!(season.code == Some(0) && season.out.starts_with("24 episodes, 480 clips: 1 node, "), "{season:#?}");
    let wrong: [&[&str]; 5] = [
        &[],
        &["--seasons", "3"],
        &["--episodes-per-season", "8"],
        &["--episodes", "3", "--seasons", "3", "--episodes-per-season", "8"],
        &["--seasons", "1000000", "--episodes-per-season", "1000000"],
    ];
    for wrong in wrong {
        let said = plan(wrong);
        assert_eq!(said.code, Some(64), "{wrong:?}: {said:#?}");
        complaint(&said);
    }
}

/// The page's commands, each with what the page shows of it.
fn shown() -> Vec<(Vec<String>, String)> {
    let page = fs::read_to_string(PAGE).unwrap();
    let blocks = page.split("```console\n$ langflix ").skip(1);
    let shown = |block: &str| {
        let block = block.split("\n```").next().unwrap().replace("\\\n", " ");
        let (command, output) = block.split_once('\n').unwrap();
        (command.split_whitespace().map(str::to_owned).collect(), output.trim().to_owned())
    };
    blocks.map(shown).collect()
}

#[test]
fn the_page_for_operators_shows_what_is_printed() {
    let shown = shown();
    assert!(shown.len() >= 2, "{shown:?}");
    let dir = tempdir().unwrap();
    for (command, output) in shown {
        let said = said(langflix(&command).current_dir(dir.path()));
        assert!(said.err.is_empty() && said.code.is_some_and(|code| code < 2), "{said:#?}");
        assert_eq!(said.out.trim(), output, "{command:?}");
    }
}

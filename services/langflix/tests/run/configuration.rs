use std::fs;

use serde_json::Value;
use tempfile::tempdir;

use crate::support::{complaint, complete, episode, langflix, manifest, run, said};

#[test]
fn each_source_overrides_the_one_before_and_the_origin_is_shown() {
    let dir = tempdir().unwrap();
    fs::write(dir.path().join("langflix.yaml"), "llm:\n  chunk_size: 900\n  max_retries: 7\nvideo:\n  crf: 30\n")
        .unwrap();
    let show = |extra: &[&str]| -> Vec<Value> {
        let mut command = langflix(["config", "show", "--json"]);
        command.current_dir(dir.path()).env("LANGFLIX__LLM__MAX_RETRIES", "5").args(extra);
        serde_json::from_str(&complete(&mut command).out).unwrap()
    };
    let of = |entries: &[Value], key: &str| -> (String, String) {
        let entry = entries.iter().find(|entry| entry["key"] == key).unwrap();
        (entry["value"].as_str().unwrap().to_owned(), entry["from"].as_str().unwrap().to_owned())
    };
    let pair = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    let entries = show(&["--set", "video.crf=18"]);
    assert_eq!(of(&entries, "llm.chunk_size"), pair("900", "langflix.yaml:2"));
    assert_eq!(of(&entries, "llm.max_retries"), pair("5", "LANGFLIX__LLM__MAX_RETRIES"));
    assert_eq!(of(&entries, "video.crf"), pair("18", "--set video.crf"));
    assert_eq!(of(&entries, "video.threads"), pair("0", "the default"));
}

#[test]
fn every_wrong_value_is_reported_at_once_with_its_key_and_what_is_allowed() {
    let dir = tempdir().unwrap();
    let mut command = langflix(["run", "x.mkv", "--language", "klingonese", "--burn", "some"]);
    command.current_dir(dir.path()).env("LANGFLIX__LLM__CHUNK_SIZE", "many").args(["--set", "video.kodec=libx264"]);
    let said = said(command.args(["--set", "video.codec=libx999"]));
    assert_eq!(said.code, Some(64), "{said:?}");
    let errors: Vec<&str> = said.err.lines().collect();
    let wanted = ["run.language", "video.burn", "llm.chunk_size", "video.kodec", "video.codec"];
    assert_eq!(errors.len(), wanted.len(), "{errors:#?}");
    for key in wanted {
        assert!(errors.iter().any(|line| line.starts_with(&format!("error: {key}: "))), "{key} in {errors:#?}");
    }
    assert!(
        said.err.contains("libx264") && said.err.contains("BCP 47") && said.err.contains("LANGFLIX__LLM__CHUNK_SIZE")
    );
}

#[test]
fn a_key_is_never_printed() {
    let dir = tempdir().unwrap();
    let mut command = langflix(["config", "show"]);
    let said = complete(command.current_dir(dir.path()).env("GEMINI_API_KEY", "very-secret-key"));
    assert!(said.out.contains("GEMINI_API_KEY") && !said.out.contains("very-secret-key"), "{}", said.out);
    let provider = said.out.lines().find(|line| line.starts_with("llm.provider")).unwrap();
    assert!(provider.contains("gemini"), "{provider}");
}

#[test]
fn help_is_help_and_a_wrong_flag_is_wrong_usage() {
    let help = complete(&mut langflix(["run", "--help"]));
    assert!(help.out.contains("Examples:") && help.out.contains("--target-subs-suffix"));
    for wrong in [vec!["run"], vec!["run", "x.mkv", "--no-such-flag"], vec!["walk"], vec!["run", "x.mkv"]] {
        assert_eq!(said(&mut langflix(&wrong)).code, Some(64), "{wrong:?}");
    }
}

#[test]
fn the_name_of_the_target_subtitles_tells_the_language() {
    let dir = tempdir().unwrap();
    let named = |target: &std::path::Path| {
        let mut command = langflix(["run"]);
        command.arg(episode()).args(["--dry-run", "--out"]).arg(dir.path()).arg("--target-subs").arg(target);
        said(&mut command)
    };
    let korean = episode().with_extension("ko.srt");
    let told = named(&korean);
    assert_eq!(told.code, Some(0), "{told:?}");
    assert_eq!(manifest(dir.path())["language"], "ko");
    let untold = dir.path().join("subtitles.srt");
    fs::copy(&korean, &untold).unwrap();
    let untold = named(&untold);
    assert_eq!(untold.code, Some(64), "{untold:?}");
    assert!(complaint(&untold).contains("--language"), "{untold:?}");
}

#[test]
fn the_offline_lexicon_is_introduced_by_what_chose_it() {
    let dir = tempdir().unwrap();
    let dry = || {
        let mut command = run(&episode(), dir.path());
        command.arg("--dry-run");
        command
    };
    let lexicon = "come from the offline lexicon";
    let chosen = complete(dry().args(["--provider", "offline"]).env("GEMINI_API_KEY", "a-key"));
    assert!(chosen.err.contains(lexicon) && !chosen.err.contains("No key"), "{chosen:?}");
    let left = complete(&mut dry());
    assert!(left.err.contains("No key for gemini or openai") && left.err.contains(lexicon), "{left:?}");
}

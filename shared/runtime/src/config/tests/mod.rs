use std::{path::Path, time::Duration};

use langflix_domain::{Burn, GpuDevice, GpuLimits, LearnerLevel, Quality, VideoCodec};
use proptest::prelude::*;

use super::*;

mod faults;
mod fleet;
mod secrets;

/// Sources of a file's text, variables, and flags as key, value and label.
fn sources(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str, &str)]) -> Sources {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let flag = |(key, value, label): &(&str, &str, &str)| Flag {
        key: (*key).into(),
        value: (*value).into(),
        label: (*label).into(),
    };
    Sources {
        file: (!file.is_empty())
            .then(|| ConfigFile { path: "langflix.yaml".into(), content: Ok(file.as_bytes().to_vec()) }),
        environment: environment.iter().map(owned).collect(),
        flags: flags.iter().map(flag).collect(),
        ..Sources::default()
    }
}

fn load(file: &str, environment: &[(&str, &str)]) -> Config {
    Config::load(&sources(file, environment, &[])).unwrap()
}

/// The lines that the faults are shown as.
fn faults(file: &str, environment: &[(&str, &str)]) -> Vec<String> {
    let faults = Config::load(&sources(file, environment, &[])).unwrap_err();
    faults.to_string().lines().map(str::to_owned).collect()
}

fn shown(config: &Config, key: &str) -> String {
    config.entries().iter().find(|entry| entry.key == key).unwrap().to_string()
}

#[test]
fn without_any_source_the_documented_defaults_hold() {
    let config = load("", &[]);
    assert_eq!((config.llm.chunk_size, config.llm.max_input_length), (1400, 1680));
    assert_eq!((config.llm.max_retries, config.llm.retry_backoff), (3, Duration::from_secs(2)));
    assert_eq!((config.llm.provider, config.llm.provider_is_automatic), (Provider::Offline, true));
    assert_eq!((config.llm.temperature, config.llm.requests_per_minute), (Some(0.2), None));
    assert_eq!((config.video.codec, config.video.quality, config.video.burn), (None, Quality::Balanced, Burn::None));
    assert_eq!((config.processing.min_expressions_per_chunk, config.processing.max_expressions_per_chunk), (1, 3));
    assert_eq!((config.run.language.clone(), config.run.source_language.as_str()), (None, "en"));
    assert_eq!((config.run.level, config.run.output.as_path()), (LearnerLevel::Intermediate, Path::new("output")));
    assert!(config.entries().iter().all(|entry| entry.origin == Origin::Default));
}

#[test]
fn a_later_source_overrides_an_earlier_one_and_each_value_knows_its_own() {
    let file = "llm:\n  chunk_size: 1000\n  max_retries: 5\n  model: gemini-2.5-pro\n";
    let environment = [("LANGFLIX__LLM__CHUNK_SIZE", "1100"), ("LANGFLIX__LLM__MAX_RETRIES", "6"), ("HOME", "/x")];
    let config = Config::load(&sources(file, &environment, &[("llm.chunk_size", "1200", "--chunk-size")])).unwrap();
    assert_eq!((config.llm.chunk_size, config.llm.max_retries), (1200, 6));
    assert_eq!(shown(&config, "llm.chunk_size"), "llm.chunk_size: 1200 (from --chunk-size)");
    assert_eq!(shown(&config, "llm.max_retries"), "llm.max_retries: 6 (from LANGFLIX__LLM__MAX_RETRIES)");
    assert_eq!(shown(&config, "llm.model"), "llm.model: gemini-2.5-pro (from langflix.yaml:4)");
    assert_eq!(shown(&config, "llm.base_url"), "llm.base_url: unset (from the default)");
}

#[test]
fn the_file_may_be_written_in_any_way_that_yaml_has() {
    for file in [
        "llm: {chunk_size: 1000}\nvideo: {codec: libx264}",
        "\u{feff}# note\r\nllm:\r\n    chunk_size: '1000'\r\nvideo:\r\n    codec: \"libx264\" # note\r\n",
        "---\nllm.chunk_size: 1000\nvideo.codec: libx264\n...\n",
        "? llm\n: chunk_size: !!int 1000\nvideo: &v\n  codec: >\n    libx264\nrun:\nprocessing: ~\n",
    ] {
        let config = load(file, &[]);
        assert_eq!((config.llm.chunk_size, config.video.codec), (1000, Some(VideoCodec::Libx264)), "{file}");
    }
}

#[test]
fn a_text_that_looks_like_something_else_stays_what_it_is() {
    let config = load("llm: {model: 4.10}\nrun: {language: no, output: 007}", &[]);
    assert_eq!(config.llm.model.as_deref(), Some("4.10"));
    assert_eq!(config.run.language.unwrap().as_str(), "no");
    assert_eq!(config.run.output, Path::new("007"));
}

#[test]
fn what_is_empty_counts_as_not_given() {
    let file = "llm:\n  model:\n  base_url: null\n  provider: ''\nvideo:\n";
    let config = load(file, &[("LANGFLIX__VIDEO__CRF", " "), ("GEMINI_API_KEY", "")]);
    assert_eq!((config.llm.model, config.llm.base_url, config.video.crf), (None, None, None));
    assert_eq!(config.llm.provider, Provider::Offline);
}

#[test]
fn limits_left_alone_follow_the_ones_that_are_set() {
    let config = load("llm: {chunk_size: 5000}\nprocessing: {min_expressions_per_chunk: 5}", &[]);
    assert_eq!((config.llm.max_input_length, config.processing.max_expressions_per_chunk), (6000, 5));
}

#[test]
fn the_temperature_can_be_left_to_the_model() {
    assert_eq!(load("llm: {temperature: model}", &[]).llm.temperature, None);
}

#[test]
fn the_reference_in_the_readme_is_the_one_that_the_code_gives() {
    let readme = include_str!("../../../README.md");
    let table = readme.split_once("<!-- keys -->\n").and_then(|(_, rest)| rest.split_once("\n<!-- end of keys -->"));
    assert!(table.unwrap().0.trim() == reference().trim(), "put this into README.md:\n{}", reference());
}

#[test]
fn every_key_is_listed_once_and_can_be_set_by_its_variable() {
    let entries: Vec<&str> = load("", &[]).entries().iter().map(|entry| entry.key).collect();
    let unique: std::collections::BTreeSet<_> = entries.iter().collect();
    assert_eq!(unique.len(), entries.len());
    let secrets = [
        "llm.api_key",
        "rabbitmq.password",
        "redis.password",
        "s3.access_key",
        "s3.secret_key",
        "telemetry.otlp_headers",
    ];
    for key in entries.into_iter().filter(|key| !secrets.contains(key)) {
        let variable = sources::environment_name(key);
        let fault = faults("", &[(&variable, "\u{0}")]).join("\n");
        assert!(fault.starts_with(&format!("{key}: ")) && fault.contains(&variable), "{fault}");
    }
}

fn any_key() -> impl Strategy<Value = String> {
    let known: Vec<String> = load("", &[]).entries().iter().map(|entry| entry.key.to_owned()).collect();
    prop_oneof![proptest::sample::select(known), "[a-z_.]{0,12}", any::<String>()]
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof!["-?[0-9]{1,22}(\\.[0-9]{0,3})?", "https?://.{0,20}", "[a-z0-9_]{0,12}", any::<String>()]
}

/// Pieces that YAML gives a meaning to, in any order.
fn any_file() -> impl Strategy<Value = String> {
    let pieces = [
        "llm",
        "video",
        "chunk_size",
        ":",
        ": ",
        "\n",
        "\n  ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        "\"",
        "&a ",
        "*a",
        "!t ",
        "|\n",
        ">-\n",
        "? ",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "#",
        "\t",
        "\\x",
        "é",
        "\u{feff}",
        "\r\n",
        "<<",
        "~",
    ];
    proptest::collection::vec(proptest::sample::select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_combination_of_texts_panics_and_every_fault_is_one_line(
        file in prop_oneof![any_file(), any::<String>()],
        bytes in proptest::collection::vec(any::<u8>(), 0..40),
        settings in proptest::collection::vec((any_key(), any_value()), 0..6),
    ) {
        let mut all = sources(&file, &[], &[]);
        all.environment = settings.iter().map(|(key, value)| (sources::environment_name(key), value.clone())).collect();
        all.environment.extend(settings.iter().map(|(key, value)| (format!("LANGFLIX__{key}"), value.clone())));
        let flag = |(key, value): &(String, String)| Flag { key: key.clone(), value: value.clone(), label: format!("--{key}") };
        all.flags = settings.iter().map(flag).collect();
        for content in [file.into_bytes(), bytes] {
            all.file = Some(ConfigFile { path: "langflix.yaml".into(), content: Ok(content) });
            match Config::load(&all) {
                Ok(config) => prop_assert!(config.entries().iter().all(|entry| !entry.to_string().contains('\n'))),
                Err(faults) => prop_assert_eq!(faults.to_string().lines().count(), faults.0.len(), "{}", faults),
            }
        }
    }
}

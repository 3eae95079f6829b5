use super::*;

const SECRET: &str = "sk-hunter2";

fn with_key_file(file: &str, read_key_file: fn(&Path) -> Result<KeyFile, String>) -> Result<Config, Faults> {
    Config::load(&Sources { read_key_file, ..sources(file, &[("GEMINI_API_KEY", "other")], &[]) })
}

fn good(_: &Path) -> Result<KeyFile, String> {
    Ok(KeyFile { key: Secret::new(SECRET).unwrap(), open_to_all: true })
}

fn bad(_: &Path) -> Result<KeyFile, String> {
    Err("cannot be read: gone".to_owned())
}

#[test]
fn the_provider_follows_the_keys_in_a_fixed_order() {
    let (gemini, openai) = (("GEMINI_API_KEY", SECRET), ("OPENAI_API_KEY", SECRET));
    let url = ("LANGFLIX__LLM__BASE_URL", "http://localhost:11434/v1");
    for (environment, provider, source) in [
        (&[][..], Provider::Offline, "not set (from the default)"),
        (&[gemini, openai, url], Provider::Gemini, "set (from GEMINI_API_KEY)"),
        (&[openai], Provider::OpenAi, "set (from OPENAI_API_KEY)"),
        (&[url], Provider::OpenAi, "not set (from the default)"),
    ] {
        let config = load("", environment);
        assert!(config.llm.provider == provider && config.llm.provider_is_automatic);
        assert_eq!(shown(&config, "llm.api_key"), format!("llm.api_key: {source}"));
        let auto = format!("llm.provider: auto ({}) (from the default)", provider.as_str());
        assert_eq!(shown(&config, "llm.provider"), auto);
    }
}

#[test]
fn a_provider_asked_for_by_name_gets_its_own_key_only() {
    let config = load("llm: {provider: openai}", &[("GEMINI_API_KEY", SECRET)]);
    assert!(config.llm.provider == Provider::OpenAi && !config.llm.provider_is_automatic);
    assert_eq!(config.llm.api_key, None);
    assert_eq!(load("llm: {provider: offline}", &[("GEMINI_API_KEY", SECRET)]).llm.api_key, None);
}

#[test]
fn a_key_in_the_configuration_is_refused_and_not_repeated() {
    let lines = faults(&format!("llm: {{api_key: {SECRET}}}"), &[("LANGFLIX__LLM__OPENAI_API_KEY", SECRET)]);
    assert_eq!(
        lines,
        [
            "llm.api_key: a secret does not stand here (from langflix.yaml:1): set GEMINI_API_KEY or OPENAI_API_KEY, \
             or name a file with llm.api_key_file",
            "llm.openai_api_key: a secret does not stand here (from LANGFLIX__LLM__OPENAI_API_KEY): set GEMINI_API_KEY \
             or OPENAI_API_KEY, or name a file with llm.api_key_file",
        ]
    );
}

#[test]
fn no_secret_is_shown_whatever_holds_it() {
    let url = format!("https://me:{SECRET}@host:8/v1?key={SECRET}#{SECRET}");
    let config = load("", &[("LANGFLIX__LLM__BASE_URL", &url), ("OPENAI_API_KEY", SECRET)]);
    assert_eq!(config.llm.base_url.as_ref().unwrap().as_str(), url);
    assert_eq!(config.llm.api_key.as_ref().unwrap().expose(), SECRET);
    assert!(shown(&config, "llm.base_url").starts_with("llm.base_url: https://***@host:8/v1?*** (from"));
    assert!(!format!("{config:?}{:#?}{}", config.entries(), config.llm.api_key.clone().unwrap()).contains(SECRET));
}

#[test]
fn a_wrong_address_is_not_repeated() {
    for wrong in
        ["ftp://me:sk-hunter2@host", "https://", "https://me:sk-hunter2@", "http://:80/sk-hunter2", "https://a b"]
    {
        let lines = faults("", &[("LANGFLIX__LLM__BASE_URL", wrong)]);
        assert_eq!(
            lines,
            [
                "llm.base_url: the value, not repeated since it may hold a secret, (from LANGFLIX__LLM__BASE_URL) is not \
              allowed: an address such as https://host/v1"
            ]
        );
    }
}

#[test]
fn the_file_named_for_the_key_comes_before_the_environment() {
    let config = with_key_file("llm: {provider: gemini, api_key_file: run/key}", good).unwrap();
    assert_eq!(config.llm.api_key.as_ref().unwrap().expose(), SECRET);
    assert_eq!(shown(&config, "llm.api_key"), "llm.api_key: set (from langflix.yaml:1)");
    assert_eq!(config.warnings, ["llm.api_key_file: everyone on this machine may read run/key"]);
}

#[test]
fn it_must_be_plain_whose_key_the_file_holds() {
    let fault = with_key_file("llm: {api_key_file: run/key}", good).unwrap_err().to_string();
    assert_eq!(
        fault,
        "llm.provider: 'auto' (from the default) is not allowed: gemini or openai beside llm.api_key_file, so that it is plain whose key it is"
    );
}

#[test]
fn a_key_file_that_cannot_be_read_is_a_fault_that_repeats_no_key() {
    let fault = |file| with_key_file(file, bad).unwrap_err().to_string();
    assert_eq!(
        fault("llm: {provider: gemini, api_key_file: run/key}"),
        "llm.api_key_file: 'run/key' (from langflix.yaml:1) cannot be read: gone"
    );
    assert_eq!(
        fault("llm: {provider: gemini, api_key_file: sk-hunter2}"),
        "llm.api_key_file: the file named (from langflix.yaml:1) cannot be read: gone"
    );
}

#[test]
fn a_key_file_is_one_word_of_bounded_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let read = |content: &[u8]| {
        std::fs::write(&path, content).unwrap();
        read_key_file(&path)
    };
    assert_eq!(read(b" sk-hunter2 \r\n").unwrap().key.expose(), SECRET);
    for (content, problem) in [
        (&b""[..], "is empty"),
        (b" \n", "is empty"),
        (b"sk-hunter2\nsk-hunter3\n", "holds more than one line or word"),
        (b"\xff\xfe", "holds no text"),
        (&[b'x'; 64 * 1024 + 1], "is longer than 64 KiB, which no secret is"),
    ] {
        assert_eq!(read(content).unwrap_err(), problem);
    }
    assert!(read_key_file(&dir.path().join("none")).unwrap_err().starts_with("cannot be read: "));
}

#[cfg(unix)]
#[test]
fn a_key_file_that_everyone_may_read_is_told() {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    for (mode, open) in [(0o644, true), (0o640, false), (0o600, false)] {
        file.as_file().set_permissions(Permissions::from_mode(mode)).unwrap();
        assert_eq!(read_key_file(file.path()).unwrap().open_to_all, open);
    }
}

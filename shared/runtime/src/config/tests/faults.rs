use super::*;

#[test]
fn every_fault_of_every_source_is_reported_at_once() {
    let file = "llm:\n  chunk_size: abc\n  chnk_size: 7\nvideo:\n  crf: 52\n  threads: [1, {a: [b]}]\nrun:\n  language: korean\nqueue: {}\nlang: ko\n";
    let environment = [("LANGFLIX__LLM__CHUNK_SIZE", "199"), ("LANGFLIX__VIDEO__BRUN", "both"), ("LANGFLIX_X", "y")];
    assert_eq!(
        faults(file, &environment),
        [
            "llm.chunk_size: 'abc' (from langflix.yaml:2) is not allowed: a whole number from 200 to 20000",
            "llm.chunk_size: '199' (from LANGFLIX__LLM__CHUNK_SIZE) is not allowed: a whole number from 200 to 20000",
            "video.crf: '52' (from langflix.yaml:5) is not allowed: a whole number from 0 to 51",
            "video.threads: a list (from langflix.yaml:6) is not allowed: a whole number from 0 to 8",
            "run.language: 'korean' (from langflix.yaml:8) is not allowed: a BCP 47 language tag such as ko, ja, pt-BR or zh-Hant",
            "lang: no such key (from langflix.yaml:10)",
            "llm.chnk_size: no such key (from langflix.yaml:3); did you mean llm.chunk_size?",
            "video.brun: no such key (from LANGFLIX__VIDEO__BRUN); did you mean LANGFLIX__VIDEO__BURN?",
        ]
    );
}

#[test]
fn a_wrong_value_is_reported_even_where_a_flag_overrides_it() {
    let flags = [("video.crf", "20", "--crf")];
    let faults = Config::load(&sources("video: {crf: low}", &[], &flags)).unwrap_err();
    assert!(faults.to_string().starts_with("video.crf: 'low' (from langflix.yaml:1)"), "{faults}");
}

#[test]
fn values_that_do_not_go_together_name_each_other() {
    let file = "llm: {chunk_size: 2000, max_input_length: 1999}\n\
                processing: {min_expressions_per_chunk: 4, max_expressions_per_chunk: 3}\n\
                video: {codec: libx264, preset: p4}\n";
    assert_eq!(
        faults(file, &[]),
        [
            "llm.max_input_length: '1999' (from langflix.yaml:1) is not allowed: at least llm.chunk_size, which is 2000",
            "video.preset: 'p4' (from langflix.yaml:3) is not allowed: libx264 has the presets ultrafast, superfast, \
             veryfast, faster, fast, medium, slow, slower, veryslow",
            "processing.max_expressions_per_chunk: '3' (from langflix.yaml:2) is not allowed: at least \
             processing.min_expressions_per_chunk, which is 4",
        ]
    );
}

#[test]
fn an_encoder_takes_its_own_presets() {
    for (codec, fits, fails) in [
        ("libx264", "veryslow", "p1"),
        ("h264_nvenc", "p7", "ultrafast"),
        ("hevc_nvenc", "p1", "medium"),
        ("h264_qsv", "veryfast", "superfast"),
    ] {
        assert_eq!(
            load(&format!("video: {{codec: {codec}, preset: {fits}}}"), &[]).video.preset.as_deref(),
            Some(fits)
        );
        assert_eq!(faults(&format!("video: {{codec: {codec}, preset: {fails}}}"), &[]).len(), 1);
    }
    assert!(faults("video: {codec: h264_vaapi, preset: fast}", &[])[0].ends_with("h264_vaapi has the presets none"));
}

#[test]
fn a_key_given_twice_in_the_file_is_refused() {
    let twice = faults("llm: {model: a}\nllm:\n  model: b\n", &[]);
    assert_eq!(twice, ["llm.model: given twice, by langflix.yaml:1 and by langflix.yaml:3"]);
}

#[test]
fn a_key_without_its_section_or_a_section_without_keys_is_told_apart() {
    assert_eq!(
        faults("chunk_size: 900\nllm: 5\nvideo: {crf: {x: 1}}\n", &[]),
        [
            "chunk_size: no such key (from langflix.yaml:1); did you mean llm.chunk_size?",
            "llm: '5' (from langflix.yaml:2) is not allowed: a section, its keys below it as in 'llm: { … }'",
            "video.crf.x: no such key (from langflix.yaml:3); did you mean video.crf?",
        ]
    );
}

#[test]
fn a_variable_not_in_capitals_is_told_how_to_be_written() {
    assert_eq!(
        faults("", &[("LANGFLIX__llm__model", "m"), ("LANGFLIX__LLM_MODEL", "m")]),
        [
            "LANGFLIX__llm__model: no such key (from LANGFLIX__llm__model); did you mean LANGFLIX__LLM__MODEL?",
            "llm_model: no such key (from LANGFLIX__LLM_MODEL); did you mean LANGFLIX__LLM__MODEL?",
        ]
    );
}

#[test]
fn a_file_that_is_no_configuration_costs_one_line_that_names_it() {
    let deep_flow = "[".repeat(500_000);
    let deep_block = format!("llm:{}", (0..40).map(|n| format!("\n{}a:", " ".repeat(n + 1))).collect::<String>());
    let many: String = (0..600).map(|n| format!("key{n}: x\n")).collect();
    for (file, expected) in [
        ("just text", "langflix.yaml:1: is no mapping"),
        ("- a\n- b\n", "langflix.yaml:1: is no mapping"),
        ("llm:\n\tmodel: x\n", "langflix.yaml:2: is indented with a tab; YAML takes spaces"),
        ("llm: {model: x\n", "langflix.yaml:2: is no YAML: "),
        ("llm: 'x\n", "langflix.yaml:"),
        ("llm: &a {model: x}\nvideo: *a\n", "langflix.yaml:2: holds an alias"),
        ("video: {crf: 5}\n---\nvideo: {crf: 6}\n", "langflix.yaml:2: holds more than one document"),
        ("? [a]\n: b\n", "langflix.yaml:1: holds a key that is no plain text"),
        (&deep_flow, "langflix.yaml:1: is no YAML: recursion limit exceeded"),
        (&many, "langflix.yaml:501: holds more than 500 values"),
        (&deep_block, "langflix.yaml:9: is nested deeper than 8 levels"),
    ] {
        let lines = faults(file, &[]);
        assert!(lines.len() == 1 && lines[0].starts_with(expected), "{expected} {lines:?}");
    }
}

#[test]
fn a_list_nested_beyond_measure_neither_overflows_nor_hangs() {
    for inner in ["- ".repeat(100_000), "[".repeat(100_000), "{a: ".repeat(100_000)] {
        assert!(!faults(&format!("video:\n  crf:\n    {inner}"), &[]).is_empty());
    }
}

#[test]
fn a_file_that_is_too_long_or_no_text_is_refused_as_a_whole() {
    for (content, expected) in [
        (Ok(vec![b'#'; 1024 * 1024 + 1]), "langflix.yaml: is longer than 1 MiB, which no configuration is"),
        (Ok(vec![0xff, 0xfe, b'l']), "langflix.yaml: is not text in UTF-8"),
        (Err("cannot be read: gone".to_owned()), "langflix.yaml: cannot be read: gone"),
    ] {
        let file = Some(ConfigFile { path: "langflix.yaml".into(), content });
        let faults = Config::load(&Sources { file, ..Sources::default() }).unwrap_err();
        assert_eq!(faults.to_string(), expected);
    }
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let dir = tempfile::tempdir().unwrap();
    let there = dir.path().join("own.yaml");
    std::fs::write(&there, "video: {crf: 18}").unwrap();
    let of = |path: &Path| Sources { file: ConfigFile::find(Some(path)), ..Sources::default() };
    assert_eq!(Config::load(&of(&there)).unwrap().video.crf, Some(18));
    for wrong in [dir.path().join("none.yaml"), dir.path().to_owned()] {
        let fault = Config::load(&of(&wrong)).unwrap_err().to_string();
        assert!(fault.starts_with(&format!("{}: cannot be read: ", wrong.display())), "{fault}");
    }
}

#[test]
fn a_long_or_unprintable_text_is_shown_shortened_and_escaped() {
    let fault = faults("", &[("LANGFLIX__VIDEO__CRF", &format!("\u{1b}[31m{}", "x".repeat(5000)))]).concat();
    assert!(fault.contains("'\\u{1b}[31mxx") && fault.contains("…'") && fault.len() < 300, "{fault}");
}

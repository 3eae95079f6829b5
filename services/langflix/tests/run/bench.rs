//! `langflix bench`: what it measures, what it asks, and what it leaves.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use langflix_runtime::config::{Config, Sources};
use serde_json::Value;
use tempfile::tempdir;

use crate::{
    resume::wait_until,
    support::{Said, complaint, episode, langflix, said, tools},
    teacher::Teacher,
};

/// `langflix bench VIDEO --quick`, which keeps what it makes below `dir`.
fn bench(dir: &Path) -> Command {
    let mut command = langflix(["bench"]);
    command.arg(episode()).arg("--quick").env("TMPDIR", dir).current_dir(dir);
    command
}

fn events(said: &Said) -> Vec<Value> {
    said.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{said:#?}"))).collect()
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == kind).collect()
}

fn left(dir: &Path) -> Vec<String> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn encoders_and_the_lexicon_are_measured_and_settings_follow() {
    let dir = tempdir().unwrap();
    let said = said(bench(dir.path()).arg("--json"));
    assert_eq!(said.code, Some(0), "{said:#?}");
    let events = events(&said);
    let [begins] = of(&events, "bench_begins")[..] else { panic!("{events:#?}") };
    let encoded = of(&events, "encoded");
    assert_eq!(encoded.len() as u64, 3, "the default, one more at once, the default again: {events:#?}");
    assert!(begins["at_most_seconds"].as_u64() >= begins["about_seconds"].as_u64());
    for trial in &encoded {
        let number = |field: &str| trial[field].as_f64().unwrap_or_else(|| panic!("{field}: {trial}"));
        assert!(number("clips") >= number("at_once"), "{trial}");
        assert!(number("clips_per_second") > 0.0 && number("frames_per_second") > 0.0, "{trial}");
        // Two seconds a clip and what silence there is around it.
        let seconds = number("encoded_seconds_per_second") * number("seconds") / number("clips");
        assert!((1.9..2.7).contains(&seconds), "{seconds}: {trial}");
        assert!(number("cpu_seconds_per_clip") > 0.01 && number("peak_memory_bytes") > 1e6, "{trial}");
    }
    let [asked] = of(&events, "asked")[..] else { panic!("{events:#?}") };
    assert_eq!((&asked["model"], &asked["errors"]), (&"offline/lexicon".into(), &serde_json::json!({})));
    assert!(asked["chunks_per_second"].as_f64().unwrap() > 1.0, "{asked}");
    let [advice] = of(&events, "advice")[..] else { panic!("{events:#?}") };
    let fragment = dir.path().join("langflix.yaml");
    fs::write(&fragment, advice["yaml"].as_str().unwrap()).unwrap();
    Config::load(&Sources::of_process(Some(&fragment), Vec::new())).unwrap();
    fs::remove_file(fragment).unwrap();
    assert_eq!(left(dir.path()), Vec::<String>::new());
}

#[test]
fn people_read_a_table_and_what_would_be_set() {
    let dir = tempdir().unwrap();
    let said = said(&mut bench(dir.path()));
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert!(said.err.contains("This takes about ") && said.err.contains("libx264 fast/23, "), "{said:#?}");
    assert!(said.out.starts_with("ENCODER  PRESET  CRF/CQ"), "{said:#?}");
    assert!(said.out.contains("offline/lexicon, which costs nothing"), "{said:#?}");
    let stays = said.out.contains("the defaults are best here") || said.out.contains("quicker than the defaults");
    assert!(stays || said.out.contains("max_concurrent_jobs: "), "{said:#?}");
}

#[test]
fn a_provider_is_asked_only_where_that_is_said() {
    let dir = tempdir().unwrap();
    let teacher = Teacher::new();
    let not_asked = said(bench(dir.path()).args(teacher.arguments()));
    assert_eq!((not_asked.code, teacher.requests()), (Some(0), 0), "{not_asked:#?}");
    assert!(not_asked.out.contains("openai/teacher was not asked, since that may cost money: --ask-provider asks it"));
    let prices = ["--set", "llm.input_price=1000", "--set", "llm.output_price=2000"];
    let more = ["--ask-provider", "--chunks", "5", "--json"];
    let asked = said(bench(dir.path()).args(teacher.arguments()).args(prices).args(more));
    assert_eq!((asked.code, teacher.requests()), (Some(0), 5), "{asked:#?}");
    assert!(teacher.asked().values().all(|times| *times == 1), "no chunk twice");
    let events = events(&asked);
    let [level] = of(&events, "asked")[..] else { panic!("{events:#?}") };
    assert_eq!((&level["at_once"], &level["chunks"], &level["input_tokens"]), (&2.into(), &5.into(), &500.into()));
    assert_eq!((level["cost"].as_f64(), &level["currency"]), (Some(1.0), &"USD".into()));
}

#[test]
fn a_provider_that_refuses_leaves_the_rest_measured() {
    let dir = tempdir().unwrap();
    let teacher = Teacher::refusing(429);
    let said = said(bench(dir.path()).args(teacher.arguments()).args(["--ask-provider", "--chunks", "3"]));
    assert_eq!((said.code, teacher.requests()), (Some(2), 3), "{said:#?}");
    assert!(said.out.contains("rate_limited 3"), "{said:#?}");
    assert!(said.out.contains("set llm.requests_per_minute"), "{said:#?}");
}

#[test]
fn a_missing_key_is_told_before_anything_is_measured() {
    let dir = tempdir().unwrap();
    let said = said(bench(dir.path()).args(["--provider", "gemini", "--ask-provider"]));
    assert_eq!((said.code, said.out.as_str()), (Some(64), ""), "{said:#?}");
    assert!(complaint(&said).contains("GEMINI_API_KEY"), "{said:#?}");
}

#[test]
fn without_ffmpeg_nothing_is_measured() {
    let dir = tempdir().unwrap();
    let said = said(bench(dir.path()).env("PATH", dir.path()));
    assert_eq!(said.code, Some(1));
    assert!(complaint(&said).contains("ffmpeg"), "{said:#?}");
}

#[test]
fn ctrl_c_ends_it_within_a_second_and_leaves_nothing() {
    let (dir, bin) = (tempdir().unwrap(), tempdir().unwrap());
    let hang = tools(bin.path(), "case \" $* \" in *' clip.mp4 '*) exec sleep 60;; esac\nexec \"$real\" \"$@\"");
    let path = std::env::join_paths([hang, "/usr/bin".into(), "/bin".into()]).unwrap();
    let mut child = bench(dir.path()).env("PATH", path).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let below = fs::canonicalize(dir.path()).unwrap();
    let at_work = || {
        let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        processes
            .filter(|process| {
                fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&below) && cwd != below)
            })
            .count()
    };
    wait_until("a clip is being encoded", || at_work() > 0);
    let began = Instant::now();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!((at_work(), left(dir.path())), (0, Vec::<String>::new()));
}

use std::{
    collections::BTreeMap,
    num::{NonZeroU8, NonZeroUsize},
    time::Duration,
};

use langflix_domain::{CutMethod, EncodeSpec, Usage};
use langflix_runtime::config::{Config, Sources};

use super::*;

const X264: VideoCodec = VideoCodec::Libx264;
const VAAPI: VideoCodec = VideoCodec::H264Vaapi;
const PRESENT: Present = Present {
    asked: Asked { slots: 0, threads: 0 },
    chooses_encoder: false,
    requests: 4,
    default_requests: 4,
    requests_per_minute: None,
};

fn rated(role: Role, codec: VideoCodec, asked: (usize, u8), share: (usize, u8), rate: f64) -> Rated {
    let encode = EncodeSpec {
        codec,
        method: CutMethod::Reencode,
        preset: "fast".to_owned(),
        crf: 23,
        threads: NonZeroU8::new(share.1).unwrap(),
        normalize_loudness: false,
    };
    let asked = Asked { slots: asked.0, threads: asked.1 };
    Rated { trial: Trial { role, encode, slots: NonZeroUsize::new(share.0).unwrap(), asked }, rate }
}

fn x264(role: Role, asked: (usize, u8), share: (usize, u8), rate: f64) -> Rated {
    rated(role, X264, asked, share, rate)
}

fn default(rate: f64) -> Rated {
    x264(Role::Default, (0, 0), (2, 6), rate)
}

fn level(at_once: u32, rate: f64, refused: usize) -> Level {
    let refusals = (refused > 0).then(|| ("rate_limited", (refused, "429".to_owned())));
    Level {
        at_once,
        took: Duration::from_secs(10),
        answers: vec![Duration::from_secs(4); (rate * 10.0) as usize],
        errors: refusals.into_iter().collect::<BTreeMap<_, _>>(),
        unanswered: 0,
        usage: Usage::default(),
    }
}

fn asked(levels: Vec<Level>, present: Present) -> Advice {
    let asking = Asking { model: "openai/some".to_owned(), levels };
    Advice::of(&[], Some(&asking), present)
}

fn set(advice: &Advice) -> Vec<(String, &str)> {
    let key = |setting: &Setting| format!("{}.{}", setting.section, setting.key);
    advice.settings.iter().map(|setting| (key(setting), setting.value.as_str())).collect()
}

#[test]
fn what_is_no_quicker_than_the_default_is_not_set() {
    let measured = [default(1.12), x264(Role::AtOnce, (3, 0), (3, 4), 1.15), x264(Role::AtOnce, (1, 0), (1, 6), 0.9)];
    let advice = Advice::of(&measured, None, PRESENT);
    assert_eq!((advice.yaml(), advice.notes.len()), (String::new(), 1));
    assert_eq!(
        advice.notes[0],
        "clips at once and threads: the defaults are best here: 3 at once with 4 threads: 1.15, \
         2 at once with 6 threads: 1.12, 1 at once with 6 threads: 0.900 clips/s"
    );
}

#[test]
fn more_at_once_are_set_where_they_are_quicker_and_the_figures_say_why() {
    let measured = [default(1.0), x264(Role::AtOnce, (3, 0), (3, 4), 1.3), x264(Role::Again, (0, 0), (2, 6), 1.02)];
    let advice = Advice::of(&measured, None, PRESENT);
    assert_eq!(
        advice.yaml(),
        "processing:\n  # 3 at once with 4 threads: 1.30, 2 at once with 6 threads: 1.01 clips/s\n  max_concurrent_jobs: 3\n"
    );
}

#[test]
fn fewer_threads_are_set_by_their_own_key() {
    let measured = [default(1.0), x264(Role::AtOnce, (0, 3), (4, 3), 1.5)];
    let advice = Advice::of(&measured, None, PRESENT);
    assert_eq!(set(&advice), [("video.threads".to_owned(), "3")]);
}

#[test]
fn a_busy_machine_lets_only_large_differences_count_and_is_told_of() {
    let quicker = x264(Role::AtOnce, (3, 0), (3, 4), 1.1);
    let measured = [default(1.0), quicker, x264(Role::Again, (0, 0), (2, 6), 0.7)];
    let advice = Advice::of(&measured, None, PRESENT);
    assert_eq!(set(&advice), []);
    assert!(advice.notes[0].contains("differed by 35 %"), "{:?}", advice.notes);
    assert!(advice.notes[1].contains("nothing is clearly quicker than the defaults"), "{:?}", advice.notes);
}

#[test]
fn another_encoder_is_set_only_where_it_beats_the_one_that_auto_takes() {
    let of = |x264: f64| {
        let default = rated(Role::Default, VAAPI, (0, 0), (2, 2), 2.0);
        let hevc = rated(Role::Encoder, VideoCodec::HevcNvenc, (0, 0), (2, 2), 99.0);
        let software = rated(Role::Encoder, X264, (0, 0), (2, 6), x264);
        let more = rated(Role::AtOnce, X264, (3, 0), (3, 4), x264 * 1.2);
        Advice::of(&[default, hevc, software, more], None, PRESENT)
    };
    let quicker = of(3.0);
    let keys = [("video.hardware_acceleration".to_owned(), "none"), ("processing.max_concurrent_jobs".to_owned(), "3")];
    assert_eq!(set(&quicker), keys);
    assert_eq!(quicker.settings[0].why, "libx264: 3.00 clips/s, h264_vaapi, which `auto` takes: 2.00");
    assert_eq!(set(&of(1.0)), []);
}

#[test]
fn what_is_configured_and_no_better_could_be_left_out() {
    let present = Present { asked: Asked { slots: 6, threads: 0 }, chooses_encoder: true, ..PRESENT };
    let measured = [default(1.0), x264(Role::AtOnce, (6, 0), (6, 2), 0.8)];
    let advice = Advice::of(&measured, None, present);
    assert_eq!(set(&advice), []);
    assert!(advice.notes.iter().all(|note| note.contains("could be left out")), "{:?}", advice.notes);
    assert_eq!(advice.notes.len(), 2);
}

#[test]
fn another_quality_is_told_and_never_set() {
    let fast = x264(Role::Quality, (0, 0), (2, 6), 2.2);
    let advice = Advice::of(&[default(1.0), fast], None, PRESENT);
    assert_eq!(set(&advice), []);
    assert!(advice.notes[1].ends_with("fast/23: 2.20 times as quick"), "{:?}", advice.notes);
}

#[test]
fn more_requests_at_once_are_set_where_the_provider_answers_them_as_quickly() {
    let advice = asked(vec![level(2, 0.5, 0), level(4, 1.0, 0), level(8, 2.0, 0)], PRESENT);
    assert_eq!(
        advice.yaml(),
        "llm:\n  # 2 at once: 0.500, 4 at once: 1.00, 8 at once: 2.00 chunks/s\n  max_concurrent_requests: 8\n"
    );
    let saturated = asked(vec![level(2, 0.9, 0), level(4, 1.0, 0), level(8, 1.0, 0)], PRESENT);
    assert_eq!((set(&saturated), saturated.notes.len()), (vec![], 1));
}

#[test]
fn fewer_requests_are_set_where_the_provider_refuses_more() {
    let advice = asked(vec![level(2, 0.5, 0), level(4, 0.8, 3), level(8, 0.2, 20)], PRESENT);
    assert_eq!(set(&advice), [("llm.max_concurrent_requests".to_owned(), "2")]);
    let none = asked(vec![level(4, 0.5, 3)], PRESENT);
    assert!(none.notes[0].contains("llm.requests_per_minute"), "{:?}", none.notes);
}

#[test]
fn a_limit_a_minute_decides_how_many_are_of_use() {
    let limited = Present { requests_per_minute: Some(120), ..PRESENT };
    let advice = asked(vec![level(4, 1.0, 0)], limited);
    assert_eq!(set(&advice), [("llm.max_concurrent_requests".to_owned(), "8")]);
    let low = asked(vec![level(4, 1.0, 0)], Present { requests_per_minute: Some(30), ..PRESENT });
    assert_eq!((set(&low), low.notes.len()), (vec![], 1));
}

#[test]
fn a_provider_that_answers_nothing_sets_nothing() {
    let broken = asked(vec![level(4, 0.0, 0)], PRESENT);
    assert_eq!(broken, Advice::default());
}

#[test]
fn the_fragment_is_a_configuration() {
    let why = || "2 at once: 1.12 clips/s, `auto`: #1".to_owned();
    let mut advice = Advice::default();
    advice.set("video", "hardware_acceleration", "none".to_owned(), why());
    advice.set("video", "threads", "3".to_owned(), why());
    advice.set("processing", "max_concurrent_jobs", "2".to_owned(), why());
    advice.set("llm", "max_concurrent_requests", "9".to_owned(), why());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("langflix.yaml");
    std::fs::write(&file, advice.yaml()).unwrap();
    let config = Config::load(&Sources::of_process(Some(&file), Vec::new())).unwrap();
    assert_eq!((config.video.threads, config.processing.max_concurrent_jobs), (3, 2));
    assert_eq!(config.llm.max_concurrent_requests.get(), 9);
}

use super::*;

fn episode(number: u16, phase: Phase) -> Episode {
    Episode {
        run: RunId::parse(&format!("suits-s01e{number:02}-0123abcd")).unwrap(),
        show: "suits".to_owned(),
        show_name: Some("Suits".to_owned()),
        season: 1,
        number,
        phase,
        status: None,
        cancelled: false,
        analysis: None,
        encoding: None,
        failed: 0,
    }
}

fn count(done: usize, tasks: usize) -> Option<Progress> {
    Some(Progress { done, tasks, failed: None })
}

fn ended(number: u16, status: EpisodeStatus, failed: usize) -> Episode {
    let of = episode(number, Phase::Ended);
    Episode { status: Some(status), analysis: count(40, 40), encoding: count(20, 20), failed, ..of }
}

/// A season of 24 episodes, `minutes` into it: forty chunks and then twenty clips each, one after the other.
fn season(minutes: usize) -> Vec<Episode> {
    let one = |number: u16| {
        let (chunks, clips) = (minutes * 30, minutes * 12);
        let before = usize::from(number - 1);
        let analysed = chunks.saturating_sub(before * 40).min(40);
        let encoded = clips.saturating_sub(before * 20).min(20);
        match (analysed, encoded) {
            (_, 20) => ended(number, EpisodeStatus::Complete, 0),
            (40, encoded) => {
                Episode { analysis: count(40, 40), encoding: count(encoded, 20), ..episode(number, Phase::Encoding) }
            }
            (0, _) => episode(number, Phase::Waiting),
            (analysed, _) => Episode { analysis: count(analysed, 40), ..episode(number, Phase::Analysis) },
        }
    };
    (1..=24).map(one).collect()
}

fn queues() -> Vec<Queue> {
    let queue = |name: &str, ready, waiting, consumers, parked| Queue {
        name: name.to_owned(),
        ready,
        waiting,
        consumers,
        dead: 0,
        parked,
    };
    vec![
        queue("episodes.v1", 0, 0, 1, 0),
        queue("analysis.bulk.v1", 1200, 7, 8, 1),
        queue("encoding.bulk.v1", 12, 0, 0, 5),
    ]
}

fn failures() -> Vec<Failed> {
    let failed = |number: u16, label: &str, message: &str| Failed {
        run: RunId::parse(&format!("suits-s01e{number:02}-0123abcd")).unwrap(),
        label: label.to_owned(),
        message: message.to_owned(),
    };
    vec![
        failed(
            2,
            "clip “오징어 게임”",
            "s3://media/suits/S01E02.mkv: 0:10:00.000 to 0:10:04.000 came out as 0:00:01.000",
        ),
        failed(1, "chunk 7", "the model declines this text\u{1b}[2J"),
    ]
}

/// The season as it was seen each minute up to this one.
fn watched(minutes: usize, last: Seen) -> Screen {
    let mut screen = Screen::default();
    for minute in 0..minutes {
        let at = Duration::from_secs(60 * minute as u64);
        screen.look(at, Seen { episodes: season(minute), ..Seen::default() });
    }
    screen.look(Duration::from_secs(60 * minutes as u64), last);
    screen
}

fn in_the_middle() -> Screen {
    let mut episodes = season(8);
    episodes[0] = ended(1, EpisodeStatus::Partial, 2);
    episodes[1].failed = 1;
    episodes[4].cancelled = true;
    watched(8, Seen { episodes, failures: failures(), queues: Some(Ok(queues())), trouble: None })
}

fn drawn(screen: &Screen, width: usize, height: usize) -> String {
    let lines = screen.lines(width, height, false);
    assert!(lines.len() <= height, "{lines:#?}");
    for line in &lines {
        assert!(unicode_width::UnicodeWidthStr::width(line.as_str()) <= width, "{line}");
    }
    lines.join("\n")
}

#[test]
fn a_season_in_the_middle() {
    insta::assert_snapshot!(drawn(&in_the_middle(), 120, 30));
    insta::assert_snapshot!("in_80_columns", drawn(&in_the_middle(), 80, 30));
    insta::assert_snapshot!("in_60_columns", drawn(&in_the_middle(), 60, 30));
    insta::assert_snapshot!("in_40_columns", drawn(&in_the_middle(), 40, 30));
}

#[test]
fn no_terminal_is_so_narrow_that_figures_are_cut() {
    let mut episodes = season(400);
    episodes[3] = Episode { failed: 12, ..ended(4, EpisodeStatus::Partial, 0) };
    episodes.truncate(4);
    let open = |number, failed| Episode {
        analysis: count(40, 40),
        encoding: count(1116, 1200),
        failed,
        ..episode(number, Phase::Encoding)
    };
    episodes.extend([open(5, 3), open(6, 0)]);
    let seen = Seen { episodes, queues: Some(Ok(queues())), ..Seen::default() };
    for width in 40..=120 {
        let text = drawn(&watched(0, seen.clone()), width, 40);
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for figure in [
            "3 complete",
            "1 partial",
            "2 open",
            "15 failures",
            "2312/2480 clips",
            "S01E05 encoding",
            "1116/1200",
            "3 failed",
            "6 set aside",
            "1200 ready",
            "7 later",
            "8 consumers",
            "12 ready",
        ] {
            assert!(words.contains(figure), "{figure} in {width} columns:\n{text}");
        }
    }
}

#[test]
fn a_low_terminal_shows_what_matters_most() {
    insta::assert_snapshot!(drawn(&in_the_middle(), 100, 10));
    insta::assert_snapshot!("one_line", drawn(&in_the_middle(), 100, 1));
}

#[test]
fn before_anything_is_known_nothing_is_guessed() {
    let seen = Seen { episodes: season(0), queues: Some(Err("no answer within 10 s".to_owned())), ..Seen::default() };
    insta::assert_snapshot!(drawn(&watched(0, seen), 80, 24));
}

#[test]
fn at_the_end_all_is_told_in_a_few_lines() {
    let mut episodes = season(100);
    episodes[3] = ended(4, EpisodeStatus::Failed, 60);
    let trouble = Some("store: no answer; tried again".to_owned());
    let seen = Seen { episodes, queues: Some(Ok(Vec::new())), trouble, ..Seen::default() };
    insta::assert_snapshot!(drawn(&watched(3, seen), 80, 24));
}

#[test]
fn runs_of_several_shows_are_told_apart() {
    let other = Episode {
        show: "dark".to_owned(),
        show_name: None,
        run: RunId::parse("dark-s01e01-0123abcd").unwrap(),
        ..episode(1, Phase::Selection)
    };
    let other = Episode { analysis: count(12, 12), ..other };
    let again = Episode { run: RunId::parse("suits-s01e01-89abcdef").unwrap(), ..episode(1, Phase::Analysis) };
    let seen = Seen { episodes: vec![other, ended(1, EpisodeStatus::Complete, 0), again], ..Seen::default() };
    insta::assert_snapshot!(drawn(&watched(0, seen), 80, 24));
}

#[test]
fn a_long_name_takes_nothing_from_the_figures_and_is_no_command() {
    let name = Some(format!("{}\u{1b}[2J\n{}", "오징어 게임 ".repeat(3), "x".repeat(200)));
    let named = Episode {
        show: "squid-game".to_owned(),
        show_name: name,
        run: RunId::parse("squid-game-s01e01-0123abcd").unwrap(),
        ..episode(1, Phase::Encoding)
    };
    let named = Episode { analysis: count(40, 40), encoding: count(7, 20), ..named };
    let of = |episodes| watched(0, Seen { episodes, ..Seen::default() });
    insta::assert_snapshot!(drawn(&of(vec![named.clone(), episode(2, Phase::Selection)]), 60, 24));
    let alone = drawn(&of(vec![named]), 40, 24);
    let alone = alone.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(alone.contains("1 episode: 1 open") && alone.contains("7/20 clips"), "{alone}");
}

#[test]
fn colours_are_only_where_they_are_asked_for() {
    let painted = in_the_middle().lines(100, 30, true).join("\n");
    assert!(painted.contains("\x1b[31m") && painted.contains("\x1b[32m"), "{painted}");
    assert!(!drawn(&in_the_middle(), 100, 30).contains('\x1b'));
}

#[test]
fn the_estimate_follows_the_rate_and_waits_for_it() {
    // Twelve clips a minute and 480 of them: forty minutes.
    for (minutes, left) in
        [(0, None), (1, None), (10, Some("about 30 min left")), (39, Some("about 1 min left")), (40, None)]
    {
        let screen = watched(minutes, Seen { episodes: season(minutes), ..Seen::default() });
        assert_eq!(screen.left().as_deref(), left, "after {minutes} min");
    }
    // Nothing was done for as long as is looked back.
    let mut screen = watched(10, Seen { episodes: season(10), ..Seen::default() });
    for minute in 11..15 {
        screen.look(Duration::from_secs(60 * minute), Seen { episodes: season(10), ..Seen::default() });
    }
    assert_eq!(screen.left(), None);
}

#[test]
fn what_was_done_before_anybody_looked_is_no_rate() {
    let mut screen = Screen::default();
    for second in [0, 30, 60] {
        screen.look(Duration::from_secs(second), Seen { episodes: season(20), ..Seen::default() });
    }
    assert!(!drawn(&screen, 80, 24).contains("a minute"));
}

#[test]
fn a_line_says_what_was_done_and_what_failed_last() {
    assert_eq!(
        in_the_middle().line(),
        "Suits S01: 4/24 ended, chunks 240/240+, clips 96/120+, 3 failed, the last: clip “오징어 게임”: \
         s3://media/suits/S01E02.mkv: 0:10:00.000 to 0:10:04.000 came out as 0:00:01.000"
    );
}

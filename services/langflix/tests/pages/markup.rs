use langflix::pages::{episode, season};
use langflix_testkit::nasty::nasty;

use crate::fixture;

/// Tags with their attributes' names, in order: what a page is made of, without its texts. A `>` in a value would cut
/// a tag short and so change the result as well.
fn skeleton(page: &str) -> Vec<String> {
    let tag = |piece: &str| {
        let tag = piece.split('>').next().unwrap_or_default();
        tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
    };
    page.split('<').skip(1).map(tag).collect()
}

/// The page's body, a line for each tag.
fn body(page: &str) -> String {
    let body = &page[page.find("<body>").unwrap()..page.rfind("<script>").unwrap()];
    body.replace('<', "\n<").replace("\n</", "</").trim().to_owned()
}

#[test]
fn hostile_text_changes_no_tag_and_no_attribute() {
    let calm = fixture::filled_with("calm");
    // What is empty is left out, with its heading.
    for hostile in nasty().into_iter().filter(|text| !text.trim().is_empty()) {
        let manifest = fixture::filled_with(&hostile);
        assert_eq!(skeleton(&episode(&manifest)), skeleton(&episode(&calm)), "{hostile:?}");
        let expected = skeleton(&season("calm", std::slice::from_ref(&calm), &[fixture::unread("calm")]));
        assert_eq!(skeleton(&season(&hostile, &[manifest], &[fixture::unread(&hostile)])), expected, "{hostile:?}");
    }
}

#[test]
fn no_control_character_reaches_a_page() {
    let page = episode(&fixture::filled_with("a\0b\u{1b}c\u{85}d\r\ne"));
    assert!(page.contains("a\u{fffd}b\u{fffd}c\u{fffd}d\ne"));
    let found = page.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
    assert_eq!(found, None);
}

#[test]
fn nothing_on_a_page_points_outside_the_show_s_folder() {
    let mut manifest = fixture::complete(1);
    manifest.clips[0].files.as_mut().unwrap().video = "https://example.org/x.mp4".to_owned();
    manifest.clips[0].files.as_mut().unwrap().poster = "../../secret.jpg".to_owned();
    for page in [episode(&manifest), season("Show", &[manifest], &[fixture::unread("empty")])] {
        let outside = |value: &&str| ["http", "//", "../"].iter().any(|start| value.starts_with(start));
        let outside: Vec<&str> = page.split('"').filter(outside).filter(|&value| value != "../index.html").collect();
        assert_eq!(outside, Vec::<&str>::new());
        assert!(!page.contains(" style=") && !page.contains(" onclick="));
    }
}

#[test]
fn a_page_with_a_hundred_clips_of_eight_lines_stays_under_400_kb() {
    let mut manifest = fixture::complete(100);
    for clip in &mut manifest.clips {
        let cue = clip.cues[0].clone();
        clip.cues.resize(8, cue);
    }
    let page = episode(&manifest);
    assert!(page.contains("id=\"clip-100\""));
    assert!(page.len() < 400_000, "{} bytes", page.len());
}

#[test]
fn an_episode_reads_like_this() {
    insta::assert_snapshot!(body(&episode(&fixture::partial())));
}

#[test]
fn a_dry_run_shows_every_expression_and_no_player() {
    let page = body(&episode(&fixture::dry_run()));
    for shown in ["3 expressions, no clips made yet", "0:01:02</time>", "turn up", "나타나다"] {
        assert!(page.contains(shown), "{shown}");
    }
    for absent in ["<video", "data-from", ".mp4", "No clip:"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn missing_translations_leave_nothing_behind() {
    let mut manifest = fixture::complete(3);
    for clip in &mut manifest.clips {
        (clip.translation, clip.line_translation) = (None, None);
        clip.cues.iter_mut().for_each(|cue| cue.translation = None);
    }
    assert!(!body(&episode(&manifest)).contains("class=\"translation\""));
}

#[test]
fn a_season_lists_its_episodes_in_their_order() {
    let numbered = |season, episode| fixture::numbered(fixture::complete(2), season, episode);
    let mut later = fixture::numbered(fixture::partial(), 2, 1);
    later.clips[0].files = None;
    let page = season("Night Ferry", &[numbered(1, 10), later, numbered(1, 2), numbered(0, 1)], &[]);
    let links: Vec<_> = page.split("href=\"").filter_map(|rest| rest.split("/index.html\"").next()).skip(2).collect();
    assert_eq!(links, ["S00E01", "S01E02", "S01E10", "S02E01"]);
    assert!(page.contains("4 episodes, 7 clips, 2 failures"));
    assert!(page.contains("src=\"S02E01/clips/03-have-a-soft-spot-for-someone.jpg\""), "the first poster there is");
    insta::assert_snapshot!(body(&season(
        "Night Ferry",
        &[numbered(1, 2)],
        &[fixture::unread("Night.Ferry.S01E09.srt is empty")]
    )));
}

//! What every roster does, whatever it stands on.

use std::time::Duration;

use futures::future::join_all;
use langflix_ports::roster::{Error, LONGEST, Roster};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(400);

/// Holds an empty `roster` to all that [`Roster`] promises; `pass` lets time pass.
///
/// # Panics
/// Where the roster breaks a promise.
pub async fn roster_contract<F: Future<Output = ()>>(roster: &dyn Roster, pass: impl Fn(Duration) -> F) {
    assert_eq!(names(roster).await, [""; 0], "nobody is there who did not say so");
    a_service_says_the_last_thing_it_said(roster, &pass).await;
    one_that_withdraws_is_gone(roster).await;
    one_that_says_no_more_is_forgotten_and_no_other(roster, &pass).await;
    many_are_there_at_once(roster).await;
    any_text_is_given_back_and_too_long_a_one_is_refused(roster).await;
}

#[track_caller]
fn must<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| panic!("{error}"))
}

async fn names(roster: &dyn Roster) -> Vec<String> {
    must(roster.list().await).into_iter().map(|present| present.id).collect()
}

async fn a_service_says_the_last_thing_it_said<F: Future<Output = ()>>(
    roster: &dyn Roster,
    pass: &impl Fn(Duration) -> F,
) {
    must(roster.announce("b", "early", LONG).await);
    must(roster.announce("a", "other", LONG).await);
    must(roster.announce("b", "late", LONG).await);
    pass(SHORT).await;
    let all = must(roster.list().await);
    let said: Vec<(&str, &str)> = all.iter().map(|present| (&*present.id, &*present.text)).collect();
    assert_eq!(said, [("a", "other"), ("b", "late")]);
    assert!(all.iter().all(|present| present.ago >= SHORT / 2 && present.ago < LONG), "{all:?}");
}

async fn one_that_withdraws_is_gone(roster: &dyn Roster) {
    must(roster.withdraw("b").await);
    must(roster.withdraw("b").await);
    must(roster.withdraw("never").await);
    assert_eq!(names(roster).await, ["a"]);
    must(roster.withdraw("a").await);
    assert_eq!(names(roster).await, [""; 0]);
}

async fn one_that_says_no_more_is_forgotten_and_no_other<F: Future<Output = ()>>(
    roster: &dyn Roster,
    pass: &impl Fn(Duration) -> F,
) {
    must(roster.announce("stays", "", LONG).await);
    must(roster.announce("goes", "", SHORT).await);
    pass(SHORT * 2).await;
    assert_eq!(names(roster).await, ["stays"]);
    // Nobody comes back by what another says.
    must(roster.announce("new", "", SHORT).await);
    pass(SHORT * 2).await;
    assert_eq!(names(roster).await, ["stays"]);
    must(roster.withdraw("stays").await);
}

async fn many_are_there_at_once(roster: &dyn Roster) {
    let ids: Vec<String> = (100..300).map(|number| format!("host-{number}/worker")).collect();
    join_all(ids.iter().map(|id| async move { must(roster.announce(id, id, LONG).await) })).await;
    assert_eq!(names(roster).await, ids);
    join_all(ids.iter().map(|id| async move { must(roster.withdraw(id).await) })).await;
    assert_eq!(names(roster).await, [""; 0]);
}

async fn any_text_is_given_back_and_too_long_a_one_is_refused(roster: &dyn Roster) {
    let texts = ["", " ", "1 2 3", "쇼 \"\\\n\r\0 {}", "KEYS[1]"];
    for text in texts {
        must(roster.announce(text, text, LONG).await);
    }
    for present in must(roster.list().await) {
        assert_eq!(present.id, present.text);
    }
    assert_eq!(names(roster).await.len(), texts.len());
    assert!(roster.announce("long", &"x".repeat(LONGEST), LONG).await.is_err(), "no service fills the roster");
    for text in texts {
        must(roster.withdraw(text).await);
    }
    assert_eq!(names(roster).await, [""; 0]);
}

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use langflix_ports::flight::{Error, Flight, Flights, turn};
use langflix_testkit::flight::flights_contract;
use tokio::time::{Instant, sleep, timeout};

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    LetsAllGo,
    LooksBeforeItTakes,
    NeverEnds,
    EndsAtOnce,
    FoldsCase,
    TrimsKeys,
    CutsKeys,
    FailsForTheSecond,
}

struct Memory {
    flaw: Flaw,
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

/// Ends the flight when it is dropped.
struct Held {
    key: String,
    under_way: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.under_way.lock().unwrap().remove(&self.key);
    }
}

#[async_trait]
impl Flights for Memory {
    async fn set_out(&self, key: &str) -> Result<Option<Flight>, Error> {
        let key = match self.flaw {
            Flaw::FoldsCase => key.to_lowercase(),
            Flaw::TrimsKeys => key.trim().to_owned(),
            Flaw::CutsKeys => key.chars().take(1024).collect(),
            _ => key.to_owned(),
        };
        let there = self.under_way.lock().unwrap().contains(&key);
        if self.flaw == Flaw::LooksBeforeItTakes {
            tokio::task::yield_now().await;
        }
        if there && self.flaw == Flaw::FailsForTheSecond {
            return Err(Error { message: "busy".to_owned() });
        }
        if there && self.flaw != Flaw::LetsAllGo {
            return Ok(None);
        }
        self.under_way.lock().unwrap().insert(key.clone());
        let held = Held { key, under_way: self.under_way.clone() };
        Ok(Some(match self.flaw {
            Flaw::NeverEnds => Flight::new(std::mem::ManuallyDrop::new(held)),
            Flaw::EndsAtOnce => Flight::new(()),
            _ => Flight::new(held),
        }))
    }
}

async fn found(flaw: Flaw) -> Option<String> {
    verdict(flights_contract(&Memory { flaw, under_way: Arc::default() })).await
}

#[tokio::test]
async fn sound_flights_pass() {
    assert_eq!(found(Flaw::None).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_turn_comes_when_the_other_has_landed_and_in_any_case_after_five_minutes() {
    let flights = Memory { flaw: Flaw::None, under_way: Arc::default() };
    let first = turn(&flights, "key").await;
    assert!(first.is_some() && timeout(Duration::from_secs(200), turn(&flights, "key")).await.is_err());
    let (second, ()) = tokio::join!(turn(&flights, "key"), async {
        sleep(Duration::from_secs(100)).await;
        drop(first);
    });
    assert!(second.is_some());
    let began = Instant::now();
    assert!(turn(&flights, "key").await.is_none(), "the second is still under way");
    // The last wait, up to two seconds long, is not begun where it would end too late.
    assert!((298..=301).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_cannot_be_asked_keeps_nobody_waiting() {
    let flights = Memory { flaw: Flaw::FailsForTheSecond, under_way: Arc::default() };
    let _first = turn(&flights, "key").await;
    assert!(turn(&flights, "key").await.is_none());
}

// The suite is patient with flights that do not end; the clock it waits by runs ahead here.
#[tokio::test(start_paused = true)]
async fn each_flaw_of_flights_is_found_by_what_it_breaks() {
    let flaws = [
        (Flaw::LetsAllGo, "a second sets out"),
        (Flaw::LooksBeforeItTakes, "exactly one of many"),
        (Flaw::NeverEnds, "goes on after it was dropped"),
        (Flaw::EndsAtOnce, "a second sets out"),
        (Flaw::FoldsCase, "taken for another key"),
        (Flaw::TrimsKeys, "taken for another key"),
        (Flaw::CutsKeys, "taken for another key"),
        (Flaw::FailsForTheSecond, "busy"),
    ];
    for (flaw, says) in flaws {
        let verdict = found(flaw).await;
        assert!(verdict.as_ref().is_some_and(|text| text.contains(says)), "{flaw:?}: {verdict:?}");
    }
}

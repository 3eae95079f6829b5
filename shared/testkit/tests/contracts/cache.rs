use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use async_trait::async_trait;
use langflix_ports::cache::{Cache, Error};
use langflix_testkit::cache::cache_contract;

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    KeepsTheFirst,
    TrimsKeys,
    FoldsCase,
    CutsKeys,
    KeepsTextOnly,
    LosesEmptyValues,
    NeverExpires,
    ExpiresAtOnce,
    KeepsTheFirstTime,
    ShowsWhatHasNoTime,
    RefusesForEver,
}

/// Values with the moment they expire.
struct Memory {
    flaw: Flaw,
    now: Mutex<Duration>,
    values: Mutex<BTreeMap<String, (Vec<u8>, Duration)>>,
}

impl Memory {
    fn with(flaw: Flaw) -> Self {
        Self { flaw, now: Mutex::default(), values: Mutex::default() }
    }

    fn key(&self, key: &str) -> String {
        match self.flaw {
            Flaw::TrimsKeys => key.trim().to_owned(),
            Flaw::FoldsCase => key.to_lowercase(),
            Flaw::CutsKeys => key.chars().take(1024).collect(),
            _ => key.to_owned(),
        }
    }
}

#[async_trait]
impl Cache for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let now = *self.now.lock().unwrap();
        let found = self.values.lock().unwrap().get(&self.key(key)).cloned();
        let fresh = |expires: Duration| match self.flaw {
            Flaw::NeverExpires => true,
            Flaw::ShowsWhatHasNoTime => expires >= now,
            _ => expires > now,
        };
        let value = found.filter(|(_, expires)| fresh(*expires)).map(|(value, _)| value);
        Ok(value.filter(|value| !value.is_empty() || self.flaw != Flaw::LosesEmptyValues))
    }

    async fn put(&self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        if self.flaw == Flaw::RefusesForEver && ttl == Some(Duration::MAX) {
            return Err(Error { message: "out of range".to_owned() });
        }
        let now = *self.now.lock().unwrap();
        let (key, mut values) = (self.key(key), self.values.lock().unwrap());
        let mut expires = ttl.map_or(Duration::MAX, |ttl| now.saturating_add(ttl));
        let mut value = value.to_owned();
        match (self.flaw, values.get(&key)) {
            (Flaw::KeepsTheFirst, Some(_)) => return Ok(()),
            (Flaw::KeepsTheFirstTime, Some((_, first))) => expires = *first,
            (Flaw::ExpiresAtOnce, _) if ttl.is_some() => expires = now,
            (Flaw::KeepsTextOnly, _) => value = String::from_utf8_lossy(&value).into_owned().into_bytes(),
            _ => {}
        }
        values.insert(key, (value, expires));
        Ok(())
    }
}

async fn found(flaw: Flaw) -> Option<String> {
    let cache = Memory::with(flaw);
    verdict(cache_contract(&cache, async |by| *cache.now.lock().unwrap() += by)).await
}

#[tokio::test]
async fn a_sound_cache_passes() {
    assert_eq!(found(Flaw::None).await, None);
}

// The suite is patient with what does not expire; the clock it waits by runs ahead here.
#[tokio::test(start_paused = true)]
async fn each_flaw_of_a_cache_is_found_by_what_it_breaks() {
    let flaws = [
        (Flaw::KeepsTheFirst, "left == right"),
        (Flaw::TrimsKeys, "left == right"),
        (Flaw::FoldsCase, "left == right"),
        (Flaw::CutsKeys, "left == right"),
        (Flaw::KeepsTextOnly, "bytes changed"),
        (Flaw::LosesEmptyValues, "0 bytes changed"),
        (Flaw::NeverExpires, "long after it expired"),
        (Flaw::ExpiresAtOnce, "before its time"),
        (Flaw::KeepsTheFirstTime, "long after it expired"),
        (Flaw::ShowsWhatHasNoTime, "no time to live"),
        (Flaw::RefusesForEver, "out of range"),
    ];
    for (flaw, says) in flaws {
        let verdict = found(flaw).await;
        assert!(verdict.as_ref().is_some_and(|text| text.contains(says)), "{flaw:?}: {verdict:?}");
    }
}

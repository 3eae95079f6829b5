use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use async_trait::async_trait;
use langflix_domain::{RunId, Stage, TaskId};
use langflix_ports::tally::{Error, Tally};
use langflix_testkit::tally::tally_contract;

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    CountsTwice,
    MixesStages,
    MixesRuns,
    CountsBeforeItAdds,
    CountsLater,
    ForgetsNothing,
    ForgetsTheRun,
    ForgetsEverything,
    FailsForWhatIsMissing,
}

struct Memory {
    flaw: Flaw,
    told: Mutex<BTreeMap<(String, &'static str), Vec<TaskId>>>,
}

impl Memory {
    fn key(&self, run: &RunId, stage: Stage) -> (String, &'static str) {
        match self.flaw {
            Flaw::MixesStages => (run.to_string(), ""),
            Flaw::MixesRuns => (String::new(), stage.as_str()),
            _ => (run.to_string(), stage.as_str()),
        }
    }

    fn count(&self, key: &(String, &'static str)) -> u32 {
        let told = self.told.lock().unwrap();
        let Some(tasks) = told.get(key) else { return 0 };
        let distinct: BTreeSet<_> = tasks.iter().collect();
        let count = if self.flaw == Flaw::CountsTwice { tasks.len() } else { distinct.len() };
        u32::try_from(count).unwrap()
    }
}

#[async_trait]
impl Tally for Memory {
    async fn done(&self, run: &RunId, stage: Stage, task: &TaskId) -> Result<u32, Error> {
        let key = self.key(run, stage);
        let before = self.count(&key);
        self.told.lock().unwrap().entry(key.clone()).or_default().push(task.clone());
        if self.flaw == Flaw::CountsLater {
            tokio::task::yield_now().await;
        }
        Ok(if self.flaw == Flaw::CountsBeforeItAdds { before } else { self.count(&key) })
    }

    async fn forget(&self, run: &RunId, stage: Stage) -> Result<(), Error> {
        let key = self.key(run, stage);
        let mut told = self.told.lock().unwrap();
        let was = told.contains_key(&key);
        match self.flaw {
            Flaw::ForgetsNothing => {}
            Flaw::ForgetsTheRun => told.retain(|(other, _), _| *other != key.0),
            Flaw::ForgetsEverything => told.clear(),
            Flaw::FailsForWhatIsMissing if !was => return Err(Error { message: "missing".to_owned() }),
            _ => drop(told.remove(&key)),
        }
        Ok(())
    }
}

async fn found(flaw: Flaw) -> Option<String> {
    verdict(tally_contract(&Memory { flaw, told: Mutex::default() })).await
}

#[tokio::test]
async fn a_sound_tally_passes() {
    assert_eq!(found(Flaw::None).await, None);
}

#[tokio::test]
async fn each_flaw_of_a_tally_is_found_by_what_it_breaks() {
    let flaws = [
        (Flaw::CountsTwice, "a task counts once"),
        (Flaw::MixesStages, "is counted with another"),
        (Flaw::MixesRuns, "is counted with another"),
        (Flaw::CountsBeforeItAdds, "a task counts once"),
        (Flaw::CountsLater, "each other another number"),
        (Flaw::ForgetsNothing, "is counted anew"),
        (Flaw::ForgetsTheRun, "nothing else is"),
        (Flaw::ForgetsEverything, "nothing else is"),
        (Flaw::FailsForWhatIsMissing, "missing"),
    ];
    for (flaw, says) in flaws {
        let verdict = found(flaw).await;
        assert!(verdict.as_ref().is_some_and(|text| text.contains(says)), "{flaw:?}: {verdict:?}");
    }
}

use std::{collections::BTreeMap, fs, path::Path, sync::Mutex};

use async_trait::async_trait;
use langflix_ports::store::{ArtifactStore, Error, ErrorKind, Put};
use langflix_testkit::store::store_contract;

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    LooksBeforeItWrites,
    LastWriterWins,
    WritesInParts,
    TakesTheFileAway,
    KeepsNoEmptyValue,
    TakesAnyName,
    TakesLongNames,
    TakesKeysForUrls,
    FoldsCase,
    FailsForWhatIsMissing,
    WritesWhatIsMissing,
    DownloadsOverTheOld,
    LeavesFilesBehind,
    DeletesOnlyWhatIsThere,
    DeletesFolders,
    ListsWholeNamesOnly,
    ListsBackwards,
    ListsOnePage,
    ListsOutside,
    HidesWhichFileIsMissing,
}

struct Memory {
    flaw: Flaw,
    artifacts: Mutex<BTreeMap<String, Vec<u8>>>,
}

fn error(kind: ErrorKind, key: &str, message: &str) -> Error {
    Error { kind, key: key.to_owned(), message: message.to_owned() }
}

impl Memory {
    fn with(flaw: Flaw) -> Self {
        Self { flaw, artifacts: Mutex::default() }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn key(&self, key: &str) -> Result<String, Error> {
        let fits = |part: &str| part.len() <= 255 || self.has(Flaw::TakesLongNames);
        let part =
            |part: &str| !part.is_empty() && !part.starts_with('.') && !part.contains(['\\', '\0']) && fits(part);
        if !self.has(Flaw::TakesAnyName) && (key.len() > 900 || !key.split('/').all(part)) {
            return Err(error(ErrorKind::InvalidKey, key, "no key"));
        }
        Ok(match self.flaw {
            Flaw::FoldsCase => key.to_lowercase(),
            Flaw::TakesKeysForUrls => key.replace("%20", " "),
            _ => key.to_owned(),
        })
    }

    fn found(&self, key: &str) -> Option<Vec<u8>> {
        self.artifacts.lock().unwrap().get(key).cloned()
    }

    fn keep(&self, key: &str, bytes: &[u8]) {
        self.artifacts.lock().unwrap().insert(key.to_owned(), bytes.to_owned());
    }
}

#[async_trait]
impl ArtifactStore for Memory {
    async fn put_if_absent(&self, key: &str, bytes: &[u8]) -> Result<Put, Error> {
        let key = self.key(key)?;
        let there = self.found(&key);
        if there.is_some_and(|there| !there.is_empty() || !self.has(Flaw::KeepsNoEmptyValue)) {
            if self.has(Flaw::LastWriterWins) {
                self.keep(&key, bytes);
            }
            return Ok(Put::Exists);
        }
        if self.has(Flaw::LooksBeforeItWrites) {
            tokio::task::yield_now().await;
        }
        self.keep(&key, bytes);
        Ok(Put::Created)
    }

    async fn put_file_if_absent(&self, key: &str, path: &Path) -> Result<Put, Error> {
        self.key(key)?;
        let hidden = self.has(Flaw::HidesWhichFileIsMissing);
        let named =
            |_| error(ErrorKind::Unavailable, key, &if hidden { "no file".into() } else { path.to_string_lossy() });
        let bytes = fs::read(path).map_err(named)?;
        if self.has(Flaw::WritesInParts) && self.found(key).is_none() {
            self.keep(key, &bytes[..bytes.len() / 2]);
            tokio::task::yield_now().await;
            self.keep(key, &bytes);
            return Ok(Put::Created);
        }
        if self.has(Flaw::TakesTheFileAway) {
            fs::remove_file(path).unwrap();
        }
        self.put_if_absent(key, &bytes).await
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let found = self.found(&self.key(key)?);
        match self.flaw {
            Flaw::FailsForWhatIsMissing if found.is_none() => Err(error(ErrorKind::Unavailable, key, "no answer")),
            _ => Ok(found),
        }
    }

    async fn download(&self, key: &str, path: &Path) -> Result<(), Error> {
        let found = self.found(&self.key(key)?);
        if self.has(Flaw::WritesWhatIsMissing) {
            fs::write(path, b"").unwrap();
        }
        let mut bytes = found.ok_or_else(|| error(ErrorKind::NotFound, key, "missing"))?;
        if self.has(Flaw::LeavesFilesBehind) {
            fs::write(path.with_extension("part"), &bytes).unwrap();
        }
        if self.has(Flaw::DownloadsOverTheOld) {
            let old = fs::read(path).unwrap_or_default();
            bytes.extend(old.iter().skip(bytes.len()));
        }
        fs::write(path, bytes).unwrap();
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, Error> {
        if !prefix.is_empty() && !self.has(Flaw::ListsOutside) {
            self.key(&if prefix.ends_with('/') { format!("{prefix}x") } else { prefix.to_owned() })?;
        }
        let artifacts = self.artifacts.lock().unwrap();
        let whole =
            |key: &str| key.strip_prefix(prefix).is_some_and(|rest| prefix.ends_with('/') || rest.starts_with('/'));
        let wanted = |key: &String| match self.flaw {
            Flaw::ListsWholeNamesOnly => prefix.is_empty() || whole(key),
            _ => key.starts_with(prefix),
        };
        let mut keys: Vec<String> = artifacts.keys().filter(|key| wanted(key)).cloned().collect();
        match self.flaw {
            Flaw::ListsBackwards => keys.reverse(),
            Flaw::ListsOnePage => keys.truncate(1000),
            _ => {}
        }
        Ok(keys)
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let key = self.key(key)?;
        let mut artifacts = self.artifacts.lock().unwrap();
        let was = artifacts.remove(&key);
        match self.flaw {
            Flaw::DeletesOnlyWhatIsThere if was.is_none() => return Err(error(ErrorKind::NotFound, &key, "missing")),
            Flaw::DeletesFolders => artifacts.retain(|other, _| !other.starts_with(&format!("{key}/"))),
            _ => {}
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_sound_store_passes() {
    assert_eq!(verdict(store_contract(&Memory::with(Flaw::None))).await, None);
}

#[tokio::test]
async fn each_flaw_of_a_store_is_found_by_what_it_breaks() {
    let flaws = [
        (Flaw::LooksBeforeItWrites, "exactly one writer"),
        (Flaw::LastWriterWins, "holds what the winner wrote"),
        (Flaw::WritesInParts, "a part of"),
        (Flaw::TakesTheFileAway, "given"),
        (Flaw::KeepsNoEmptyValue, "left == right"),
        (Flaw::TakesAnyName, "and no error"),
        (Flaw::TakesLongNames, "and no error"),
        (Flaw::TakesKeysForUrls, "left == right"),
        (Flaw::FoldsCase, "left == right"),
        (Flaw::FailsForWhatIsMissing, "no answer"),
        (Flaw::WritesWhatIsMissing, "nothing is written for a key that does not exist"),
        (Flaw::DownloadsOverTheOld, "left == right"),
        (Flaw::LeavesFilesBehind, "nothing is left behind"),
        (Flaw::DeletesOnlyWhatIsThere, "missing"),
        (Flaw::DeletesFolders, "outlives them"),
        (Flaw::ListsWholeNamesOnly, "left == right"),
        (Flaw::ListsBackwards, "left == right"),
        (Flaw::ListsOnePage, "keys are listed"),
        (Flaw::ListsOutside, "and no error"),
        (Flaw::HidesWhichFileIsMissing, "names the file"),
    ];
    for (flaw, says) in flaws {
        let verdict = verdict(store_contract(&Memory::with(flaw))).await;
        assert!(verdict.as_ref().is_some_and(|text| text.contains(says)), "{flaw:?}: {verdict:?}");
    }
}

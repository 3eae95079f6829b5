use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tempfile::TempDir;
use tokio::sync::oneshot;

use super::*;

fn open(root: &TempDir, bound: u64) -> Scratch {
    Scratch::open(root.path(), bound).unwrap()
}

/// Writes so many bytes.
async fn written(path: PathBuf, bytes: usize) -> Result<(), io::Error> {
    tokio::fs::write(path, vec![7; bytes]).await
}

/// A copy of so many bytes, made unless it is there.
async fn copy(scratch: &Scratch, key: &str, bytes: usize) -> Result<Held, HoldError<io::Error>> {
    scratch.hold(key, bytes as u64, |path| written(path, bytes)).await
}

/// All files below the folder but the locks: how many bytes each has.
fn files(root: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else if entry.file_name() != ".lock" {
            found.push(entry.metadata().unwrap().len());
        }
    }
    found.sort_unstable();
    found
}

#[tokio::test]
async fn a_copy_is_made_once_and_used_again() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    assert!(scratch.get("a/../b?c").is_none());
    let made = copy(&scratch, "a/../b?c", 10).await.unwrap();
    assert_eq!(fs::read(made.path()).unwrap(), [7; 10]);
    let again = scratch.hold("a/../b?c", 10, |_| async { Err(io::Error::other("it is there")) }).await.unwrap();
    assert_eq!(again.path(), made.path());
    assert_eq!(scratch.get("a/../b?c").unwrap().path(), made.path());
    assert_eq!(files(root.path()), [10]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_want_a_copy_one_fills_it_and_the_others_wait() {
    let root = tempfile::tempdir().unwrap();
    let (scratch, fills) = (open(&root, 100), Arc::new(AtomicUsize::new(0)));
    let wants = (0..16).map(|_| {
        let (scratch, fills) = (scratch.clone(), fills.clone());
        tokio::spawn(async move {
            let fill = |path| async move {
                fills.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                written(path, 60).await
            };
            let held = scratch.hold("a", 60, fill).await.unwrap();
            fs::read(held.path()).unwrap().len()
        })
    });
    for want in wants.collect::<Vec<_>>() {
        assert_eq!(want.await.unwrap(), 60);
    }
    assert_eq!(fills.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn where_one_who_fills_fails_or_is_dropped_the_next_one_fills() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let (begun, begins) = oneshot::channel();
    let first = tokio::spawn({
        let scratch = scratch.clone();
        async move {
            let fill = |path: PathBuf| async move {
                fs::write(path, "half").unwrap();
                begun.send(()).unwrap();
                std::future::pending::<Result<(), Infallible>>().await
            };
            scratch.hold("a", 80, fill).await.map(drop)
        }
    });
    begins.await.unwrap();
    let second = tokio::spawn({
        let scratch = scratch.clone();
        async move {
            let fill = |path: PathBuf| async move {
                fs::write(path, "half").unwrap();
                Err(io::Error::other("cut off"))
            };
            scratch.hold("a", 80, fill).await.map(drop)
        }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let failed = second.await.unwrap().unwrap_err();
    assert!(matches!(&failed, HoldError::Fill(error) if error.to_string() == "cut off"), "{failed}");
    assert_eq!(files(root.path()), [0; 0]);
    // Nothing is left of what they had reserved.
    copy(&scratch, "b", 100).await.unwrap();
}

#[tokio::test]
async fn the_copy_used_longest_ago_makes_room_and_one_in_use_never_does() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let held = copy(&scratch, "held", 30).await.unwrap();
    for key in ["a", "b"] {
        copy(&scratch, key, 30).await.unwrap();
    }
    drop(scratch.get("a").unwrap());
    copy(&scratch, "c", 40).await.unwrap();
    assert!(scratch.get("a").is_some() && scratch.get("b").is_none());
    assert_eq!(files(root.path()), [30, 30, 40]);
    let refused = copy(&scratch, "d", 71).await.unwrap_err();
    assert!(matches!(refused, HoldError::NoRoom), "{refused}");
    assert_eq!(files(root.path()), [30, 30, 40], "nothing is deleted in vain");
    assert_eq!(fs::read(held.path()).unwrap().len(), 30);
    drop(held);
    copy(&scratch, "d", 71).await.unwrap();
    assert_eq!(files(root.path()), [71]);
}

#[tokio::test]
async fn room_is_taken_before_a_copy_is_filled() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let outer = scratch.hold("a", 60, |path| async {
        let inner = copy(&scratch, "b", 60).await.unwrap_err();
        assert!(matches!(inner, HoldError::NoRoom), "{inner}");
        written(path, 60).await
    });
    outer.await.unwrap();
    assert_eq!(files(root.path()), [60]);
}

#[tokio::test]
async fn a_copy_counts_with_what_it_turned_out_to_be() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let shorter = scratch.hold("shorter", 90, |path| written(path, 10)).await.unwrap();
    let longer = scratch.hold("longer", 10, |path| written(path, 60)).await.unwrap();
    drop((shorter, longer));
    let _held = copy(&scratch, "c", 30).await.unwrap();
    assert_eq!(files(root.path()), [10, 30, 60]);
    let refused = scratch.hold("d", 10, |path| written(path, 71)).await.unwrap_err();
    assert!(matches!(refused, HoldError::NoRoom), "{refused}");
    assert!(files(root.path()).iter().sum::<u64>() <= 100);
}

#[tokio::test]
async fn after_a_crash_what_is_whole_counts_and_what_is_not_is_gone() {
    let root = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    for (key, age) in [("old", 30), ("older", 40), ("new", 10)] {
        let held = copy(&open(&root, 100), key, 30).await.unwrap();
        let file = File::options().append(true).open(held.path()).unwrap();
        file.set_modified(now - Duration::from_secs(age)).unwrap();
    }
    let part = root.path().join("part-0");
    for half in ["incoming/7", "incoming/.langflix-x", "copies/half", "work/clip.mp4"] {
        fs::write(part.join(half), "half").unwrap();
    }
    fs::create_dir(part.join("work/clip-1")).unwrap();
    let scratch = open(&root, 60);
    assert_eq!(files(root.path()), [30, 30]);
    assert!(scratch.get("older").is_none() && scratch.get("old").is_some() && scratch.get("new").is_some());
    assert_eq!(fs::read_dir(scratch.work()).unwrap().count(), 0);
    copy(&scratch, "next", 31).await.unwrap();
    assert_eq!(files(root.path()), [31]);
}

#[tokio::test]
async fn each_process_has_a_part_of_its_own_and_one_that_ended_leaves_nothing_behind() {
    let root = tempfile::tempdir().unwrap();
    let (first, second) = (open(&root, 100), open(&root, 100));
    fs::write(first.work().join("clip.mp4"), "in the making").unwrap();
    copy(&first, "a", 20).await.unwrap();
    let held = copy(&second, "a", 30).await.unwrap();
    assert_ne!(first.work(), second.work());
    drop(second);
    let third = open(&root, 100);
    assert!(held.path().exists(), "a copy in use keeps its part");
    assert_ne!(third.work().parent(), held.path().ancestors().nth(2));
    drop((held, third));
    drop(first);
    let next = open(&root, 100);
    assert!(next.get("a").is_some());
    assert_eq!(files(root.path()), [20]);
}

#[tokio::test]
async fn a_copy_that_others_deleted_is_made_again() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let before = copy(&scratch, "a", 60).await.unwrap();
    fs::remove_file(before.path()).unwrap();
    let after = copy(&scratch, "a", 60).await.unwrap();
    drop(before);
    let refused = copy(&scratch, "b", 60).await.unwrap_err();
    assert!(matches!(refused, HoldError::NoRoom), "{refused}");
    fs::remove_file(after.path()).unwrap();
    drop(after);
    copy(&scratch, "b", 100).await.unwrap();
}

#[tokio::test]
async fn all_that_nobody_holds_is_cleared_away() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let held = copy(&scratch, "a", 10).await.unwrap();
    copy(&scratch, "b", 20).await.unwrap();
    scratch.clear().await.unwrap();
    assert_eq!(files(root.path()), [10]);
    drop(held);
    copy(&scratch, "c", 100).await.unwrap();
    assert_eq!(files(root.path()), [100]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn copies_never_take_more_than_the_bound_whoever_comes_and_goes() {
    let root = tempfile::tempdir().unwrap();
    let scratch = open(&root, 100);
    let workers = (0..8).map(|seed| {
        let scratch = scratch.clone();
        tokio::spawn(async move {
            let mut random = fastrand::Rng::with_seed(seed);
            for _ in 0..60 {
                let size = random.usize(1..40);
                let key = size.to_string();
                let hold = copy(&scratch, &key, size);
                // Some are dropped in the middle.
                let Ok(held) = tokio::time::timeout(Duration::from_micros(random.u64(50..5000)), hold).await else {
                    continue;
                };
                match held {
                    Ok(held) => assert_eq!(fs::read(held.path()).unwrap().len(), size),
                    Err(HoldError::NoRoom) => {}
                    Err(error) => panic!("{error}"),
                }
                let state = scratch.state();
                let copies: u64 = state.copies.values().map(|copy| copy.bytes).sum();
                assert!(copies <= state.taken && state.taken <= 100, "{state:?}");
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    // All that was reserved by those who were dropped is free again.
    while scratch.state().turns.values().any(|turn| turn.strong_count() > 0) {
        tokio::task::yield_now().await;
    }
    copy(&scratch, "whole", 100).await.unwrap();
    assert_eq!(files(root.path()), [100]);
}

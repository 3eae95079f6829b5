use std::sync::{
    Mutex,
    atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst},
};

use proptest::prelude::*;

use super::*;

const LIMIT: u64 = 1_000_000_000;

fn megabytes_used(used: u64) -> Usage {
    Usage { used: used * 1_000_000, limit: LIMIT, enforced: true }
}

fn most(short: Option<Short>) -> Option<u16> {
    short.map(|short| short.most)
}

#[test]
fn memory_is_short_above_80_percent_until_it_is_below_70() {
    let (mut limit, now) = (MemoryLimit::default(), Instant::now());
    let mut look = |used| limit.short(now, megabytes_used(used));
    assert_eq!(look(800), None);
    let short = look(820).unwrap();
    assert_eq!(short.why, "memory: 820 of 1,000 MB are used; no new task is taken above 80 %");
    assert_eq!((look(990), look(701)), (Some(short.clone()), Some(short)), "one reason until there is room");
    assert_eq!((look(700), look(790)), (None, None));
}

#[test]
fn work_as_it_is_planned_leaves_nothing_short() {
    for configured in [0, 1, 400, 1700] {
        let (limit, used) = (memory_budget(configured), memory_for_work(configured));
        let short = |used| MemoryLimit::default().short(Instant::now(), Usage { used, limit, enforced: true });
        assert_eq!(short(used), None);
        assert_ne!(short(used + limit / 100), None, "{used} of {limit} is all that can be");
    }
}

#[test]
fn where_nothing_frees_memory_one_task_at_a_time_is_taken_unless_all_is_gone() {
    let (mut limit, now) = (MemoryLimit::default(), Instant::now());
    let mut look = |after, used| limit.short(now + Duration::from_secs(after), megabytes_used(used));
    assert_eq!((most(look(0, 900)), most(look(59, 900))), (Some(0), Some(0)));
    let short = look(60, 900).unwrap();
    assert_eq!(short.why, "memory: 900 of 1,000 MB are used; one task at a time is taken above 80 %");
    assert_eq!((short.most, most(look(61, 951)), most(look(70, 940))), (1, Some(0), Some(1)));
    assert_eq!((look(71, 600), most(look(72, 900))), (None, Some(0)), "each time anew");
    let wish = Usage { enforced: false, ..megabytes_used(2000) };
    let mut limit = MemoryLimit::default();
    assert_eq!(most(limit.short(now, wish)), Some(0));
    assert_eq!(
        most(limit.short(now + Duration::from_secs(60), wish)),
        Some(1),
        "no kernel ends what goes beyond a wish"
    );
}

#[test]
fn room_is_short_where_no_clip_fits_until_two_do() {
    let room = |free: u64, size: u64| Ok(Room { free: free << 20, size: size << 20, ..Room::default() });
    let mut limit = RoomLimit::default();
    assert_eq!(limit.short(room(64, 1000)), None);
    let short = limit.short(room(63, 1000)).unwrap();
    assert_eq!(short.why, "fleet.scratch_dir: 66 MB are free, and a clip may take 67; no new clip is taken");
    assert_eq!((limit.short(room(127, 1000)), limit.short(room(128, 1000))), (Some(short), None));
    assert_eq!(limit.short(room(20, 80)), None, "a small one is for small clips");
    assert_eq!(most(limit.short(room(19, 80))), Some(0));
    let gone = limit.short(Err(io::Error::other("gone")));
    assert_eq!(most(gone), Some(0));
}

proptest! {
    #[test]
    fn whatever_is_used_and_limited_the_bounds_hold(
        limit in prop_oneof![Just(0), 1..u64::MAX],
        looks in proptest::collection::vec((any::<u64>(), 0..200_u64), 1..50),
    ) {
        let (mut memory, mut now, mut was_short) = (MemoryLimit::default(), Instant::now(), false);
        for (used, after) in looks {
            now += Duration::from_secs(after);
            let used = if limit == 0 { 0 } else { used % (limit.saturating_add(limit / 8)) };
            let part = used as f64 / limit as f64;
            let short = memory.short(now, Usage { used, limit, enforced: true });
            if part > 0.801 || (part > 0.701 && was_short) {
                prop_assert!(short.is_some(), "{part}");
            }
            if part < 0.699 || limit == 0 || (part < 0.799 && !was_short) {
                prop_assert_eq!(&short, &None);
            }
            if let Some(short) = &short {
                prop_assert!(short.most <= 1 && (part < 0.951 || short.most == 0) && !short.why.contains('\n'));
            }
            was_short = short.is_some();
        }
    }

    #[test]
    fn megabytes_are_read_as_they_were_written(bytes in any::<u64>()) {
        let text = megabytes(bytes);
        prop_assert_eq!(text.replace(',', "").parse::<u64>().unwrap(), bytes / 1_000_000);
        prop_assert!(text.rsplit(',').rev().skip(1).all(|three| three.len() == 3));
    }
}

/// A watch of so many MB, and how often it looked.
fn watch(used: &Arc<AtomicU64>) -> (Watch, Arc<AtomicUsize>) {
    let (used, looks) = (Arc::clone(used), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&looks);
    let look = move || -> BoxFuture<'static, Usage> {
        counted.fetch_add(1, SeqCst);
        let used = megabytes_used(used.load(SeqCst));
        Box::pin(async move { used })
    };
    (Watch::of(look), looks)
}

#[tokio::test(start_paused = true)]
async fn it_looks_once_in_five_seconds_and_a_second_after_a_task_has_ended_while_something_is_short() {
    let used = Arc::new(AtomicU64::new(100));
    let (watch, looks) = watch(&used);
    let (mut pressure, shutdown) = (watch.pressure(), Shutdown::default());
    let watching = tokio::spawn(watch.run(shutdown.clone()));
    tokio::time::sleep(Duration::from_millis(59_999)).await;
    assert_eq!(looks.load(SeqCst), 12);
    pressure.look_again();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(looks.load(SeqCst), 13, "nothing is short, nothing is to be found out sooner");
    used.store(900, SeqCst);
    pressure.changed().await;
    assert_eq!(most(pressure.short()), Some(0));
    let began = Instant::now();
    used.store(100, SeqCst);
    (0..10).for_each(|_| pressure.look_again());
    pressure.changed().await;
    assert_eq!((pressure.short(), began.elapsed().as_millis() / 10), (None, 100));
    shutdown.signal();
    watching.await.unwrap();
    pressure.changed().await;
    let never = tokio::time::timeout(Duration::from_secs(3600), pressure.changed()).await;
    assert!(never.is_err(), "nobody looks any more");
}

#[tokio::test(start_paused = true)]
async fn room_is_looked_after_as_well_and_figures_are_told() {
    let health = Health::new("test", "0");
    let room = Arc::new(Mutex::new(Room { used: 5_000_000, bound: 2_000_000_000, free: 0, size: 3_000_000_000 }));
    let looked = Arc::clone(&room);
    let memory = || -> BoxFuture<'static, Usage> { Box::pin(async { megabytes_used(412) }) };
    let room_now = move || -> BoxFuture<'static, io::Result<Room>> {
        let room = *looked.lock().unwrap();
        Box::pin(async move { Ok(room) })
    };
    let watch = Watch::of(memory).with_room(room_now).telling(&health);
    let mut pressure = watch.pressure();
    tokio::spawn(watch.run(Shutdown::default()));
    pressure.changed().await;
    assert!(pressure.short().unwrap().why.starts_with("fleet.scratch_dir: 0 MB are free"));
    let notes: Vec<_> = health.conditions().into_iter().map(|part| (part.name, part.note.unwrap())).collect();
    let said = |name: &str, note: &str| (name.to_owned(), note.to_owned());
    assert_eq!(
        notes,
        [
            said("memory", "412 of 1,000 MB are used"),
            said("scratch", "5 MB are used, by copies of sources 2,000 at most; 0 MB are free"),
        ]
    );
    room.lock().unwrap().free = 1_000_000_000;
    pressure.changed().await;
    assert_eq!(pressure.short(), None);
}

#[tokio::test]
async fn what_a_child_holds_counts_against_the_limit_that_is_set() {
    // As much as a tenth of it, this process takes.
    let (watch, shutdown) = (Watch::new(400), Shutdown::default());
    let mut pressure = watch.pressure();
    let watching = tokio::spawn(watch.run(shutdown.clone()));
    let hold = "x = bytearray(b'1') * 360_000_000\nimport time\ntime.sleep(999)";
    let mut child = std::process::Command::new("python3").args(["-c", hold]).spawn().unwrap();
    let changed =
        async |pressure: &mut Pressure| tokio::time::timeout(Duration::from_secs(60), pressure.changed()).await;
    changed(&mut pressure).await.unwrap();
    let short = pressure.short().unwrap();
    assert!(short.why.contains(" of 419 MB are used; no new task is taken above 80 %"), "{}", short.why);
    child.kill().unwrap();
    child.wait().unwrap();
    pressure.look_again();
    changed(&mut pressure).await.unwrap();
    assert_eq!(pressure.short(), None);
    shutdown.signal();
    watching.await.unwrap();
}

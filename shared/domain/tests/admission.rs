//! What holds for any GPU: how many clips it is given, and when again.

use std::time::{Duration, Instant};

use langflix_domain::{Admission, Gpu, GpuLimits, GpuSample, GpuState, Load, Own, Saturation};
use proptest::prelude::*;

const LIMITS: GpuLimits =
    GpuLimits { max_sessions: None, min_capacity_percent: 10, min_free_memory_mb: 600, max_utilization_percent: 95 };

const IDLE: GpuSample =
    GpuSample { capacity_percent: Some(100), sessions: 0, utilization_percent: Some(0), free_memory_mb: 22_000 };

const PACE: Duration = Duration::from_millis(500);

fn own(sessions: u32) -> Own {
    Own { sessions, load: (0..sessions).map(|_| Load::FULL_HD).sum() }
}

fn allowed(max_sessions: u32) -> GpuLimits {
    GpuLimits { max_sessions: Some(max_sessions), ..LIMITS }
}

fn gpu(uuid: &str, name: &str) -> Gpu {
    Gpu { uuid: uuid.to_owned(), name: name.to_owned(), pci: String::new(), driver: String::new() }
}

fn samples() -> impl Strategy<Value = GpuSample> {
    (prop::option::of(0u8..=100), 0u32..30, prop::option::of(0u8..=100), 0u64..30_000).prop_map(
        |(capacity_percent, sessions, utilization_percent, free_memory_mb)| GpuSample {
            capacity_percent,
            sessions,
            utilization_percent,
            free_memory_mb,
        },
    )
}

/// A worker with clips without end at a driver that takes `cap` sessions, some of which others hold.
struct Worker {
    admission: Admission,
    now: Instant,
    cap: u32,
    others: u32,
    own: u32,
    shown: u32,
    refused: u32,
    opened: u32,
}

impl Worker {
    fn new(limits: GpuLimits, cap: u32) -> Self {
        let (admission, now) = (Admission::new(limits), Instant::now());
        Self { admission, now, cap, others: 0, own: 0, shown: 0, refused: 0, opened: 0 }
    }

    fn state(&mut self) -> GpuState {
        self.admission.admit(self.now, &GpuSample { sessions: self.shown, ..IDLE }, own(self.own))
    }

    /// Half a second, in which `end` clips end and as many are begun as the policy has slots for. The driver shows what
    /// was open half a second ago.
    fn step(&mut self, end: u32) {
        self.now += PACE;
        self.own = self.own.saturating_sub(end);
        let slots = self.state().free_slots();
        self.shown = self.own + self.others;
        for _ in 0..slots {
            let open = self.own + self.others;
            if open < self.cap {
                self.own += 1;
                self.opened += 1;
                self.admission.opened(open + 1);
            } else {
                self.refused += 1;
                self.admission.refused(self.now, open);
            }
        }
    }
}

proptest! {
    #[test]
    fn all_sessions_together_never_exceed_what_the_operator_allows(
        max in 1u32..20, others in 0u32..6, ends in prop::collection::vec(0u32..4, 1..200),
    ) {
        let mut worker = Worker::new(allowed(max), 1000);
        (worker.others, worker.shown) = (others, others);
        for end in ends {
            worker.step(end);
            prop_assert!(worker.own <= max.saturating_sub(others), "{} of ours", worker.own);
        }
    }

    #[test]
    fn slots_and_sessions_together_never_exceed_a_limit(sample in samples(), at_hand in 0u32..40, max in 1u32..30, learned in 0u32..30) {
        let now = Instant::now();
        let mut admission = Admission::new(allowed(max));
        admission.refused(now, learned);
        let slots = admission.admit(now, &sample, own(at_hand)).free_slots();
        let most = max.min(learned.max(1)).max(sample.sessions.min(max));
        prop_assert!(slots == 0 || at_hand.max(sample.sessions) + slots <= most);
    }

    #[test]
    fn better_figures_never_give_fewer_slots(sample in samples(), better in samples(), at_hand in 0u32..10, lighter in 0u32..10) {
        let slots = |sample: &GpuSample, own: Own| Admission::new(allowed(12)).admit(Instant::now(), sample, own).free_slots();
        let before = slots(&sample, own(at_hand));
        let least = |a: Option<u8>, b: Option<u8>| a.zip(b).map(|(a, b)| a.min(b));
        for better in [
            GpuSample { capacity_percent: sample.capacity_percent.max(better.capacity_percent), ..sample },
            // Fewer of others: one of ours that is not shown is still to take its memory.
            GpuSample { sessions: sample.sessions.min(better.sessions.max(at_hand)), ..sample },
            GpuSample { utilization_percent: least(sample.utilization_percent, better.utilization_percent), ..sample },
            GpuSample { free_memory_mb: sample.free_memory_mb.max(better.free_memory_mb), ..sample },
        ] {
            prop_assert!(slots(&better, own(at_hand)) >= before, "{sample:?} {better:?}");
        }
        let light = Own { sessions: at_hand, load: own(lighter.min(at_hand)).load };
        prop_assert!(slots(&sample, light) >= before);
        prop_assert!(slots(&sample, own(lighter.min(at_hand))) >= before);
    }

    #[test]
    fn a_figure_that_trembles_at_its_limit_changes_the_state_once_at_most(
        trembles in prop::collection::vec((-4i16..=4, -2i8..=2, -29i64..=29), 1..200),
    ) {
        for figure in 0..3 {
            let mut admission = Admission::new(LIMITS);
            let mut now = Instant::now();
            let mut states: Vec<bool> = Vec::new();
            for &(utilization, capacity, memory) in &trembles {
                now += PACE;
                let mut sample = IDLE;
                match figure {
                    0 => sample.utilization_percent = Some((95 + utilization) as u8),
                    1 => sample.capacity_percent = Some((10 + capacity) as u8),
                    _ => sample.free_memory_mb = (600 + memory) as u64,
                }
                states.push(admission.admit(now, &sample, Own::default()).free_slots() > 0);
            }
            prop_assert!(states.windows(2).filter(|pair| pair[0] != pair[1]).count() <= 1, "{figure}");
        }
    }

    #[test]
    fn a_gpu_without_an_encoder_is_never_ready_however_idle(sample in samples(), zero in any::<bool>(), before in prop::option::of(samples())) {
        let mut admission = Admission::new(LIMITS);
        let now = Instant::now();
        if let Some(before) = before {
            admission.admit(now, &before, own(1));
        }
        // An encoder that others use up has nothing left either.
        let sessions = if zero { 0 } else { sample.sessions };
        let none = GpuSample { capacity_percent: zero.then_some(0), sessions, ..sample };
        prop_assert_eq!(admission.admit(now + PACE, &none, Own::default()), GpuState::NoEncoder);
    }

    #[test]
    fn whatever_happened_an_idle_gpu_is_ready_again_within_the_longest_wait(
        past in prop::collection::vec((samples(), 0u32..10, prop::option::of(0u32..6)), 0..60),
    ) {
        let mut admission = Admission::new(LIMITS);
        let mut now = Instant::now();
        for (sample, at_hand, refused) in past {
            now += PACE;
            admission.admit(now, &sample, own(at_hand));
            if let Some(sessions) = refused {
                admission.refused(now, sessions);
            }
        }
        for wait in [PACE * 6, Duration::from_mins(10), PACE] {
            now += wait;
            admission.admit(now, &IDLE, Own::default());
        }
        prop_assert!(admission.admit(now + PACE, &IDLE, Own::default()).free_slots() > 0);
    }
}

#[test]
fn a_cap_of_3_is_learned_by_one_refusal_and_5_are_found_when_it_is_raised() {
    let mut worker = Worker::new(LIMITS, 3);
    (0..20).for_each(|_| worker.step(0));
    assert_eq!((worker.own, worker.refused), (3, 1));
    assert_eq!(worker.state(), GpuState::SessionLimit { learned: 3 });
    worker.cap = 5;
    (0..30).for_each(|_| worker.step(0));
    assert_eq!(worker.own, 3, "30 s have not passed");
    (0..40).for_each(|_| worker.step(0));
    assert_eq!((worker.own, worker.refused), (5, 2));
    assert_eq!(worker.state(), GpuState::SessionLimit { learned: 5 });
}

#[test]
fn two_hundred_clips_at_a_cap_cost_under_2_percent_of_refusals_and_leave_no_session_idle() {
    for cap in 1..=6 {
        let mut worker = Worker::new(LIMITS, cap);
        let (mut steps, mut busy) = (0, 0);
        while worker.opened < 200 {
            // Each session ends a clip every four seconds.
            let ending = (0..cap).filter(|n| steps % 8 == n % 8).count() as u32;
            worker.step(ending);
            (steps, busy) = (steps + 1, busy + worker.own);
        }
        assert!(worker.refused * 50 < worker.refused + worker.opened, "cap {cap}: {} refused", worker.refused);
        assert!(busy * 100 >= steps * cap * 95, "cap {cap}: {busy} of {}", steps * cap);
    }
}

#[test]
fn a_system_whose_sessions_others_hold_is_tried_ever_more_rarely() {
    let mut worker = Worker::new(LIMITS, 0);
    (0..2 * 3600).for_each(|_| worker.step(0));
    // Twice at once, then after 30 s, 1, 2, 4 and 8 minutes, and every ten.
    assert_eq!(worker.refused, 2 + 5 + 4);
    assert_eq!(worker.state(), GpuState::SessionLimit { learned: 0 });
    worker.cap = 1;
    (0..2 * 600).for_each(|_| worker.step(0));
    assert_eq!(worker.own, 1);
}

#[test]
fn heavy_clips_take_more_of_the_gpu_than_light_ones_and_one_alone_is_always_taken() {
    let heavy = (0..8).map(|_| Load::FULL_HD).sum::<Load>();
    let mut admission = Admission::new(allowed(20));
    let now = Instant::now();
    assert_eq!(admission.admit(now, &IDLE, own(2)).free_slots(), 6);
    let full = GpuState::Saturated { by: Saturation::Load };
    assert_eq!(admission.admit(now, &IDLE, Own { sessions: 1, load: heavy }), full);
    assert_eq!(admission.admit(now, &IDLE, Own::default()).free_slots(), 1);
    admission.pin(&gpu("GPU-1", "NVIDIA L40S"));
    assert_eq!(admission.admit(now, &IDLE, Own { sessions: 1, load: heavy }).free_slots(), 2);
}

#[test]
fn what_fills_a_gpu_is_told_and_passes() {
    let by = |by| GpuState::Saturated { by };
    for (sample, at_hand, state) in [
        (GpuSample { capacity_percent: Some(9), ..IDLE }, 0, by(Saturation::Capacity)),
        (GpuSample { utilization_percent: Some(96), ..IDLE }, 1, by(Saturation::Utilization)),
        (GpuSample { free_memory_mb: 599, ..IDLE }, 0, GpuState::OutOfMemory),
        (GpuSample { sessions: 12, ..IDLE }, 0, by(Saturation::Sessions)),
        (GpuSample { capacity_percent: None, ..IDLE }, 0, GpuState::NoEncoder),
        (IDLE, 8, by(Saturation::Load)),
    ] {
        let mut admission = Admission::new(allowed(12));
        let now = Instant::now();
        assert_eq!(admission.admit(now, &sample, own(at_hand)), state);
        assert!(admission.admit(now + PACE, &IDLE, Own::default()).free_slots() > 0, "{state}");
    }
}

#[test]
fn sessions_that_are_not_shown_yet_take_memory_all_the_same() {
    let mut admission = Admission::new(allowed(12));
    let tight = GpuSample { free_memory_mb: 1300, ..IDLE };
    assert_eq!(admission.admit(Instant::now(), &tight, own(0)).free_slots(), 2);
    assert_eq!(admission.admit(Instant::now(), &tight, own(1)).free_slots(), 1);
    assert_eq!(admission.admit(Instant::now(), &tight, own(2)), GpuState::OutOfMemory);
}

#[test]
fn a_model_is_known_by_its_name_with_whatever_stands_behind_it() {
    for (name, engines) in [
        ("NVIDIA H200", Some(0)),
        ("NVIDIA H100 80GB HBM3", Some(0)),
        ("NVIDIA A100-SXM4-80GB MIG 2g.20gb", Some(0)),
        ("NVIDIA L4", Some(2)),
        ("NVIDIA L40S", Some(3)),
        ("NVIDIA L40", None),
        ("NVIDIA H1000", None),
        ("NVIDIA GeForce RTX 4080", None),
    ] {
        assert_eq!(gpu("GPU-1", name).engines(), engines, "{name}");
    }
}

#[test]
fn a_slice_without_an_engine_is_told_from_a_gpu_without_one() {
    let mut admission = Admission::new(LIMITS);
    admission.pin(&gpu("MIG-1", "NVIDIA H200"));
    let sample = GpuSample { capacity_percent: Some(0), ..IDLE };
    assert_eq!(admission.admit(Instant::now(), &sample, Own::default()), GpuState::MigSlice);
}

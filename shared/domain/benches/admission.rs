//! How long one decision about a GPU takes, in the middle of a worker's work. Promised are under 10 µs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use divan::Bencher;
use langflix_domain::{Admission, GpuLimits, GpuSample, Load, Own};

fn main() {
    divan::main();
}

#[divan::bench(sample_size = 100)]
fn admit(bencher: Bencher) {
    let limits = GpuLimits {
        max_sessions: None,
        min_capacity_percent: 10,
        min_free_memory_mb: 600,
        max_utilization_percent: 95,
    };
    let mut admission = Admission::new(limits);
    let (start, mut at) = (Instant::now(), 0u32);
    admission.refused(start, 5);
    bencher.bench_local(|| {
        at += 1;
        // Clips come and go with every sample.
        let sessions = 3 + at % 3;
        let own = Own { sessions, load: (0..sessions).map(|_| Load::FULL_HD).sum() };
        let sample = GpuSample {
            capacity_percent: Some(60),
            sessions: 4 + at % 2,
            utilization_percent: Some((80 + at % 20) as u8),
            free_memory_mb: 9000,
        };
        admission.admit(start + Duration::from_millis(500) * at, black_box(&sample), black_box(own))
    });
}

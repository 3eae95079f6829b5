//! Saying once what happens a thousand times.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lets its owner speak at most once in a while: adapters tell by it that their server is away, which each of many
/// callers finds out for itself and goes on without.
#[derive(Debug)]
pub struct Seldom {
    between: Duration,
    spoken: Mutex<Option<Instant>>,
}

impl Default for Seldom {
    /// Once a minute.
    fn default() -> Self {
        Self::every(Duration::from_secs(60))
    }
}

impl Seldom {
    /// Once in each `between`.
    pub const fn every(between: Duration) -> Self {
        Self { between, spoken: Mutex::new(None) }
    }

    /// Whether it is time to speak; whoever is told so does.
    pub fn is_time(&self) -> bool {
        let mut spoken = self.spoken.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = spoken.is_none_or(|at| at.elapsed() >= self.between);
        if is_time {
            *spoken = Some(Instant::now());
        }
        is_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_one_speaks_and_after_a_while_another() {
        let (minute, moment) = (Seldom::default(), Seldom::every(Duration::from_millis(20)));
        assert_eq!([(); 100].map(|()| minute.is_time()).into_iter().filter(|&is_time| is_time).count(), 1);
        assert!(moment.is_time());
        std::thread::sleep(Duration::from_millis(20));
        assert!(moment.is_time());
    }
}

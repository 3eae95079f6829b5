//! The contract suites find what is wrong: a sound adapter passes, and one with a single flaw does not.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod cache;
#[cfg(test)]
mod flight;
#[cfg(test)]
mod queue;
#[cfg(test)]
mod rate;
#[cfg(test)]
mod store;
#[cfg(test)]
mod tally;

#[cfg(test)]
use std::panic::AssertUnwindSafe;

/// What the suite says, `None` where it finds nothing.
#[cfg(test)]
async fn verdict(suite: impl Future<Output = ()>) -> Option<String> {
    let panic = futures::FutureExt::catch_unwind(AssertUnwindSafe(suite)).await.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    Some(text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default())
}

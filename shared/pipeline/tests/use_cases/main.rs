//! The use cases over small fakes of the model and the encoder and the real store of one machine.

// Clippy allows `unwrap` in tests only where it sees that they are tests.
#[cfg(test)]
mod analysis;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod episode;
#[cfg(test)]
mod fakes;
#[cfg(test)]
mod fleet;
#[cfg(test)]
mod following;
#[cfg(test)]
mod interruption;
#[cfg(test)]
mod manifest;
#[cfg(test)]
mod options;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod races;
#[cfg(test)]
mod records;
#[cfg(test)]
mod remembered;
#[cfg(test)]
mod retry;
#[cfg(test)]
mod run_id;
#[cfg(test)]
mod steering;
#[cfg(test)]
mod sweeper;
#[cfg(test)]
mod traces;

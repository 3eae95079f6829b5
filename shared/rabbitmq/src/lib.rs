#![doc = include_str!("../README.md")]

mod consumer;
mod failure;
mod link;
mod properties;
mod publisher;
mod queue;
mod settings;
mod shelf;
mod threads;
mod topology;

pub use queue::{Count, RabbitQueue, Server};
pub use settings::{Settings, SettingsError};
pub use shelf::{Fate, Handled};
pub use topology::{Argument, Exchange, QueueKind, QueueSpec, Topology, topology};

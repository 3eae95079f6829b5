#![doc = include_str!("../README.md")]

mod acks;
mod connection;
mod consumer;
mod failure;
mod greeting;
mod link;
mod properties;
mod publisher;
mod queue;
mod settings;
mod shared;
mod shelf;
mod topology;
mod upkeep;

pub use connection::farewell;
pub use queue::{Count, RabbitQueue, Server};
pub use settings::{Settings, SettingsError};
pub use shelf::{Fate, Handled};
pub use topology::{Argument, Exchange, QueueKind, QueueSpec, Topology, topology};

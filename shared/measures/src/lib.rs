#![doc = include_str!("../README.md")]

mod all;
mod label;
mod measure;
mod operation;

pub use all::*;
pub use label::{
    Closed, Command, Currency, Direction, End, Ended, Fallback, Found, GpuInfo, Intake, Label, Labels, Model,
    Operation, Part, Reason, Reply, RequestOutcome, Server, Service, State, Version, Work,
};
pub use measure::{Counter, Description, Gauge, Histogram, Kind};
pub use operation::profile;

#[cfg(test)]
mod tests;

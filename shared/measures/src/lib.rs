#![doc = include_str!("../README.md")]

mod all;
mod label;
mod measure;
mod operation;
mod words;

pub use all::*;
pub use label::{GpuInfo, Label, Labels};
pub use measure::{Counter, Description, Gauge, Histogram, Kind};
pub use operation::{profile, step};
pub use words::{
    Asked, Closed, Command, Currency, Direction, End, Ended, Fallback, Found, Intake, Model, Operation, Part, Reason,
    Reply, RequestOutcome, Server, Service, State, Status, Version, Work,
};

#[cfg(test)]
mod tests;

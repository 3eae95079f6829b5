#![doc = include_str!("../README.md")]

mod ends;

pub use ends::{end_of_step, end_of_task, last, misplaced, order_of, this_try};

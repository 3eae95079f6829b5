#![doc = include_str!("../README.md")]

mod ends;
mod ports;
mod program;
mod servers;

pub use ends::{end_of_step, end_of_task, last, misplaced, order_of, this_try};
pub use ports::Ports;
pub use program::{Service, begin, run, take};
pub use servers::{CLIP_THREADS, Servers, llm, on_nvidia, rabbitmq, redis, s3};

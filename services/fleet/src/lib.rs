#![doc = include_str!("../README.md")]

pub mod dead;
mod ends;
pub mod pace;
mod ports;
mod presence;
mod program;
mod servers;
mod steer;
pub mod view;
mod which;

pub use ends::{end_of_step, end_of_task, last, misplaced, order_of, this_try};
pub use ports::Ports;
pub use presence::present;
pub use program::{Service, begin, run, take};
pub use servers::{CLIP_THREADS, Servers, llm, on_nvidia, rabbitmq, redis, s3};
pub use steer::{Again, Cancelled, again, cancel};
pub use which::{Which, parts};

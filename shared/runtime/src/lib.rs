#![doc = include_str!("../README.md")]

pub mod config;
pub mod health;
pub mod http;
pub mod pressure;
pub mod resources;
pub mod service;
pub mod shutdown;
pub mod telemetry;
pub mod trace;
pub mod worker;

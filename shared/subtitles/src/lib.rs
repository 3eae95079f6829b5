#![doc = include_str!("../README.md")]

mod ass;
mod burn;
mod classify;
mod cues;
mod decode;
mod diagnostic;
mod finish;
mod foreign;
mod johab;
mod language;
mod lines;
mod mojibake;
mod open;
mod parse;
mod text;
mod timestamp;
mod write;

pub use burn::{BurnLine, Picture, write_ass};
pub use diagnostic::{Diagnostic, DiagnosticKind};
pub use language::of_name as language_of_name;
pub use parse::{Format, ParseError, Parsed, parse};
pub use write::write_vtt;

//! The `encoding-worker` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    langflix_encoding_worker::main()
}

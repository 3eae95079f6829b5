//! The `langflix` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    langflix::main()
}

//! The `dispatcher` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    langflix_dispatcher::main()
}

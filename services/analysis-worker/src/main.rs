//! The `analysis-worker` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    langflix_analysis_worker::main()
}

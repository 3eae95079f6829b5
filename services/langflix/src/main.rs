//! The command line of LangFlix.
fn main() {}

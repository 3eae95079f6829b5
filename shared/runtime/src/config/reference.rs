use std::fmt::Write;

use super::{Config, Sources, reader::Reader, sections::Files};

/// Every key with its default, what is allowed and what it means, as Markdown.
pub fn reference() -> String {
    let sources = Sources::default();
    let mut reader = Reader::new(&sources);
    Config::read(&mut reader, Files::new(&sources, None));
    let mut text = String::new();
    let mut section = "";
    for key in &reader.declared {
        let own = key.key.split('.').next().unwrap_or_default();
        if own != section {
            section = own;
            text.push_str("\n| key | default | allowed | meaning |\n|---|---|---|---|\n");
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{}` | `{}` | {} | {} |", key.key, key.default, key.allowed, key.help);
    }
    text
}

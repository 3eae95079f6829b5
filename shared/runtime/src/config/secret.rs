use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
};

/// A file longer than this holds no key or password.
const LONGEST_FILE: u64 = 64 * 1024;

/// A password or key. It is never printed: `Debug` and `Display` write `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret in `text` without the white space around it; `None` where there is nothing else.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the one who sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a key file holds.
#[derive(Clone, Debug)]
pub struct KeyFile {
    /// The key or password.
    pub key: Secret,
    /// Whether everyone on the machine may read it.
    pub open_to_all: bool,
}

/// Reads a key or password from the file at `path`: one line, at most 64 KiB.
///
/// # Errors
/// What is wrong with the file, in words; nothing of its content.
pub fn read_key_file(path: &Path) -> Result<KeyFile, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(unreadable)?;
    let open_to_all = open_to_all(&file.metadata().map_err(unreadable)?);
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("is longer than {} KiB, which no secret is", LONGEST_FILE / 1024));
    }
    let text = String::from_utf8(bytes).map_err(|_| "holds no text".to_owned())?;
    let key = Secret::new(&text).ok_or("is empty")?;
    if key.expose().chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("holds more than one line or word".to_owned());
    }
    Ok(KeyFile { key, open_to_all })
}

#[cfg(unix)]
fn open_to_all(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn open_to_all(_: &std::fs::Metadata) -> bool {
    false
}

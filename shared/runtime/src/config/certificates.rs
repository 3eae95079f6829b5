use std::{
    fmt,
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The certificates of all public authorities together take a quarter of this.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Certificates of authorities that a server's own may be signed by.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates(String);

impl Certificates {
    /// The certificates in `text`.
    ///
    /// # Errors
    /// What is wrong with it, in words; nothing of its content.
    pub fn new(text: String) -> Result<Self, String> {
        // A certificate's key often stands beside it, and what is loaded here is handed to three libraries.
        if text.contains("PRIVATE KEY-----") {
            return Err("holds a private key, which no authority gives away".to_owned());
        }
        let certificates = Self(text);
        if certificates.count() == 0 { Err("holds no certificate in PEM".to_owned()) } else { Ok(certificates) }
    }

    /// The certificates in PEM.
    pub fn as_pem(&self) -> &str {
        &self.0
    }

    fn count(&self) -> usize {
        self.0.matches("-----BEGIN CERTIFICATE-----").count()
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} certificates", self.count())
    }
}

/// Reads certificates in PEM from the file at `path`: at most 1 MiB.
///
/// # Errors
/// What is wrong with the file, in words; nothing of its content.
pub fn read_certificates(path: &Path) -> Result<Certificates, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut bytes = Vec::new();
    File::open(path).map_err(unreadable)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err("is longer than 1 MiB, which no list of certificates is".to_owned());
    }
    // PEM is ASCII; remarks between certificates may be in any encoding.
    Certificates::new(String::from_utf8_lossy(&bytes).into_owned())
}

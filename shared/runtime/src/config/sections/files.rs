use std::path::{Path, PathBuf};

use crate::config::{Certificates, Entry, Fault, Needs, Origin, Secret, Sources, origin::visible, reader::Reader};

/// What keys name beside their values: files, and variables that hold secrets.
pub(in crate::config) struct Files<'a> {
    sources: &'a Sources,
    /// Nothing of the servers is missing where they are not reached.
    pub(super) servers: bool,
    pub(super) model: bool,
    pub(super) page: bool,
    /// What holds but deserves a look.
    pub(in crate::config) warnings: Vec<String>,
}

/// Where a secret is looked for, the file first.
pub(super) struct Place {
    /// The key that the secret is listed as.
    pub(super) key: &'static str,
    /// The key that names its file.
    pub(super) file_key: &'static str,
    /// The file.
    pub(super) file: Option<PathBuf>,
    /// The environment variable that holds it, where there is one.
    pub(super) variable: Option<&'static str>,
    /// Whether this program needs it: the file is left alone where not.
    pub(super) needed: bool,
}

impl<'a> Files<'a> {
    /// Files for a program of the fleet that has these needs, or for work in one process.
    pub(in crate::config) fn new(sources: &'a Sources, needs: Option<Needs>) -> Self {
        let (servers, page) = (needs.is_some(), needs == Some(Needs::Page));
        Self { sources, servers, model: matches!(needs, None | Some(Needs::Model)), page, warnings: Vec::new() }
    }

    /// Reports, where servers are to be reached, that the value of `key` is not there.
    pub(super) fn missing(&self, read: &mut Reader, key: &str, how: &str) {
        if self.servers && !read.refused(key) {
            read.fault(Fault::Missing { key: key.to_owned(), how: how.to_owned() });
        }
    }

    /// A secret, which is listed as set or not.
    pub(super) fn secret(&mut self, read: &mut Reader, place: Place) -> Option<Secret> {
        if place.file.is_some() && !place.needed {
            let origin = read.origin(place.file_key);
            read.list(Entry { key: place.key, value: "set".to_owned(), origin });
            return None;
        }
        let (secret, origin) = match (&place.file, place.variable) {
            (Some(path), _) => (self.secret_of_file(read, place.file_key, path), read.origin(place.file_key)),
            (None, Some(name)) => (self.variable(name), Origin::Environment { variable: name.to_owned() }),
            (None, None) => (None, Origin::Default),
        };
        let (value, origin) = if secret.is_some() { ("set", origin) } else { ("not set", Origin::Default) };
        read.list(Entry { key: place.key, value: value.to_owned(), origin });
        secret
    }

    /// The secret in an environment variable, which is not listed.
    pub(super) fn variable(&self, name: &str) -> Option<Secret> {
        self.sources.secret(name)
    }

    fn secret_of_file(&mut self, read: &mut Reader, key: &'static str, path: &Path) -> Option<Secret> {
        match (self.sources.read_key_file)(path) {
            Ok(file) => {
                if file.open_to_all {
                    let shown = visible(&path.to_string_lossy());
                    self.warnings.push(format!("{key}: everyone on this machine may read {shown}"));
                }
                Some(file.key)
            }
            Err(problem) => {
                // What is no file may be the secret itself, put in the wrong place.
                let shown = match path.components().count() {
                    1 => "the file named".to_owned(),
                    _ => quoted(path),
                };
                unusable(read, key, &shown, &problem);
                None
            }
        }
    }

    /// The authorities of a server in the file that `key` names; a warning where the server at the address of `url_key`
    /// is spoken to without TLS.
    pub(super) fn authorities(
        &mut self,
        read: &mut Reader,
        key: &'static str,
        path: Option<&Path>,
        url_key: &str,
        tls: bool,
    ) -> Option<Certificates> {
        let path = path.filter(|_| self.servers)?;
        if !tls {
            self.warnings.push(format!("{key}: has no effect, since {url_key} asks for no TLS"));
        }
        (self.sources.read_certificates)(path).map_err(|problem| unusable(read, key, &quoted(path), &problem)).ok()
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", visible(&path.to_string_lossy()))
}

fn unusable(read: &mut Reader, key: &str, shown: &str, problem: &str) {
    let origin = read.origin(key);
    read.fault(Fault::File { place: key.to_owned(), problem: format!("{shown} (from {origin}) {problem}") });
}

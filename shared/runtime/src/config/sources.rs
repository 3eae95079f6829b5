use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    Certificates, Fault, KeyFile, Origin, Secret, origin::visible, read_certificates, read_key_file, reader::Given,
    yaml,
};

/// The configuration file that is read where none is named.
pub const DEFAULT_FILE: &str = "langflix.yaml";

const PREFIX: &str = "LANGFLIX__";

/// A configuration file longer than this is none.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Where values come from, the lowest first. The default is no source at all.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The configuration file, where there is one.
    pub file: Option<ConfigFile>,
    /// The environment: `LANGFLIX__SECTION__KEY` and the variables of secrets; the rest is left alone.
    pub environment: Vec<(String, String)>,
    /// The command line.
    pub flags: Vec<Flag>,
    /// Reads a file that holds a secret.
    pub read_key_file: fn(&Path) -> Result<KeyFile, String>,
    /// Reads a file that holds certificates.
    pub read_certificates: fn(&Path) -> Result<Certificates, String>,
}

/// A configuration file.
#[derive(Clone, Debug)]
pub struct ConfigFile {
    /// Its path, as it was named.
    pub path: PathBuf,
    /// Its bytes, or why it cannot be read.
    pub content: Result<Vec<u8>, String>,
}

/// A value of the command line.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The key that it sets: `llm.chunk_size`.
    pub key: String,
    /// The value.
    pub value: String,
    /// The flag as it is written: `--chunk-size`.
    pub label: String,
}

impl Default for Sources {
    fn default() -> Self {
        Self { file: None, environment: Vec::new(), flags: Vec::new(), read_key_file, read_certificates }
    }
}

impl Sources {
    /// The sources of this process: `config` (of `--config`) or else `langflix.yaml` in the working directory if it is
    /// there, the environment, and `flags`.
    pub fn of_process(config: Option<&Path>, flags: Vec<Flag>) -> Self {
        // A value that is no Unicode is not allowed for any key; its name is reported like any other's.
        let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        let environment = std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect();
        Self { file: ConfigFile::find(config), environment, flags, ..Self::default() }
    }

    /// The secret in the environment variable `name`.
    pub(super) fn secret(&self, name: &str) -> Option<Secret> {
        self.environment.iter().find(|(variable, _)| variable == name).and_then(|(_, value)| Secret::new(value))
    }

    /// All values, the lowest source first; an empty one counts as not given.
    pub(super) fn given(&self) -> (Vec<Given>, Vec<Fault>) {
        let (mut given, faults) = self.file.as_ref().map(ConfigFile::given).unwrap_or_default();
        let mut variables: Vec<_> =
            self.environment.iter().filter_map(|(name, value)| Some((name, key_of(name)?, value))).collect();
        variables.sort();
        given.extend(variables.into_iter().map(|(name, key, value)| Given {
            // Only capitals name a key: of two spellings it would not be plain which one holds.
            key: if environment_name(&key) == *name { key } else { name.clone() },
            text: Some(value.clone()),
            origin: Origin::Environment { variable: name.clone() },
        }));
        given.extend(self.flags.iter().map(|flag| Given {
            key: flag.key.clone(),
            text: Some(flag.value.clone()),
            origin: Origin::Flag { label: flag.label.clone() },
        }));
        for one in &mut given {
            one.text = one.text.take().map(|text| text.trim().to_owned());
        }
        given.retain(|one| one.text.as_deref() != Some(""));
        (given, faults)
    }
}

/// The environment variable of a key.
pub(super) fn environment_name(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "__").to_uppercase())
}

/// The key that an environment variable is meant for; `None` where it is none of ours.
pub(super) fn key_of(variable: &str) -> Option<String> {
    variable.strip_prefix(PREFIX).map(|rest| rest.replace("__", ".").to_lowercase())
}

impl ConfigFile {
    /// The file at `named`, or the default one if it is there.
    pub fn find(named: Option<&Path>) -> Option<Self> {
        let path = named.unwrap_or(Path::new(DEFAULT_FILE));
        match read(path) {
            Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => None,
            content => Some(Self {
                path: path.to_owned(),
                content: content.map_err(|error| format!("cannot be read: {error}")),
            }),
        }
    }

    fn given(&self) -> (Vec<Given>, Vec<Fault>) {
        let whole =
            |problem: String| (vec![], vec![Fault::File { place: visible(&self.path.to_string_lossy()), problem }]);
        let bytes = match &self.content {
            Ok(bytes) => bytes,
            Err(problem) => return whole(problem.clone()),
        };
        if bytes.len() as u64 > LONGEST_FILE {
            return whole("is longer than 1 MiB, which no configuration is".to_owned());
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => yaml::given(&self.path, text),
            Err(_) => whole("is not text in UTF-8".to_owned()),
        }
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

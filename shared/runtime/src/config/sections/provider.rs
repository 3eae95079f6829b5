use std::path::PathBuf;

use crate::config::{ApiKey, Entry, Fault, Origin, Sources, origin::visible, reader::Reader};

/// Who finds the expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// Google's Gemini.
    Gemini,
    /// OpenAI, or any server that speaks its protocol.
    OpenAi,
    /// The lexicon, which needs no network.
    Offline,
}

impl Provider {
    pub(super) const ALL: [Self; 3] = [Self::Gemini, Self::OpenAi, Self::Offline];

    /// The name as it is configured.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gemini => "gemini",
            Self::OpenAi => "openai",
            Self::Offline => "offline",
        }
    }

    /// The environment variable that the provider's own tools read the key from.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::OpenAi => Some("OPENAI_API_KEY"),
            Self::Offline => None,
        }
    }
}

/// The provider that the keys tell of.
pub(super) fn automatic(sources: &Sources, has_base_url: bool) -> Provider {
    let has_key = |provider: Provider| provider.key_variable().is_some_and(|name| sources.key(name).is_some());
    if has_key(Provider::Gemini) {
        Provider::Gemini
    } else if has_key(Provider::OpenAi) || has_base_url {
        Provider::OpenAi
    } else {
        Provider::Offline
    }
}

/// Lists the provider that was found, unless it is not plain.
pub(super) fn automatic_provider(read: &mut Reader, provider: Provider, has_key_file: bool) {
    if has_key_file {
        read.refuse(
            "llm.provider",
            "gemini or openai beside llm.api_key_file, so that it is plain whose key it is".into(),
        );
    }
    let origin = read.origin("llm.provider");
    read.list(Entry { key: "llm.provider", value: format!("auto ({})", provider.as_str()), origin });
}

/// The provider's key: of the file, else of the environment.
pub(super) fn api_key(
    read: &mut Reader,
    sources: &Sources,
    warnings: &mut Vec<String>,
    provider: Provider,
    key_file: Option<PathBuf>,
) -> Option<ApiKey> {
    let variable = provider.key_variable();
    let (key, origin) = match (key_file, variable) {
        (Some(path), _) => {
            let origin = read.origin("llm.api_key_file");
            (from_file(read, sources, warnings, path, &origin), origin)
        }
        (None, Some(name)) => (sources.key(name), Origin::Environment { variable: name.to_owned() }),
        (None, None) => (None, Origin::Default),
    };
    let (value, origin) = if key.is_some() { ("set", origin) } else { ("not set", Origin::Default) };
    read.list(Entry { key: "llm.api_key", value: value.to_owned(), origin });
    key
}

fn from_file(
    read: &mut Reader,
    sources: &Sources,
    warnings: &mut Vec<String>,
    path: PathBuf,
    origin: &Origin,
) -> Option<ApiKey> {
    match (sources.read_key_file)(&path) {
        Ok(file) => {
            if file.open_to_all {
                let shown = visible(&path.to_string_lossy());
                warnings.push(format!("llm.api_key_file: everyone on this machine may read {shown}"));
            }
            Some(file.key)
        }
        Err(problem) => {
            // What is no file may be the key itself, put in the wrong place.
            let shown = match path.components().count() {
                1 => "the file named".to_owned(),
                _ => format!("'{}'", visible(&path.to_string_lossy())),
            };
            read.fault(Fault::File {
                place: "llm.api_key_file".to_owned(),
                problem: format!("{shown} (from {origin}) {problem}"),
            });
            None
        }
    }
}

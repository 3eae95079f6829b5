use std::path::PathBuf;

use super::files::{Files, Place};
use crate::config::{Entry, Secret, reader::Reader};

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
pub(super) fn automatic(files: &Files, has_base_url: bool) -> Provider {
    let has_key = |provider: Provider| provider.key_variable().is_some_and(|name| files.variable(name).is_some());
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
    files: &mut Files,
    provider: Provider,
    key_file: Option<PathBuf>,
) -> Option<Secret> {
    let place = Place {
        key: "llm.api_key",
        file_key: "llm.api_key_file",
        file: key_file,
        variable: provider.key_variable(),
        needed: files.model,
    };
    files.secret(read, place)
}

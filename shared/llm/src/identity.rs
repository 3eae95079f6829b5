use std::path::Path;

use langflix_domain::Digest;
use langflix_ports::llm::LanguageModel as _;

use crate::{
    BuildError, LlmSettings, Offline, http, schema,
    settings::{ProviderSettings, unknown_provider},
};

/// Who answers with some settings, and what shapes the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// As [`name`](langflix_ports::llm::LanguageModel::name).
    pub name: String,
    /// As [`fingerprint`](langflix_ports::llm::LanguageModel::fingerprint).
    pub fingerprint: Digest,
}

impl Identity {
    /// The identity of the model that [`build`](crate::build) makes of the same settings. The key is not needed: who
    /// hands work to those that ask the model need not be able to ask it.
    ///
    /// # Errors
    /// [`BuildError`] where a setting is wrong.
    pub fn of(settings: &LlmSettings) -> Result<Self, BuildError> {
        match settings.provider.as_str() {
            "gemini" => Ok(Self::gemini(settings.gemini())?.1),
            "openai" => Ok(Self::openai(settings.openai())?.1),
            "offline" => {
                let model = Offline::new(Some(Path::new(Offline::DEFAULT_WORDNET)))?;
                Ok(Self { name: model.name().to_owned(), fingerprint: model.fingerprint().clone() })
            }
            other => Err(unknown_provider(other)),
        }
    }

    /// Checks the settings of Gemini and gives them as they are used.
    pub(crate) fn gemini(settings: ProviderSettings) -> Result<(ProviderSettings, Self), BuildError> {
        // Lists of models write the name as a path.
        let model = settings.model.trim_start_matches("models/").to_owned();
        Self::served("gemini", ProviderSettings { model, ..settings }, [schema::gemini(false), schema::gemini(true)])
    }

    /// Checks the settings of a server with OpenAI's protocol and gives them as they are used.
    pub(crate) fn openai(settings: ProviderSettings) -> Result<(ProviderSettings, Self), BuildError> {
        Self::served("openai", settings, [schema::strict(false), schema::strict(true)])
    }

    fn served(
        provider: &str,
        settings: ProviderSettings,
        schemas: [serde_json::Value; 2],
    ) -> Result<(ProviderSettings, Self), BuildError> {
        settings.check()?;
        let name = format!("{provider}/{}", settings.model);
        let fingerprint = http::fingerprint(provider, &settings, schemas)?;
        Ok((settings, Self { name, fingerprint }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use langflix_ports::cache::Cache;

    use super::*;
    use crate::{Secret, build};

    struct Empty;

    #[async_trait::async_trait]
    impl Cache for Empty {
        async fn get(&self, _: &str) -> Result<Option<Vec<u8>>, langflix_ports::cache::Error> {
            Ok(None)
        }

        async fn put(
            &self,
            _: &str,
            _: &[u8],
            _: Option<std::time::Duration>,
        ) -> Result<(), langflix_ports::cache::Error> {
            Ok(())
        }
    }

    #[test]
    fn who_answers_is_known_without_the_key() {
        for (provider, model) in [
            ("gemini", None),
            ("gemini", Some("models/x")),
            ("openai", None),
            ("openai", Some("a/b")),
            ("offline", None),
        ] {
            let settings = LlmSettings {
                provider: provider.to_owned(),
                model: model.map(str::to_owned),
                temperature: Some(0.7),
                ..LlmSettings::default()
            };
            let identity = Identity::of(&settings).unwrap();
            let built = build(&LlmSettings { api_key: Some(Secret::new("k")), ..settings }, Arc::new(Empty)).unwrap();
            assert_eq!((identity.name.as_str(), &identity.fingerprint), (built.name(), built.fingerprint()));
        }
    }

    #[test]
    fn wrong_settings_are_refused_as_where_the_model_is_built() {
        let of = |provider: &str, model: &str| {
            let model = Some(model.to_owned());
            Identity::of(&LlmSettings { provider: provider.to_owned(), model, ..LlmSettings::default() })
        };
        assert!(matches!(of("gemini", "two words"), Err(BuildError::InvalidModel { .. })));
        assert!(matches!(of("magic", "m"), Err(BuildError::UnknownProvider { .. })));
    }
}

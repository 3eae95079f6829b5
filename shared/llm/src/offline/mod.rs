//! Expressions without a network: a lexicon of our own, and WordNet's where it is installed.

mod answer;
mod lexicon;
mod matcher;
mod object;
mod pattern;
#[cfg(test)]
mod tests;
mod token;
mod vocabulary;
mod wordnet;
mod words;

use std::{collections::HashSet, path::Path};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem, Usage};
use langflix_ports::llm::{Answer, Error, ErrorKind, LanguageModel};

use self::{
    lexicon::{Entry, LEXICON},
    matcher::Matcher,
};
use crate::BuildError;

/// Raised when the way of matching or ranking changes: a cached answer of another version is no answer of this one.
const VERSION: u32 = 2;

const NAME: &str = "offline/lexicon";

/// Finds English expressions by their words. It translates nothing: what it cannot know stays empty.
pub struct Offline {
    fingerprint: Digest,
    entries: Vec<Entry>,
    matcher: Matcher,
}

impl Offline {
    /// Where Debian's package `wordnet-base` keeps its dictionary.
    pub const DEFAULT_WORDNET: &str = "/usr/share/wordnet";

    /// Reads the bundled lexicon and, where the folder is there, WordNet's multi-word entries.
    ///
    /// A dictionary file that cannot be read or understood is left out with a warning.
    ///
    /// # Errors
    /// [`BuildError::WordNet`] where `wordnet` exists and is no folder.
    /// [`BuildError::Lexicon`] where the bundled lexicon is damaged.
    pub fn new(wordnet: Option<&Path>) -> Result<Self, BuildError> {
        let mut entries = lexicon::parse(LEXICON).map_err(|line| BuildError::Lexicon { line })?;
        if let Some(folder) = wordnet {
            let mut known: HashSet<String> = entries.iter().map(Entry::key).collect();
            let more = wordnet::read(folder)
                .map_err(|source| BuildError::WordNet { folder: folder.display().to_string(), source })?;
            entries.extend(more.into_iter().filter(|entry| known.insert(entry.key())));
        }
        Self::of(entries)
    }

    fn of(entries: Vec<Entry>) -> Result<Self, BuildError> {
        let fingerprint = Digest::of_json(&(NAME, VERSION, &entries)).map_err(|_| BuildError::Lexicon { line: 0 })?;
        let mut matcher = Matcher::default();
        for (at, entry) in entries.iter().enumerate() {
            matcher.add(at, entry);
        }
        Ok(Self { fingerprint, entries, matcher })
    }

    fn answer(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<String, serde_json::Error> {
        if request.source_language.primary() != "en" {
            return Ok("[]".to_owned());
        }
        let tokens = token::tokenize(&request.lines);
        let found = self.matcher.find(&tokens);
        serde_json::to_string(&answer::items(&self.entries, found, &tokens, request, feedback))
    }
}

#[async_trait]
impl LanguageModel for Offline {
    fn name(&self) -> &str {
        NAME
    }

    fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    /// Answers with translations left empty; expressions that `feedback` names are not offered again.
    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, Error> {
        let text = self.answer(request, feedback).map_err(|error| Error {
            kind: ErrorKind::Malformed,
            provider: NAME.to_owned(),
            message: error.to_string(),
            usage: Usage::default(),
        })?;
        Ok(Answer { text, usage: Usage::default() })
    }
}

//! A model that is asked from afar.

use std::path::PathBuf;

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, RejectedItem};
use langflix_llm::Offline;
use langflix_ports::llm::{self, Answer, LanguageModel};

use crate::episode::{TAKES, note};

/// The lexicon, which takes its time; a line about each question goes to a log.
pub(crate) struct Asked {
    pub(crate) log: PathBuf,
    pub(crate) model: Offline,
}

#[async_trait]
impl LanguageModel for Asked {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn fingerprint(&self) -> &Digest {
        self.model.fingerprint()
    }

    async fn ask(&self, request: &AnalysisRequest, feedback: &[RejectedItem]) -> Result<Answer, llm::Error> {
        note(&self.log, &request.digest().unwrap());
        tokio::time::sleep(TAKES).await;
        self.model.ask(request, feedback).await
    }
}

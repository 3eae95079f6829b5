use async_trait::async_trait;
use langflix_domain::{Digest, RunId, Stage};
use langflix_pipeline::{
    analyse_chunk,
    fleet::{Order, state},
    outcomes,
};
use langflix_ports::{
    llm::{self, LanguageModel},
    queue::{Name, Place, Queue as _},
};
use serde_json::Value;

use crate::{
    browser::Browser,
    episode::episode,
    fleet::{Fleet, TOKEN},
    program::until,
};

/// A model whose key is refused.
struct Refusing(Digest, String);

#[async_trait]
impl LanguageModel for Refusing {
    fn name(&self) -> &str {
        &self.1
    }

    fn fingerprint(&self) -> &Digest {
        &self.0
    }

    async fn ask(
        &self,
        _: &langflix_domain::AnalysisRequest,
        _: &[langflix_domain::RejectedItem],
    ) -> Result<llm::Answer, llm::Error> {
        Err(llm::Error {
            kind: llm::ErrorKind::Auth,
            provider: self.1.clone(),
            message: "the key is refused".to_owned(),
            usage: langflix_domain::Usage::default(),
        })
    }
}

/// Has a chunk of the run fail for good, as an analysis worker would. Gives how much of it failed.
async fn fails(fleet: &Fleet, run: &RunId) {
    let servers = fleet.town.servers();
    let mut consumer = servers.queue.consume(Place::Work(Name::AnalysisBulk), 1).await.unwrap();
    let delivery = consumer.next().await.unwrap();
    let Ok(Order::AnalyseChunk(order)) = Order::read(&delivery.message.body) else { panic!("no chunk") };
    assert_eq!(&order.run, run);
    let asked = langflix_pipeline::RunRequest::of(servers.store.as_ref(), run).await.unwrap().unwrap();
    let refusing = Refusing(asked.settings.model.clone(), asked.settings.model_name.clone());
    let failure = analyse_chunk(servers.store.as_ref(), &refusing, &asked, &order.task).await.unwrap().unwrap();
    delivery.bury(&failure.message).await.unwrap();
    consumer.cancel().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_has_the_token_retries_drops_and_cancels() {
    let Some(browser) = Browser::find() else { return };
    let fleet = Fleet::new().await;
    let (dispatcher, onlooker) = (fleet.dispatcher().await, fleet.onlooker().await);
    let mut asked = episode(1);
    asked.settings.chunk_size = 9;
    let parked = fleet.town.submit(&asked).await;
    fails(&fleet, &parked).await;
    let open = fleet.town.submit(&episode(2)).await;
    fleet.park(Name::EncodingBulk, b"\x82garbage".to_vec(), "the message cannot be read").await;
    until("all is planned", async || fleet.town.planned().await == 2).await;
    let recorded = async |run: &RunId| {
        let store = fleet.town.servers().store;
        outcomes::<Value>(store.as_ref(), run, Stage::Analysis).await.unwrap().len()
    };
    assert_eq!(recorded(&parked).await, 1);
    let told = [("URL", dispatcher.url.as_str()), ("ONLOOKER", &onlooker.url), ("TOKEN", TOKEN)];
    browser
        .run("actions.test.js", &[&told[..], &[("PARKED", parked.as_str()), ("OPEN", open.as_str())]].concat())
        .await;
    assert_eq!(recorded(&parked).await, 0, "the failure is forgotten");
    assert_eq!(recorded(&open).await, 0, "and so is what was cancelled, since the run was taken up again");
    let again = state(fleet.town.servers().store.as_ref(), &open).await.unwrap();
    assert_eq!((again.ending, again.cancelled), (None, false));
    assert_eq!(fleet.lying("encoding.bulk.v1.parked").await, 0);
}

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};

use super::readiness::lock;

/// How soon a pulse is felt, else it is taken for none.
const WITHIN: Duration = Duration::from_secs(2);

/// Whose pulse can be felt. It is asked for rather than sent, so that nobody wakes up for it while nobody asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulses {
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Whom to ask: by name, and where.
type Asked = (String, mpsc::Sender<Ask>);

/// Answered by whoever is run.
type Ask = oneshot::Sender<()>;

impl Pulses {
    /// Runs `work`, and answers for it between its steps: an answer shows that it is being run and not stuck in one.
    pub(super) async fn beating<F: Future>(&self, name: &str, work: F) -> F::Output {
        let (ask, mut asked) = mpsc::channel::<Ask>(8);
        lock(&self.asked).push((name.to_owned(), ask.clone()));
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                Some(answer) = asked.recv() => {
                    // Who asked may have gone.
                    let _ = answer.send(());
                }
                output = &mut work => {
                    // Nobody who has come to an end is stuck: a service that ends is alive until all of it has.
                    lock(&self.asked).retain(|(_, other)| !other.same_channel(&ask));
                    return output;
                }
            }
        }
    }

    /// The names of those that do not answer.
    pub(super) async fn silent(&self) -> Vec<String> {
        let all = lock(&self.asked).clone();
        let asked = all.into_iter().map(|(name, ask)| async move {
            let (answer, answered) = oneshot::channel();
            let felt = async { ask.send(answer).await.is_ok() && answered.await.is_ok() };
            match tokio::time::timeout(WITHIN, felt).await {
                Ok(true) => None,
                _ => Some(name),
            }
        });
        futures::future::join_all(asked).await.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_felt_what_is_stuck_or_gone_is_not_and_what_has_ended_is_not_missed() {
        let pulses = Pulses::default();
        assert!(pulses.silent().await.is_empty());
        let (waiting, ended) = (pulses.clone(), pulses.clone());
        let waiting = tokio::spawn(async move { waiting.beating("waiting", std::future::pending::<()>()).await });
        ended.beating("ended", async {}).await;
        assert!(pulses.silent().await.is_empty());
        let stuck = pulses.beating("stuck", std::future::pending::<()>());
        tokio::pin!(stuck);
        // Polled once and then no more.
        assert!(futures::poll!(&mut stuck).is_pending());
        assert_eq!(pulses.silent().await, ["stuck"]);
        waiting.abort();
        let _ = waiting.await;
        assert_eq!(pulses.silent().await, ["stuck", "waiting"]);
    }
}

use std::{
    collections::VecDeque,
    io::{self, Write},
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use langflix_domain::{AnalysisRequest, Digest, LearnerLevel, RejectedItem, RequestLine, Usage};
use langflix_ports::{
    llm::{Answer, Error, ErrorKind, LanguageModel},
    rate::Sharers,
};
use langflix_redis::{Redis, Settings};
use redis::AsyncConnectionConfig;
use tokio::time::{Instant, sleep};

pub(crate) fn settings(url: &str) -> Settings {
    Settings { url: url.to_owned(), username: None, password: None, ca_pem: None }
}

/// So many workers.
pub(crate) struct Workers(pub(crate) u32);

#[async_trait]
impl Sharers for Workers {
    async fn count(&self) -> Option<NonZeroU32> {
        NonZeroU32::new(self.0)
    }
}

/// A client of its own, as another process has.
pub(crate) fn client(url: &str) -> Redis {
    Redis::new(settings(url)).unwrap()
}

/// Asks past the crate what lies in Redis.
pub(crate) async fn query<T: redis::FromRedisValue>(url: &str, command: &str) -> T {
    // Longer than the machine is busy.
    let patient = Some(Duration::from_secs(30));
    let config = AsyncConnectionConfig::new().set_connection_timeout(patient).set_response_timeout(patient);
    let client = redis::Client::open(url).unwrap();
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let mut words = command.split(' ');
    redis::cmd(words.next().unwrap()).arg(words.collect::<Vec<_>>()).query_async(&mut connection).await.unwrap()
}

/// What is logged on this thread for as long as the guard lives.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        (log, tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn warnings(&self) -> usize {
        self.text().matches("WARN").count()
    }
}

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn number(of: u32) -> NonZeroU32 {
    NonZeroU32::new(of).unwrap()
}

pub(crate) fn request(text: &str) -> AnalysisRequest {
    AnalysisRequest {
        source_language: "en".parse().unwrap(),
        language: "ko".parse().unwrap(),
        level: LearnerLevel::Intermediate,
        min_expressions: 1,
        max_expressions: 3,
        translate_lines: false,
        lines: vec![RequestLine { text: text.to_owned(), offset_ms: 0, duration_ms: 1_000, context: false }],
    }
}

/// A provider that counts what comes within any period, and turns away what is too much.
pub(crate) struct Provider {
    fingerprint: Digest,
    limit: usize,
    period: Duration,
    takes: Duration,
    within: Mutex<VecDeque<Instant>>,
    /// When each request came, and whether it was answered.
    pub(crate) asked: Mutex<Vec<(Instant, bool)>>,
}

impl Provider {
    pub(crate) fn new(limit: usize, period: Duration, takes: Duration) -> Self {
        let fingerprint = Digest::of_bytes(b"provider");
        Self { fingerprint, limit, period, takes, within: Mutex::default(), asked: Mutex::default() }
    }

    /// How many of the requests were answered and how many turned away.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let asked = self.asked.lock().unwrap();
        let answered = asked.iter().filter(|(_, answered)| *answered).count();
        (answered, asked.len() - answered)
    }

    fn takes_one_more(&self) -> bool {
        let (now, mut within) = (Instant::now(), self.within.lock().unwrap());
        while within.front().is_some_and(|at| now.duration_since(*at) >= self.period) {
            within.pop_front();
        }
        let takes = within.len() < self.limit;
        if takes {
            within.push_back(now);
        }
        self.asked.lock().unwrap().push((now, takes));
        takes
    }
}

#[async_trait]
impl LanguageModel for Provider {
    fn name(&self) -> &str {
        "stub/one"
    }

    fn fingerprint(&self) -> &Digest {
        &self.fingerprint
    }

    async fn ask(&self, _: &AnalysisRequest, _: &[RejectedItem]) -> Result<Answer, Error> {
        let usage = Usage { requests: 1, input_tokens: 0, output_tokens: 0 };
        if self.takes_one_more() {
            sleep(self.takes).await;
            return Ok(Answer { text: "[]".to_owned(), usage });
        }
        let kind = ErrorKind::RateLimited { after: None };
        Err(Error { kind, provider: self.name().to_owned(), message: "too many requests".to_owned(), usage })
    }
}

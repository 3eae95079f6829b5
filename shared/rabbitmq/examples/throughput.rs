//! Publishes, delivers and acknowledges messages, many at once, and prints what one costs this process. Takes the
//! broker's address as `LANGFLIX_TEST_AMQP`, its user being `guest`.

use std::{error::Error, time::Instant};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use langflix_ports::queue::{Message, Name, Place, Queue as _};
use langflix_rabbitmq::{RabbitQueue, Settings};

const MESSAGES: u32 = 20_000;
const AT_ONCE: usize = 64;

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    (ticks(11) + ticks(12)) / 100.0
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("LANGFLIX_TEST_AMQP")?.replace("guest:guest@", "");
    let (username, password) = ("guest".to_owned(), "guest".to_owned());
    let queue = RabbitQueue::new(Settings { url, username, password, ca_pem: None, name: "throughput".to_owned() })?;
    queue.apply_topology().await?;
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let message = Message::new(vec![7; 1000]);
    let publish = stream::iter(0..MESSAGES)
        .map(|_| queue.publish(Name::AnalysisBulk, &message))
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>();
    let take = async {
        let mut consumer = queue.consume(Place::Work(Name::AnalysisBulk), 64).await?;
        for _ in 0..MESSAGES {
            consumer.next().await?.ack().await?;
        }
        consumer.cancel().await
    };
    let ((), left) = tokio::try_join!(publish, take)?;
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("{MESSAGES} messages, {} left: {:.0} a second", left.len(), f64::from(MESSAGES) / wall);
    println!("{:.1} us of CPU each", cpu * 1e6 / f64::from(MESSAGES));
    Ok(())
}

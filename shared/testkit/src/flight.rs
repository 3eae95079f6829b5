//! What all flights do, whoever keeps them.

use std::time::Duration;

use futures::future::join_all;
use langflix_ports::flight::{Flight, Flights};
use tokio::time::{Instant, sleep};

/// Longest wait for a flight that was dropped to be over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds `flights`, of which none is under way, to all that [`Flights`] promises.
///
/// # Panics
/// Where a promise is broken.
pub async fn flights_contract(flights: &dyn Flights) {
    one_at_a_time_is_under_way(flights).await;
    keys_are_any_text_and_never_mixed_up(flights).await;
    of_many_at_once_one_sets_out(flights).await;
}

async fn set_out(flights: &dyn Flights, key: &str) -> Option<Flight> {
    flights.set_out(key).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Sets out once the one before is over, which it soon is.
async fn set_out_next(flights: &dyn Flights, key: &str) -> Flight {
    let began = Instant::now();
    loop {
        if let Some(flight) = set_out(flights, key).await {
            return flight;
        }
        assert!(began.elapsed() < PATIENCE, "a flight goes on after it was dropped");
        sleep(Duration::from_millis(5)).await;
    }
}

async fn one_at_a_time_is_under_way(flights: &dyn Flights) {
    let mut flight = set_out_next(flights, "one").await;
    for _ in 0..3 {
        assert!(set_out(flights, "one").await.is_none(), "a second sets out while the first is under way");
        drop(flight);
        flight = set_out_next(flights, "one").await;
    }
}

async fn keys_are_any_text_and_never_mixed_up(flights: &dyn Flights) {
    let long = "k".repeat(10_000);
    let longer = format!("{long}k");
    let keys = ["", " ", "a", "A", "a ", "a\r\nDEL b", "a\0", "a/b", "*", "{a}", "{a}b", "%20", "키", &long, &longer];
    let mut under_way = Vec::new();
    for key in keys {
        let flight = set_out(flights, key).await;
        assert!(flight.is_some(), "{key:?} is taken for another key");
        under_way.push(flight);
    }
    for key in keys {
        assert!(set_out(flights, key).await.is_none(), "{key:?} is not under way");
    }
}

async fn of_many_at_once_one_sets_out(flights: &dyn Flights) {
    let all = join_all((0..32).map(|_| set_out(flights, "raced"))).await;
    assert_eq!(all.iter().flatten().count(), 1, "exactly one of many sets out");
}

//! What no service tells, however much it is to tell: passwords, signed addresses, and what is said in an episode.

use std::{fs, process::Command};

use reqwest::{Client, Url};
use serde_json::json;
use tempfile::tempdir;

use crate::{season::is_done, servers::Fleet, services::Service, support::episode};

const USER: &str = "a-user-of-the-test";
const RABBITMQ_PASSWORD: &str = "password-of-rabbitmq";
const REDIS_PASSWORD: &str = "password-of-redis";

/// Gives the fleet's servers a user with a password.
async fn add_users(fleet: &Fleet) {
    let at = |path: &str| Url::parse(&fleet.rabbit.api).unwrap().join(path).unwrap();
    let put = async |path: &str, body: serde_json::Value| {
        Client::new().put(at(path)).json(&body).send().await.unwrap().error_for_status().unwrap();
    };
    put(&format!("/api/users/{USER}"), json!({ "password": RABBITMQ_PASSWORD, "tags": "" })).await;
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    put(&format!("/api/permissions/{}/{USER}", fleet.rabbit.vhost), all).await;
    let redis = redis::Client::open(fleet.redis.url.as_str()).unwrap();
    let password = format!(">{REDIS_PASSWORD}");
    let mut user = redis::cmd("ACL");
    user.arg(&["SETUSER", USER, "on", &password, "~*", "+@all"]);
    let () = user.query_async(&mut redis.get_multiplexed_async_connection().await.unwrap()).await.unwrap();
}

/// What is said in the episode, as far as nobody would say it by chance.
fn said_in_it() -> Vec<String> {
    let subtitles = fs::read(episode().with_extension("srt")).unwrap();
    let text = String::from_utf8(subtitles).unwrap();
    text.lines().filter(|line| line.len() > 15 && !line.contains("-->")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_service_tells_a_password_a_signed_address_or_what_is_said_in_an_episode() {
    let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
    add_users(&fleet).await;
    let with_users = |mut command: Command| {
        command
            .env("RUST_LOG", "trace")
            .env("LANGFLIX__RABBITMQ__USERNAME", USER)
            .env("RABBITMQ_PASSWORD", RABBITMQ_PASSWORD)
            .env("LANGFLIX__REDIS__USERNAME", USER)
            .env("REDIS_PASSWORD", REDIS_PASSWORD);
        command
    };
    let services = ["dispatcher", "analysis-worker", "encoding-worker"]
        .map(|name| Service::start_with(&fleet, name, dir.path(), with_users));
    let said = fleet.ingest(&episode(), &["--wait"]);
    assert_eq!(said.code, Some(0), "{said:#?}");
    assert_eq!(is_done(&fleet).await.len(), 2);
    let private = said_in_it();
    assert!(private.len() > 5, "{private:?}");
    for service in services {
        let log = service.ends().await;
        assert!(log.contains("\"level\":\"TRACE\""), "it tells less than it could: {log}");
        for text in private.iter().map(String::as_str).chain([RABBITMQ_PASSWORD, REDIS_PASSWORD]) {
            assert!(!log.contains(text), "{text:?} is told: {log}");
        }
    }
}

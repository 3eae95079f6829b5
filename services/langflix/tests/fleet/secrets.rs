//! What no service tells, however much it is to tell: passwords, signed addresses, and what is said in an episode.

use std::{fs, process::Command};

use langflix_domain::SourceRead;
use reqwest::{Client, Url};
use serde_json::json;
use tempfile::tempdir;

use crate::{
    season::is_done,
    servers::Fleet,
    services::{Service, environment},
    support::{complete, episode},
    teacher::Teacher,
    trouble::{are_read, large_episode},
};

const USER: &str = "a-user-of-the-test";
const RABBITMQ_PASSWORD: &str = "password-of-rabbitmq";
const API_KEY: &str = "key-of-the-provider";
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

#[test]
fn no_service_tells_a_password_a_signed_address_or_what_is_said_in_an_episode() {
    let teacher = Teacher::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (fleet, dir) = (Fleet::new().await, tempdir().unwrap());
        add_users(&fleet).await;
        let with_secrets = |mut command: Command| {
            command
                .envs(environment(&teacher.arguments()))
                .env("RUST_LOG", "trace")
                .env("OPENAI_API_KEY", API_KEY)
                .env("LANGFLIX__RABBITMQ__USERNAME", USER)
                .env("RABBITMQ_PASSWORD", RABBITMQ_PASSWORD)
                .env("LANGFLIX__REDIS__USERNAME", USER)
                .env("REDIS_PASSWORD", REDIS_PASSWORD);
            command
        };
        let services = ["dispatcher", "analysis-worker", "encoding-worker"]
            .map(|name| Service::start_with(&fleet, name, dir.path(), with_secrets));
        let video = large_episode(dir.path());
        let args = ["ingest", video.to_str().unwrap(), "--language", "ko", "--max-expressions", "1", "--wait"];
        complete(fleet.langflix(&args).args(teacher.arguments()));
        assert_eq!(is_done(&fleet).await.len(), 1);
        // By signed addresses.
        are_read(&fleet, SourceRead::Ranges).await;
        assert!(teacher.requests() > 0);
        let private = said_in_it();
        assert!(private.len() > 5, "{private:?}");
        for service in services {
            let log = service.ends().await;
            assert!(log.contains("\"level\":\"TRACE\""), "it tells less than it could: {log}");
            for text in private.iter().map(String::as_str).chain([RABBITMQ_PASSWORD, REDIS_PASSWORD, API_KEY]) {
                assert!(!log.contains(text), "{text:?} is told: {log}");
            }
        }
    });
}

//! A fleet that reaches its servers by TLS alone, and its bucket by a host name of its own.

use std::{fs, path::PathBuf, process::Command};

use langflix_domain::SourceRead;
use langflix_testkit::proxy::Tls;
use tempfile::{TempDir, tempdir};

use crate::{
    season::{comparable, is_done, made_here},
    servers::{Fleet, without_user},
    services::{Service, run_by},
    support::{manifest_of, said},
    trouble::{are_read, large_episode},
};

/// Mounts the file of names over that of the machine, for itself and what it runs.
const NAMES: &str = "mount --bind \"$0\" /etc/hosts && exec \"$@\"";

/// The way to the servers, and the names that the machine knows on it.
struct Way {
    _servers: [Tls; 3],
    settings: Vec<(&'static str, String)>,
    names: PathBuf,
}

impl Way {
    /// `None` where names cannot be given to a program.
    fn to(fleet: &Fleet, dir: &TempDir) -> Option<Self> {
        if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
            return None;
        }
        let (names, host) = (dir.path().join("names"), format!("{}.localhost", fleet.s3.bucket));
        fs::write(&names, format!("127.0.0.1 localhost {host}\n")).unwrap();
        let amqp = Tls::before(&without_user(&fleet.rabbit.url));
        let (redis, s3) = (Tls::before(&fleet.redis.url), Tls::named(&fleet.s3.endpoint, &[&host]));
        let authority = |name: &str, tls: &Tls| {
            let path = dir.path().join(name);
            fs::write(&path, &tls.authority).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let settings = vec![
            ("LANGFLIX__RABBITMQ__CA_FILE", authority("rabbitmq.pem", &amqp)),
            ("LANGFLIX__REDIS__CA_FILE", authority("redis.pem", &redis)),
            ("LANGFLIX__S3__CA_FILE", authority("s3.pem", &s3)),
            ("LANGFLIX__RABBITMQ__URL", amqp.url.clone()),
            ("LANGFLIX__REDIS__URL", redis.url.clone()),
            ("LANGFLIX__S3__ENDPOINT", s3.url.replace("127.0.0.1", "localhost")),
            ("LANGFLIX__S3__PATH_STYLE", "false".to_owned()),
        ];
        Some(Self { _servers: [amqp, redis, s3], settings, names })
    }

    /// The command, which goes this way.
    fn by(&self, mut command: Command) -> Command {
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        run_by(&["unshare", "--mount", "sh", "-c", NAMES, self.names.to_str().unwrap()], &command)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_reaches_its_servers_by_tls_and_its_bucket_by_name_does_as_any() {
    let (fleet, dir) = (Fleet::bare().await, tempdir().unwrap());
    let Some(way) = Way::to(&fleet, &dir) else {
        eprintln!("SKIPPED: only root may give a program names of its own");
        return;
    };
    let done = |args: &[&str]| {
        let said = said(&mut way.by(fleet.langflix(args)));
        assert_eq!(said.code, Some(0), "{said:#?}");
        said
    };
    let services = ["dispatcher", "analysis-worker", "encoding-worker"]
        .map(|name| Service::start_with(&fleet, name, dir.path(), |command| way.by(command)));
    done(&["topology", "apply"]);
    done(&["doctor"]);
    let video = large_episode(dir.path());
    let one = ["--max-expressions", "1"];
    done(&[&["ingest", video.to_str().unwrap(), "--language", "ko", "--wait"], &one[..]].concat());
    assert_eq!(is_done(&fleet).await.len(), 1);
    are_read(&fleet, SourceRead::Ranges).await;
    let (there, here) = (dir.path().join("there"), dir.path().join("here"));
    done(&["fetch", "the-long-way-home-s01e01", "--out", there.to_str().unwrap()]);
    let here = made_here(&fleet, &video, &one, &here);
    let manifest = |show: PathBuf| comparable(manifest_of(&show.join("S01E01")));
    assert_eq!(manifest(there.join("The Long Way Home")), manifest(here));
    for service in services {
        service.ends().await;
    }
}

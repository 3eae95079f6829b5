//! `langflix doctor`: whether all that the fleet needs is there, and what to do where it is not.

mod gpu;
mod here;
mod servers;

use std::{future::Future, time::Duration};

use futures::{
    FutureExt as _,
    future::{BoxFuture, join_all},
};
use langflix_domain::EpisodeStatus;
use langflix_runtime::config::{FleetConfig, Needs, Sources};
use serde::Serialize;

use super::table::Table;
use crate::{cli::DoctorArgs, say};

/// How long each check may take.
const WITHIN: Duration = Duration::from_secs(20);

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    verdict: Verdict,
    /// What was looked at.
    check: &'static str,
    /// What was found, and what to do where that is not well.
    says: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// It works, and may not be what is meant.
    Warn,
    /// It does not work.
    Fail,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, check, says: says.into() }
    }

    fn warn(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warn, check, says: says.into() }
    }

    fn fail(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fail, check, says: says.into() }
    }
}

/// Makes all checks, whatever each of them finds, and prints what they found: failed where one does not work.
///
/// # Errors
/// Where stdout cannot be written.
pub(crate) async fn doctor(args: &DoctorArgs, sources: &Sources) -> anyhow::Result<EpisodeStatus> {
    let parts = FleetConfig::look(sources, Needs::Model);
    let mut findings = here::configuration(sources, &parts);
    let checks: [BoxFuture<'_, Vec<Finding>>; 6] = [
        within("provider", here::provider(&parts.common.llm)).boxed(),
        within("rabbitmq", servers::rabbitmq(parts.rabbitmq.as_ref())).boxed(),
        within("redis", servers::redis(parts.redis.as_ref())).boxed(),
        within("s3", servers::s3(parts.s3.as_ref())).boxed(),
        within("ffmpeg", here::encoder(&parts.common.video)).boxed(),
        within("gpu", gpu::gpu(&parts.gpu, &parts.common.video)).boxed(),
    ];
    findings.extend(join_all(checks).await.into_iter().flatten());
    print(&findings, args.json)?;
    let fails = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    Ok(if fails { EpisodeStatus::Failed } else { EpisodeStatus::Complete })
}

/// What a check finds, as long as it ends in time.
async fn within(check: &'static str, findings: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    let late = |_| vec![Finding::fail(check, format!("no end within {} s", WITHIN.as_secs()))];
    tokio::time::timeout(WITHIN, findings).await.unwrap_or_else(late)
}

fn print(findings: &[Finding], json: bool) -> anyhow::Result<()> {
    let text = match json {
        true => serde_json::to_string_pretty(findings)?,
        false => lines(findings),
    };
    say::out!("{}", text.trim_end())
}

fn lines(findings: &[Finding]) -> String {
    let mut table = Table::new(&["VERDICT", "CHECK", "FOUND"]);
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
        };
        table.row([verdict.to_owned(), finding.check.to_owned(), finding.says.clone()]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_finding_is_a_line() {
        let findings = [
            Finding::ok("rabbitmq", "127.0.0.1:5672, virtual host /"),
            Finding::warn("dispatcher", "none takes messages: no run is planned"),
            Finding::fail("s3", "bucket fleet: access denied"),
        ];
        insta::assert_snapshot!(lines(&findings), @r"
        VERDICT  CHECK       FOUND
        ok       rabbitmq    127.0.0.1:5672, virtual host /
        warn     dispatcher  none takes messages: no run is planned
        FAIL     s3          bucket fleet: access denied
        ");
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_fails_and_keeps_no_other_waiting() {
        let found = within("s3", std::future::pending()).await;
        assert_eq!(found, [Finding::fail("s3", "no end within 20 s")]);
    }
}

//! The fleet as a dispatcher's HTTP API tells it, for whoever does not reach the fleet's own servers.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use langflix_domain::RunId;
use langflix_fleet::{
    Which,
    view::{Overview, Problem, Run, RunDetails, RunFailure},
};
use langflix_pipeline::fleet::Survey;
use langflix_runtime::config::{Secret, read_key_file};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, StatusCode, Url, redirect};
use serde::{Deserialize, de::DeserializeOwned};

use super::status::{Queues, Source};
use crate::{Usage, cli::StatusArgs};

/// How long an answer may take. A dispatcher that nobody has asked for a while reads all runs first.
const WITHIN: Duration = Duration::from_secs(60);

/// A dispatcher's HTTP API.
pub(crate) struct Api {
    client: Client,
    base: Url,
    token: Option<Secret>,
}

/// Some runs, as they are answered.
#[derive(Deserialize)]
struct Page {
    runs: Vec<Run>,
    next: Option<RunId>,
}

/// Why something is not answered, as RFC 9457 has it.
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
}

impl Api {
    /// The API at `base`, which is given the token in `token_file`.
    ///
    /// # Errors
    /// Where either cannot be used; names the option.
    pub(crate) fn new(base: &str, token_file: Option<&Path>) -> anyhow::Result<Self> {
        let url = Url::parse(&format!("{}/", base.trim_end_matches('/'))).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.username().is_empty());
        let base = url.ok_or_else(|| Usage("--api: give an address such as http://127.0.0.1:8090".to_owned()))?;
        let read =
            |path: &Path| read_key_file(path).map_err(|why| Usage(format!("--token-file: {}: {why}", path.display())));
        let token = token_file.map(read).transpose()?.map(|file| file.key);
        // The token is for this address and for no other that it may lead to.
        let client = Client::builder().timeout(WITHIN).redirect(redirect::Policy::none()).build()?;
        Ok(Self { client, base, token })
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> anyhow::Result<Option<T>> {
        let mut url = self.base.join(path).context("--api")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.client.get(url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.expose());
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url);
        let answer = answer.with_context(|| format!("{}: no answer", self.base))?;
        let status = answer.status();
        if status == StatusCode::OK {
            let whole = answer.json().await.map_err(reqwest::Error::without_url);
            return whole
                .map(Some)
                .with_context(|| format!("{}: no answer that is understood: is it a dispatcher's page?", self.base));
        }
        let Ok(told) = answer.json::<Told>().await else {
            bail!("{}: answers {status}: is it a dispatcher's page?", self.base);
        };
        match Problem::at(&told.kind) {
            Some(Problem::NoRun) => Ok(None),
            Some(Problem::TokenNeeded) => bail!("{}: asks for a token: give its file with --token-file", self.base),
            Some(Problem::WrongToken) => bail!("{}: the token of --token-file is not the right one", self.base),
            // One of a later version says what happened, too.
            _ => bail!("{}: {}", self.base, told.detail),
        }
    }

    async fn details(&self, run: &RunId) -> anyhow::Result<Option<RunDetails>> {
        let name = utf8_percent_encode(run.as_str(), NON_ALPHANUMERIC);
        self.get(&format!("api/v1/runs/{name}"), &[]).await
    }
}

#[async_trait]
impl Source for Api {
    async fn runs(&self, args: &StatusArgs) -> anyhow::Result<Vec<Run>> {
        let survey = match (args.show.as_deref().map(Which::read), args.season) {
            (Some(Which::Run(run)), None) => {
                return Ok(self.details(&run).await?.map(|details| details.run).into_iter().collect());
            }
            (Some(Which::Of(survey)), None) => survey,
            _ => Survey { show: args.show.clone(), season: args.season, episode: args.episode },
        };
        let given = [
            ("show", survey.show),
            ("season", survey.season.map(|number| number.to_string())),
            ("episode", survey.episode.map(|number| number.to_string())),
        ];
        let wanted: Vec<(&str, String)> = given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let (mut all, mut after) = (Vec::new(), None::<RunId>);
        loop {
            let mut query = wanted.clone();
            query.extend(after.map(|run| ("after", run.to_string())));
            let page: Option<Page> = self.get("api/v1/runs", &query).await?;
            let page = page.with_context(|| format!("{}: has no runs: is it a dispatcher's page?", self.base))?;
            all.extend(page.runs);
            after = page.next;
            if after.is_none() {
                return Ok(all);
            }
        }
    }

    async fn queues(&self) -> Queues {
        match self.get::<Overview>("api/v1/overview", &[]).await {
            Ok(Some(Overview { queues_error: None, queues, .. })) => Ok(queues),
            Ok(Some(Overview { queues_error: Some(error), .. })) => Err(error),
            Ok(None) => Err("not told".to_owned()),
            Err(error) => Err(format!("{error:#}")),
        }
    }

    async fn failures(&self, run: &RunId) -> anyhow::Result<Vec<RunFailure>> {
        Ok(self.details(run).await?.map(|details| details.failures).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use serde_json::{Value, json};
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{header, method, path, query_param, query_param_is_missing},
    };

    use super::*;

    const TOKEN: &str = "view-0123456789abcdef";

    fn run(name: &str) -> Value {
        json!({
            "run": name, "show": "suits", "season": 1, "episode": 2, "phase": "encoding", "status": null,
            "cancelled": false, "lane": "bulk", "submitted_at": null,
            "analysis": { "done": 7, "tasks": 7, "failed": null }, "encoding": null, "finished_at": null, "clips": null,
            "spend": null, "of_a_later_version": true,
        })
    }

    fn args(show: Option<&str>) -> StatusArgs {
        let show = show.map(str::to_owned);
        StatusArgs { show, season: None, episode: None, watch: false, json: false, api: None, token_file: None }
    }

    async fn answers(server: &MockServer, mock: wiremock::MockBuilder, status: u16, body: Value) {
        mock.respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(server).await;
    }

    #[tokio::test]
    async fn runs_are_asked_for_with_the_token_until_there_are_no_more() {
        let server = MockServer::start().await;
        let get = || {
            let get = Mock::given(method("GET")).and(path("/api/v1/runs")).and(query_param("show", "suits"));
            get.and(header("authorization", format!("Bearer {TOKEN}").as_str()))
        };
        let (first, second) = ("suits-s01e02-0123abcd", "suits-s01e02-1123abcd");
        let page = json!({ "runs": [run(first)], "next": first });
        answers(&server, get().and(query_param_is_missing("after")), 200, page).await;
        let page = json!({ "runs": [run(second)], "next": null });
        answers(&server, get().and(query_param("after", first)), 200, page).await;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "{TOKEN}").unwrap();
        let api = Api::new(&format!("{}/", server.uri()), Some(file.path())).unwrap();
        let runs = api.runs(&args(Some("suits"))).await.unwrap();
        let names: Vec<&str> = runs.iter().map(|run| run.run.as_str()).collect();
        assert_eq!(names, [first, second]);
    }

    #[tokio::test]
    async fn what_is_not_answered_says_what_to_do() {
        let server = MockServer::start().await;
        let get = |at: &str| Mock::given(method("GET")).and(path(at.to_owned()));
        let told = |problem: Problem, detail: &str| json!({ "type": problem, "detail": detail });
        answers(&server, get("/api/v1/runs"), 401, told(Problem::TokenNeeded, "give a token")).await;
        answers(&server, get("/api/v1/overview"), 503, told(Problem::Unavailable, "artifact open/: not reached")).await;
        answers(&server, get("/api/v1/runs/suits%2Ds01e02%2D0123abcd"), 404, told(Problem::NoRun, "no")).await;
        let api = Api::new(&server.uri(), None).unwrap();
        let refused = api.runs(&args(None)).await.unwrap_err().to_string();
        assert!(refused.contains("--token-file"), "{refused}");
        assert!(api.queues().await.unwrap_err().ends_with("artifact open/: not reached"));
        assert!(api.runs(&args(Some("suits-s01e02-0123abcd"))).await.unwrap().is_empty());
        let elsewhere = api.runs(&args(Some("suits-s01e03-0123abcd"))).await.unwrap_err().to_string();
        assert!(elsewhere.ends_with("is it a dispatcher's page?"), "{elsewhere}");
        let later = json!({ "type": "/problems/of-a-later-version", "detail": "the moon is full" });
        answers(&server, get("/api/v1/runs/suits%2Ds01e04%2D0123abcd"), 409, later).await;
        let later = api.runs(&args(Some("suits-s01e04-0123abcd"))).await.unwrap_err().to_string();
        assert!(later.ends_with("the moon is full"), "{later}");
        for wrong in ["", "127.0.0.1:8090", "ftp://host", "http://me:secret@host"] {
            assert!(Api::new(wrong, None).err().unwrap().is::<Usage>(), "{wrong}");
        }
    }
}

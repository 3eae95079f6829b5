//! RabbitMQ, Redis and S3 for tests: a part of one's own on the servers that run, or a server of one's own.
//!
//! `scripts/test` starts the servers and says in the environment where they are; `scripts/servers run COMMAND...` does
//! it for one command.

use std::{
    env,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::OnceLock,
    time::Duration,
};

use aws_sdk_s3::{
    config::{BehaviorVersion, Config, Credentials, Region},
    types::{
        AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration,
        LifecycleRule, LifecycleRuleFilter,
    },
};
use reqwest::{Client, Method, StatusCode, Url};

mod ports;
pub mod private;

pub use ports::Ports;

/// A virtual host of RabbitMQ; it is deleted, with all connections to it, when this is dropped.
#[derive(Debug)]
pub struct Rabbit {
    /// `amqp://user:password@host:port/vhost`.
    pub url: String,
    /// `http://user:password@host:port`, of the management API.
    pub api: String,
    /// The virtual host's name.
    pub vhost: String,
}

/// A database of Redis that was empty at first.
#[derive(Debug)]
pub struct Redis {
    /// `redis://host:port/db`.
    pub url: String,
}

/// A bucket of an S3 server that was empty at first.
#[derive(Debug)]
pub struct S3 {
    /// `http://host:port`; requests name the bucket in the path, or in the host as `bucket.localhost`.
    pub endpoint: String,
    /// The region that the server takes itself to be in.
    pub region: String,
    /// The bucket's name.
    pub bucket: String,
    /// The access key of its owner.
    pub access_key: String,
    /// The secret key of its owner.
    pub secret_key: String,
}

/// Makes a new virtual host.
///
/// # Panics
/// Where the servers are not up, or the virtual host cannot be made.
pub async fn rabbitmq() -> Rabbit {
    let (amqp, api) = (variable("LANGFLIX_TEST_AMQP"), variable("LANGFLIX_TEST_RABBITMQ_API"));
    let vhost = name();
    manage(&api, Method::PUT, &format!("/api/vhosts/{vhost}"), "{}").await;
    let all = r#"{"configure":".*","write":".*","read":".*"}"#;
    manage(&api, Method::PUT, &format!("/api/permissions/{vhost}/guest"), all).await;
    Rabbit { url: format!("{amqp}/{vhost}"), api, vhost }
}

/// Takes the next database and empties it.
///
/// # Panics
/// Where the servers are not up, or Redis does not answer.
pub async fn redis() -> Redis {
    let server = variable("LANGFLIX_TEST_REDIS");
    // The server has 4096; the first counts which ones were given away.
    let given: u64 = query(&server, redis::cmd("INCR").arg("langflix:databases")).await;
    let url = format!("{server}/{}", given % 4095 + 1);
    let () = query(&url, &mut redis::cmd("FLUSHDB")).await;
    Redis { url }
}

/// Makes a new bucket. Its objects expire after an hour, so that they do not pile up in the server's memory.
///
/// # Panics
/// Where the servers are not up, or the bucket cannot be made.
pub async fn s3() -> S3 {
    let s3 = S3 {
        endpoint: variable("LANGFLIX_TEST_S3"),
        region: "us-east-1".into(),
        bucket: name(),
        access_key: "AK".into(),
        secret_key: "SK".into(),
    };
    let client = s3.client();
    let made = client.create_bucket().bucket(&s3.bucket).send().await;
    made.unwrap_or_else(|error| panic!("no bucket {}: {error:?}", s3.bucket));
    let expiry = client.put_bucket_lifecycle_configuration().bucket(&s3.bucket);
    let told = expiry.lifecycle_configuration(in_an_hour()).send().await;
    told.unwrap_or_else(|error| panic!("objects in {} do not expire: {error:?}", s3.bucket));
    s3
}

/// Six days, of which each has ten minutes on the server of `scripts/servers`.
fn in_an_hour() -> BucketLifecycleConfiguration {
    let uploads = AbortIncompleteMultipartUpload::builder().days_after_initiation(6).build();
    let rule = LifecycleRule::builder()
        .id("tests")
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(6).build())
        .abort_incomplete_multipart_upload(uploads);
    let rules = rule.build().and_then(|rule| BucketLifecycleConfiguration::builder().rules(rule).build());
    rules.unwrap_or_else(|error| panic!("{error}"))
}

impl S3 {
    /// The SDK's own client, to look past the adapter at what the bucket holds.
    #[must_use]
    pub fn client(&self) -> aws_sdk_s3::Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint)
            .region(Region::new(self.region.clone()))
            .credentials_provider(Credentials::new(&self.access_key, &self.secret_key, None, None, "test"))
            .force_path_style(true)
            // The server refuses the checksums that the SDK adds unasked.
            .request_checksum_calculation(aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired);
        aws_sdk_s3::Client::from_conf(config.build())
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        // What is left behind is thrown away with the server: nothing depends on this but the server's memory.
        if let Err(error) = delete(&self.api, &format!("/api/vhosts/{}", self.vhost)) {
            eprintln!("the virtual host {} is left behind: {error}", self.vhost);
        }
    }
}

/// Deletes by the management API, in the middle of a test's end, where no runtime may be there.
fn delete(api: &str, path: &str) -> std::io::Result<()> {
    let url = Url::parse(api).map_err(std::io::Error::other)?;
    let mut server = TcpStream::connect((url.host_str().unwrap_or_default(), url.port().unwrap_or_default()))?;
    server.set_read_timeout(Some(Duration::from_secs(10)))?;
    // guest:guest
    let head = "host: rabbitmq\r\nauthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\nconnection: close";
    write!(server, "DELETE {path} HTTP/1.1\r\n{head}\r\n\r\n")?;
    let mut answer = [0; 12];
    server.read_exact(&mut answer)?;
    match &answer[9..] {
        b"204" => Ok(()),
        status => Err(std::io::Error::other(String::from_utf8_lossy(status).into_owned())),
    }
}

/// Asks the management API for something that must succeed.
async fn manage(api: &str, method: Method, path: &str, body: &'static str) -> String {
    let request = http().request(method, format!("{api}{path}")).header("content-type", "application/json");
    let answer = request.body(body).send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
    let status = answer.status();
    let text = answer.text().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
    assert!(status.is_success() || status == StatusCode::NOT_MODIFIED, "{path}: {status} {text}");
    text
}

fn http() -> &'static Client {
    static HTTP: OnceLock<Client> = OnceLock::new();
    HTTP.get_or_init(|| {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).pool_max_idle_per_host(0).build();
        client.unwrap_or_else(|error| panic!("no HTTP client: {error}"))
    })
}

async fn query<T: redis::FromRedisValue>(url: &str, command: &mut redis::Cmd) -> T {
    let client = redis::Client::open(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    // Longer than the machine is busy.
    let patient = Some(Duration::from_secs(30));
    let config = redis::AsyncConnectionConfig::new().set_connection_timeout(patient).set_response_timeout(patient);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut connection = connection.unwrap_or_else(|error| panic!("{url}: {error}"));
    command.query_async(&mut connection).await.unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run this with scripts/test, or with scripts/servers run COMMAND...")
    })
}

/// One that no other test has.
fn name() -> String {
    format!("test-{:016x}", fastrand::u64(..))
}

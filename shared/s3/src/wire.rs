//! Requests about one object, and lists, signed and sent without what the SDK's client puts around them: that costs more
//! CPU than all the rest of a small request. What is asked seldom goes through the SDK's client.

use std::{
    fmt::Write as _,
    pin::pin,
    sync::atomic::{AtomicI64, Ordering},
    time::{Duration, SystemTime},
};

use aws_sdk_s3::{
    config::{
        endpoint::{DefaultResolver, Params, ResolveEndpoint as _},
        http::{HttpRequest, HttpResponse},
    },
    error::BoxError,
    primitives::{ByteStream, DateTime, DateTimeFormat, SdkBody},
};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, SharedHttpConnector},
    identity::Identity,
};
use futures::FutureExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    failure::{Failure, Sort},
    request::bounded,
    settings::{Settings, SettingsError},
};

/// What a key looks like in a URL: only what RFC 3986 leaves unreserved stands for itself, beside the slash.
const KEY: &AsciiSet = &VALUE.remove(b'/');
/// What a value looks like in a URL.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The largest room made for an answer before it is read.
const MOST_ROOM: u64 = 64 << 20;
/// The longest explanation of a refusal that is read.
const LONGEST_REFUSAL: usize = 64 << 10;

/// Signs and sends.
pub(crate) struct Wire {
    connector: SharedHttpConnector,
    identity: Identity,
    region: String,
    /// The URL of the bucket, without a slash at its end.
    bucket: String,
    /// By how many seconds the server's clock is ahead; known once it refused a request for that.
    ahead: AtomicI64,
    answer: Duration,
}

/// A request about a key, or about the bucket where the key is empty.
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) key: &'a str,
    pub(crate) query: &'a [(&'static str, &'a str)],
    pub(crate) headers: &'a [(&'static str, &'a str)],
    pub(crate) body: SdkBody,
}

impl<'a> Request<'a> {
    /// A request that says nothing more.
    pub(crate) fn new(method: &'static str, key: &'a str) -> Self {
        Self { method, key, query: &[], headers: &[], body: SdkBody::empty() }
    }

    /// What stands behind the bucket's URL.
    fn target(&self) -> String {
        let mut target = format!("/{}", utf8_percent_encode(self.key, KEY));
        for (nth, (name, value)) in self.query.iter().enumerate() {
            let sign = if nth == 0 { '?' } else { '&' };
            let _infallible = write!(target, "{sign}{name}={}", utf8_percent_encode(value, VALUE));
        }
        target
    }
}

/// A good answer.
pub(crate) struct Answer(HttpResponse);

impl Wire {
    pub(crate) fn new(settings: &Settings, connector: SharedHttpConnector) -> Result<Self, SettingsError> {
        Ok(Self {
            connector,
            identity: settings.credentials.keys().into(),
            region: settings.region.clone(),
            bucket: bucket_url(settings)?,
            ahead: AtomicI64::new(0),
            answer: settings.timeouts.answer,
        })
    }

    /// Sends a request; gives the answer once its head is there.
    pub(crate) async fn ask(&self, request: Request<'_>, time: Duration) -> Result<Answer, Failure> {
        let unsendable = |_| Failure::new(Sort::Refused, "no request can be made of this");
        let request = self.signed(request).map_err(unsendable)?;
        let answer = bounded(time, pin!(self.connector.call(request))).await?;
        let answer = answer.map_err(|error| Failure::of_connector(&error))?;
        if answer.status().is_success() { Ok(Answer(answer)) } else { Err(self.refusal(answer).await) }
    }

    fn signed(&self, request: Request<'_>) -> Result<HttpRequest, BoxError> {
        let uri = format!("{}{}", self.bucket, request.target());
        let Request { method, headers, body, .. } = request;
        let params = SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("s3")
            .time(self.now())
            .settings(signing())
            .build()?
            .into();
        // A file is not read twice for a digest of it, as the SDK does not.
        let payload = body.bytes().map_or(SignableBody::UnsignedPayload, SignableBody::Bytes);
        let signable = SignableRequest::new(method, &*uri, headers.iter().copied(), payload)?;
        let (signature, _) = sign(signable, &params)?.into_parts();
        let length = body.content_length().filter(|_| method == "PUT");
        let mut signed = HttpRequest::new(body);
        signed.set_method(method)?;
        signed.set_uri(uri)?;
        let unsigned = [("user-agent", concat!("langflix/", env!("CARGO_PKG_VERSION")))];
        for (name, value) in headers.iter().chain(&unsigned) {
            signed.headers_mut().try_insert(*name, (*value).to_owned())?;
        }
        if let Some(length) = length {
            signed.headers_mut().try_insert("content-length", length.to_string())?;
        }
        for header in signature.into_parts().0 {
            signed.headers_mut().try_insert(header.name(), header.value().to_owned())?;
        }
        Ok(signed)
    }

    /// The time as the server has it.
    fn now(&self) -> SystemTime {
        let (now, ahead) = (SystemTime::now(), self.ahead.load(Ordering::Relaxed));
        let by = Duration::from_secs(ahead.unsigned_abs());
        if ahead < 0 { now.checked_sub(by) } else { now.checked_add(by) }.unwrap_or(now)
    }

    async fn refusal(&self, answer: HttpResponse) -> Failure {
        let status = answer.status().as_u16();
        let date =
            answer.headers().get("date").and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        let mut body = ByteStream::new(answer.into_body());
        let mut text = Vec::new();
        while text.len() < LONGEST_REFUSAL {
            match self.piece(&mut body).await {
                Ok(Some(piece)) => text.extend_from_slice(piece.as_ref()),
                // Without an explanation the status has to do.
                Ok(None) | Err(_) => break,
            }
        }
        let failure = Failure::answered(status, code(&String::from_utf8_lossy(&text)));
        if let (Sort::Clock, Some(date)) = (failure.sort, date) {
            self.ahead.store(date.secs() - DateTime::from(SystemTime::now()).secs(), Ordering::Relaxed);
        }
        failure
    }

    /// The whole body of an answer, of at most `most` bytes.
    pub(crate) async fn whole(&self, answer: Answer, most: usize) -> Result<Vec<u8>, Failure> {
        let mut content = Vec::with_capacity(usize::try_from(answer.size().min(MOST_ROOM)).unwrap_or_default());
        let mut body = answer.body();
        while let Some(piece) = self.piece(&mut body).await? {
            if piece.as_ref().len() > most - content.len() {
                return Err(Failure::new(Sort::Refused, "its answer has no end"));
            }
            content.extend_from_slice(piece.as_ref());
        }
        Ok(content)
    }

    /// The next piece of a body.
    pub(crate) async fn piece(&self, body: &mut ByteStream) -> Result<Option<impl AsRef<[u8]> + use<>>, Failure> {
        let piece = bounded(self.answer, pin!(body.next())).await?;
        piece.transpose().map_err(|error| Failure::cut(&error))
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)
    }

    /// How long the body is.
    pub(crate) fn size(&self) -> u64 {
        self.header("content-length").and_then(|size| size.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn body(self) -> ByteStream {
        ByteStream::new(self.0.into_body())
    }
}

/// What S3 wants, unlike other services of AWS.
fn signing() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

/// Where the SDK's client would find the bucket.
fn bucket_url(settings: &Settings) -> Result<String, SettingsError> {
    let params = Params::builder()
        .region(settings.region.clone())
        .bucket(settings.bucket.clone())
        .force_path_style(settings.path_style)
        .set_endpoint(settings.endpoint.clone());
    let params = params.build().map_err(|_| SettingsError::Place)?;
    let found = DefaultResolver::new().resolve_endpoint(&params).now_or_never();
    let found = found.and_then(Result::ok).ok_or(SettingsError::Place)?;
    Ok(found.url().trim_end_matches('/').to_owned())
}

/// What stands in the `Code` of an error in XML.
fn code(text: &str) -> &str {
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or("", |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::connector,
        settings::{Credentials, Timeouts},
    };

    fn settings(endpoint: Option<&str>, bucket: &str, path_style: bool) -> Settings {
        Settings {
            endpoint: endpoint.map(str::to_owned),
            bucket: bucket.into(),
            region: "eu-central-1".into(),
            path_style,
            credentials: Credentials {
                access_key: "AKID".into(),
                secret_key: "hunter2".into(),
                session_token: Some("token3".into()),
            },
            ca_pem: None,
            timeouts: Timeouts::default(),
        }
    }

    #[test]
    fn a_bucket_stands_in_the_path_or_in_the_host() {
        for (endpoint, bucket, path_style, url) in [
            (Some("http://localhost:7480"), "bkt", true, "http://localhost:7480/bkt"),
            (Some("http://localhost:7480/"), "bkt", false, "http://bkt.localhost:7480"),
            (Some("https://s3.example"), "bkt", false, "https://bkt.s3.example"),
            (None, "bkt", false, "https://bkt.s3.eu-central-1.amazonaws.com"),
            (None, "bkt", true, "https://s3.eu-central-1.amazonaws.com/bkt"),
            // A certificate for *.s3 covers no dot.
            (None, "bkt.dot", false, "https://s3.eu-central-1.amazonaws.com/bkt.dot"),
        ] {
            assert_eq!(bucket_url(&settings(endpoint, bucket, path_style)).as_deref(), Ok(url));
        }
        let china = Settings { region: "cn-north-1".into(), ..settings(None, "bkt", false) };
        assert_eq!(bucket_url(&china).as_deref(), Ok("https://bkt.s3.cn-north-1.amazonaws.com.cn"));
        let nowhere = Settings { region: "no region!".into(), ..settings(None, "bkt", false) };
        assert_eq!(bucket_url(&nowhere), Err(SettingsError::Place));
    }

    #[test]
    fn a_request_is_signed_with_the_token_and_shows_no_secret() {
        let settings = settings(Some("http://h"), "b", true);
        let wire = Wire::new(&settings, connector(&settings).unwrap()).unwrap();
        let headers = [("if-none-match", "*")];
        let put = Request { headers: &headers, body: SdkBody::from("abc"), ..Request::new("PUT", "a b/+%쇼") };
        let signed = wire.signed(put).unwrap();
        assert_eq!((signed.method(), signed.uri()), ("PUT", "http://h/b/a%20b/%2B%25%EC%87%BC"));
        let header = |name: &str| signed.headers().get(name).unwrap_or_default();
        assert_eq!((header("content-length"), header("x-amz-security-token")), ("3", "token3"));
        let signature = header("authorization");
        assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKID/"), "{signature}");
        assert!(
            signature.contains("SignedHeaders=host;if-none-match;x-amz-content-sha256;x-amz-date;x-amz-security-token")
        );
        assert!(!format!("{signed:?}").contains("hunter2"));
    }

    #[test]
    fn the_code_of_a_refusal_is_found_where_there_is_one() {
        let refusal = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>m</Message></Error>";
        assert_eq!([code(refusal), code("<html>"), code("<Code>half"), code("")], ["SlowDown", "", "", ""]);
    }
}

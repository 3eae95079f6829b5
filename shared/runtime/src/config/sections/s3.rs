use std::path::PathBuf;

use super::{
    address::address,
    files::{Files, Place},
};
use crate::config::{Certificates, Secret, kind, reader::Reader};

/// How the artifact store is reached.
#[derive(Clone, Debug)]
pub struct S3 {
    /// `http[s]://host[:port]`; that of AWS for the region where it is `None`.
    pub endpoint: Option<String>,
    /// The bucket that everything lies in.
    pub bucket: String,
    /// The region that requests are signed for.
    pub region: String,
    /// Whether the bucket is named in the path rather than in the host.
    pub path_style: bool,
    /// Who asks.
    pub credentials: S3Credentials,
    /// Authorities that the server's certificate may be signed by; the public ones where it is `None`.
    pub ca: Option<Certificates>,
}

/// Who asks an S3 server.
#[derive(Clone, Debug)]
pub struct S3Credentials {
    /// The access key's id.
    pub access_key: Secret,
    /// The key that requests are signed with.
    pub secret_key: Secret,
    /// What goes with a key that is valid for some hours only.
    pub session_token: Option<Secret>,
}

impl S3 {
    /// `None` only after a fault, or where `files` are not for servers.
    pub(in crate::config) fn read(read: &mut Reader, files: &mut Files) -> Option<Self> {
        let (endpoint, bucket, region, path_style) = place(read);
        let key_file = |read: &mut Reader, key, help| read.value(key, kind::path().optional(), None, help);
        let access_key_file = key_file(
            read,
            "s3.access_key_file",
            "a file that holds the access key's id; with `s3.secret_key_file` it comes before `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`",
        );
        let secret_key_file = key_file(read, "s3.secret_key_file", "a file that holds the secret access key");
        let ca_file = key_file(
            read,
            "s3.ca_file",
            "authorities in PEM that the server's certificate may be signed by; unset: the public ones",
        );
        if bucket.is_none() {
            files.missing(read, "s3.bucket", "the fleet's programs need a bucket for sources and results");
        }
        let credentials = credentials(read, files, access_key_file, secret_key_file);
        let tls = endpoint.as_ref().is_none_or(|endpoint| endpoint.starts_with("https:"));
        let ca = files.authorities(read, "s3.ca_file", ca_file.as_deref(), "s3.endpoint", tls);
        Some(Self { endpoint, bucket: bucket?, region, path_style, credentials: credentials?, ca })
    }
}

/// Where the bucket is.
fn place(read: &mut Reader) -> (Option<String>, Option<String>, String, bool) {
    let endpoint = read.value(
        "s3.endpoint",
        address(&["http", "https"], "https://host:9000", str::is_empty).optional(),
        None,
        "the address of an S3 server; unset: that of AWS for the region",
    );
    let bucket = read.value(
        "s3.bucket",
        name("a bucket's name: letters, digits and . - _, from 3 to 63", 3).optional(),
        None,
        "the bucket that sources and results lie in; the fleet's programs need one",
    );
    let region = read.value(
        "s3.region",
        name("a region's name: letters, digits and . - _, at most 63", 1),
        "us-east-1".to_owned(),
        "the region that requests are signed for",
    );
    let path_style = read.value(
        "s3.path_style",
        kind::switch(),
        false,
        "name the bucket in the path rather than in the host, as most servers of one's own want",
    );
    (endpoint, bucket, region, path_style)
}

/// Both keys from files or both from the environment, whose session token goes with its own keys only.
fn credentials(
    read: &mut Reader,
    files: &mut Files,
    access_key_file: Option<PathBuf>,
    secret_key_file: Option<PathBuf>,
) -> Option<S3Credentials> {
    for (key, given, other, other_given) in [
        ("s3.access_key_file", access_key_file.is_some(), "s3.secret_key_file", secret_key_file.is_some()),
        ("s3.secret_key_file", secret_key_file.is_some(), "s3.access_key_file", access_key_file.is_some()),
    ] {
        if given && !other_given {
            read.refuse(key, format!("only together with {other}"));
            return None;
        }
    }
    let from_files = access_key_file.is_some();
    let access_key = Place {
        key: "s3.access_key",
        file_key: "s3.access_key_file",
        file: access_key_file,
        variable: Some("AWS_ACCESS_KEY_ID"),
        needed: files.servers,
    };
    let access_key = files.secret(read, access_key);
    let secret_key = Place {
        key: "s3.secret_key",
        file_key: "s3.secret_key_file",
        file: secret_key_file,
        variable: Some("AWS_SECRET_ACCESS_KEY"),
        needed: files.servers,
    };
    let secret_key = files.secret(read, secret_key);
    if !from_files && (access_key.is_none() || secret_key.is_none()) {
        let how = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name files with s3.access_key_file and s3.secret_key_file";
        files.missing(read, if access_key.is_none() { "s3.access_key" } else { "s3.secret_key" }, how);
    }
    let session_token = if from_files { None } else { files.variable("AWS_SESSION_TOKEN") };
    Some(S3Credentials { access_key: access_key?, secret_key: secret_key?, session_token })
}

fn name(allowed: &str, shortest: usize) -> kind::Kind<String> {
    let fits = move |text: &str| {
        (shortest..=63).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
    };
    kind::text(allowed, move |text| fits(text).then(|| text.to_owned()), String::clone)
}

//! Sources read over HTTP: the presigned URLs of a store.
//!
//! ffmpeg connects again by itself. Where that fails for good it may end well all the same, with a part of the film or with
//! another than was asked for, so that what it says on the way decides.

use std::{ffi::OsString, path::Path};

use langflix_domain::FailureKind;
use langflix_ports::media::Error;

use crate::{
    args::strings,
    failure::{failed, parted},
};

/// What ffmpeg calls those that speak of the connection.
const PROTOCOLS: [&str; 4] = ["http", "https", "tls", "tcp"];
/// The longest wait before ffmpeg connects again, in seconds: it waits 0, 1 and 3, and gives up.
const LONGEST_WAIT: &str = "4";
const LAST_WAIT: &str = " in 3 second";
/// How long it waits for an answer, in microseconds: four times that and the waits make less than a minute.
const ANSWER: &str = "12000000";

/// Whether `location` is a URL and no path.
pub(crate) fn is_url(location: &str) -> bool {
    location.starts_with("http://") || location.starts_with("https://")
}

/// Has a program say on stderr what becomes of a connection, and the level of each line.
pub(crate) const LEVELS: [&str; 2] = ["-v", "level+warning"];

/// Whether a program with these arguments tells levels, or reads a URL and may lose its connection.
pub(crate) fn is_read_or_levelled(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == LEVELS[1] || arg.to_str().is_some_and(is_url))
}

/// `location` as it may be shown to people: a presigned URL's query lets anyone read.
pub(crate) fn shown(location: &str) -> &str {
    if is_url(location) { location.split('?').next().unwrap_or_default() } else { location }
}

/// How a URL is opened. A server's certificate must be signed by one of the `authorities`, or by one of the system's.
pub(crate) fn options(url: &str, authorities: Option<&Path>) -> Vec<OsString> {
    let mut options: Vec<OsString> = Vec::new();
    if url.starts_with("https:") {
        options.extend(strings(&["-protocol_whitelist", "https,tls,tcp", "-tls_verify", "1"]));
        if let Some(file) = authorities {
            options.extend(["-ca_file".into(), file.into()]);
        }
    } else {
        options.extend(strings(&["-protocol_whitelist", "http,tcp"]));
    }
    options.extend(strings(&["-reconnect", "1", "-reconnect_on_network_error", "1"]));
    options.extend(strings(&["-reconnect_on_http_error", "429,5xx", "-reconnect_delay_max", LONGEST_WAIT]));
    options.extend(strings(&["-rw_timeout", ANSWER]));
    options
}

/// What a program that told levels or read a URL said on stderr, but for queries, and for warnings that are not NVENC's: with one it says
/// what it does not take.
///
/// # Errors
/// [`FailureKind::Store`] where the connection failed for good, however the program ended; [`FailureKind::Input`] where
/// there is no such object.
pub(crate) fn said(stderr: &str) -> Result<String, Error> {
    let stderr = without_queries(stderr);
    match trouble(&stderr) {
        Some(error) => Err(error),
        None => Ok(stderr.lines().filter_map(unlevelled).flat_map(|line| [line, "\n".to_owned()]).collect()),
    }
}

fn trouble(stderr: &str) -> Option<Error> {
    let mut cause = "no answer";
    for line in stderr.lines() {
        let (from, text) = parted(line.trim());
        if !PROTOCOLS.contains(&from) {
            continue;
        }
        let (_, text) = level(text);
        if let Some(again) = text.strip_prefix("Will reconnect at ") {
            cause = again.split_once("error=").map_or(cause, |(_, error)| error.trim_end_matches('.'));
            if again.contains(LAST_WAIT) {
                return Some(unavailable(cause));
            }
            continue;
        }
        cause = text;
        if let Some(status) = text.strip_prefix("HTTP error ")
            && let Some(error) = refused(status)
        {
            return Some(error);
        }
    }
    None
}

fn unavailable(cause: &str) -> Error {
    let about_tls = ["erificat", "SSL", "TLS"].iter().any(|word| cause.contains(word));
    let check = if about_tls { "s3.ca_file and s3.endpoint" } else { "the network and s3.endpoint" };
    transient(format!("the store does not give the source now ({cause}): check {check}"))
}

/// What a refusal means that ffmpeg does not try again.
fn refused(status: &str) -> Option<Error> {
    match status.get(..3)? {
        "404" => Some(failed(FailureKind::Input, format!("the store has no such object ({status})"))),
        // Readers of files without an index ask for what lies behind the end; 429 is tried again.
        "416" | "429" => None,
        code if code.starts_with('4') => Some(transient(format!(
            "the store does not permit to read the source ({status}): check this machine's clock and the key's permissions"
        ))),
        _ => None,
    }
}

fn transient(message: String) -> Error {
    Error { kind: FailureKind::Store, transient: true, fault: None, message }
}

/// A line as it would be without levels; `None` for a warning that is not NVENC's.
fn unlevelled(line: &str) -> Option<String> {
    let line = line.trim_end();
    let (from, text) = parted(line);
    match level(text) {
        ("warning", _) if !from.ends_with("_nvenc") => None,
        ("", _) => Some(line.to_owned()),
        (_, said) => Some(format!("{}{said}", line.strip_suffix(text).unwrap_or_default())),
    }
}

/// Parts the level that stands before a text from it.
fn level(text: &str) -> (&str, &str) {
    let parted = text.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    parted.filter(|(level, _)| ["warning", "error", "fatal", "panic"].contains(level)).unwrap_or(("", text))
}

/// Leaves out the queries of URLs, and what may be a part of one.
fn without_queries(text: &str) -> String {
    let bare = |word: &str| {
        let url = word.trim_end();
        let keeps = match (url.contains("://"), url.contains("X-Amz-")) {
            (true, _) => url.split('?').next().unwrap_or_default(),
            (false, true) => "",
            (false, false) => return word.to_owned(),
        };
        let colon = if url.len() > keeps.len() && url.ends_with(':') { ":" } else { "" };
        format!("{keeps}{colon}{}", &word[url.len()..])
    };
    text.split_inclusive(char::is_whitespace).map(bare).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://h:9000/b/k.mkv?X-Amz-Credential=AK&X-Amz-Signature=5ec2e7";

    #[test]
    fn queries_of_urls_are_left_out_and_all_else_stays() {
        let text =
            format!("[error] {URL}: Server returned 403\n\tInput #0, from '{URL}':\n=5ec2e7&X-Amz-Date=1 tail\n");
        let left =
            "[error] https://h:9000/b/k.mkv: Server returned 403\n\tInput #0, from 'https://h:9000/b/k.mkv:\n tail\n";
        assert_eq!(without_queries(&text), left);
        assert_eq!(shown(URL), "https://h:9000/b/k.mkv");
        assert_eq!(shown("/films/what?.mkv"), "/films/what?.mkv");
    }

    #[test]
    fn what_is_said_has_no_warnings_and_no_levels() {
        let text = "[mov @ 0x5] [warning] odd\n[h264_nvenc @ 0x9] [warning] Width 8192 exceeds 4096\n[in#0 @ 0x6] [error] Error opening\n[fatal] bad\n  I: -26.0 LUFS\n[x] y\n";
        assert_eq!(
            said(text).unwrap(),
            "[h264_nvenc @ 0x9] Width 8192 exceeds 4096\n[in#0 @ 0x6] Error opening\nbad\n  I: -26.0 LUFS\n[x] y\n"
        );
    }

    /// What versions 5.1 and 9.0 of ffmpeg say.
    #[test]
    fn each_trouble_of_a_connection_has_its_kind() {
        for (text, kind, shows) in [
            ("[https @ 0x1] [warning] HTTP error 404 Not Found", FailureKind::Input, "404 Not Found"),
            ("[http @ 0x1] [warning] HTTP error 403 Forbidden", FailureKind::Store, "clock"),
            ("[http @ 0x1] [warning] HTTP error 400 Bad Request", FailureKind::Store, "400 Bad Request"),
            (
                "[http @ 0x1] [warning] HTTP error 503 Service Unavailable\n[http @ 0x1] [warning] Will reconnect at 0 in 3 second(s).",
                FailureKind::Store,
                "503 Service Unavailable",
            ),
            (
                "[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:1 failed: Connection refused\n[http @ 0x2] Will reconnect at 0 in 3 second(s).",
                FailureKind::Store,
                "Connection refused",
            ),
            (
                "[http @ 0x1] [warning] Will reconnect at 118535862 in 3 second(s), error=Connection reset by peer.\nconversion ended",
                FailureKind::Store,
                "(Connection reset by peer)",
            ),
            (
                "[tls @ 0x1] [error] Peer certificate failed verification\n[https @ 0x2] [warning] Will reconnect at 0 in 3 second(s).",
                FailureKind::Store,
                "check s3.ca_file",
            ),
        ] {
            let error = said(text).unwrap_err();
            assert_eq!((error.kind, error.transient), (kind, kind == FailureKind::Store), "{text}");
            assert!(error.message.contains(shows) && !error.message.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_connection_that_came_back_is_no_trouble() {
        let text = "[http @ 0x1] [warning] HTTP error 503 Slow Down\n\
                    [http @ 0x1] [warning] Will reconnect at 70 in 0 second(s).\n\
                    [http @ 0x1] [warning] Will reconnect at 70 in 1 second(s), error=Connection reset by peer.\n\
                    [http @ 0x1] [warning] HTTP error 416 Requested Range Not Satisfiable\n\
                    [mp4 @ 0x1] Will reconnect at 70 in 3 second(s)\n";
        assert!(said(text).is_ok());
    }
}

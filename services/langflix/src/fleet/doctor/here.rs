//! What can be found out on this machine alone.

use std::time::{Duration, Instant};

use langflix_domain::VideoCodec;
use langflix_llm::{CheckError, Identity, LlmSettings, check};
use langflix_media::{Ffmpeg, usable, version};
use langflix_ports::llm::ErrorKind;
use langflix_runtime::config::{Llm, Parts, Provider, Sources, Video};

use super::Finding;
use crate::run::settings;

/// The configuration, its faults and what deserves a look, and the language model that it names.
pub(super) fn configuration(sources: &Sources, parts: &Parts) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let file = sources.file.as_ref().map(|file| file.path.display().to_string());
    let from =
        file.map_or("the environment and defaults".to_owned(), |file| format!("{file}, environment and defaults"));
    let mut findings: Vec<Finding> =
        parts.faults.0.iter().map(|fault| Finding::fail(CHECK, fault.to_string())).collect();
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, from));
    }
    findings.extend(parts.common.warnings.iter().map(|warning| Finding::warn(CHECK, warning.clone())));
    findings.push(model(&parts.common.llm));
    findings
}

fn model(llm: &Llm) -> Finding {
    const CHECK: &str = "model";
    let name = match Identity::of(&settings::llm(llm)) {
        Ok(identity) => identity.name,
        Err(error) => return Finding::fail(CHECK, error.to_string()),
    };
    let needs_key = llm.provider != Provider::Offline && llm.base_url.is_none();
    if llm.provider_is_automatic {
        let automatic =
            "chosen by the keys that are set here: set llm.provider, or workers with other keys refuse the runs";
        return Finding::warn(CHECK, format!("{name}, {automatic}"));
    }
    match llm.provider.key_variable() {
        Some(variable) if needs_key && llm.api_key.is_none() => {
            Finding::ok(CHECK, format!("{name}; no key here: analysis workers need {variable} or llm.api_key_file"))
        }
        _ => Finding::ok(CHECK, name),
    }
}

/// How long a provider may take to tell of its models.
const PROVIDER_ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Whether the language model can be asked from here, where it is asked over the network and its key is here.
pub(super) async fn provider(llm: &Llm) -> Vec<Finding> {
    const CHECK: &str = "provider";
    let asked = LlmSettings { request_timeout: PROVIDER_ANSWERS_WITHIN, ..settings::llm(llm) };
    let began = Instant::now();
    let (provider, took) = (llm.provider.as_str(), || began.elapsed().as_secs_f64() * 1e3);
    vec![match check(&asked).await {
        // Nobody is asked, or nobody can be: another check tells.
        _ if llm.provider == Provider::Offline => return Vec::new(),
        Err(CheckError::Build(_)) => return Vec::new(),
        Ok(true) => Finding::ok(CHECK, format!("{provider} has the model and lets it be asked, {:.0} ms", took())),
        Ok(false) => Finding::warn(
            CHECK,
            format!("{provider} answers and does not list the model: check llm.model and llm.base_url"),
        ),
        Err(CheckError::Asked(error)) if error.kind == ErrorKind::Unavailable => {
            Finding::warn(CHECK, format!("{error}; analysis workers must reach it"))
        }
        Err(CheckError::Asked(error)) => Finding::fail(CHECK, error.to_string()),
    }]
}

/// ffmpeg, and the encoder of the fleet's clips.
pub(super) async fn encoder(video: &Video) -> Vec<Finding> {
    let ffmpeg = match Ffmpeg::locate(std::env::var_os("PATH").as_deref()) {
        Ok(ffmpeg) => ffmpeg.on_render_node(video.render_node.clone()),
        Err(error) => return vec![Finding::fail("ffmpeg", error.to_string())],
    };
    let codec = match settings::fleet_codec(video) {
        // NVENC is tried on the GPU that a worker would be pinned to, by another check; this is what takes its place.
        VideoCodec::H264Nvenc | VideoCodec::HevcNvenc => VideoCodec::Libx264,
        codec => codec,
    };
    let encoder = match usable(&ffmpeg, codec).await {
        Ok(()) => Finding::ok("encoder", format!("{} works here", codec.as_str())),
        Err(error) => Finding::warn("encoder", format!("{error}; it must where an encoding worker runs")),
    };
    let ffmpeg = match version(&ffmpeg).await {
        Ok(version) => Finding::ok("ffmpeg", format!("ffmpeg {version} and ffprobe are on the PATH")),
        Err(error) => Finding::fail("ffmpeg", error.to_string()),
    };
    vec![ffmpeg, encoder]
}

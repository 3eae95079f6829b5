//! What can be found out on this machine alone.

use langflix_domain::VideoCodec;
use langflix_llm::Identity;
use langflix_media::{Ffmpeg, usable, version};
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

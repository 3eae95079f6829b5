//! An encode on a GPU, as the same encode in software.

use std::mem;

/// Options that only NVENC and decoders on a GPU know, or whose values only they know, each with a value.
const DROPPED: &[&str] = &[
    "-preset",
    "-tune",
    "-rc",
    "-cq",
    "-gpu",
    "-qp",
    "-surfaces",
    "-multipass",
    "-2pass",
    "-delay",
    "-zerolatency",
    "-rc-lookahead",
    "-rc_lookahead",
    "-lookahead_level",
    "-spatial-aq",
    "-spatial_aq",
    "-temporal-aq",
    "-temporal_aq",
    "-aq-strength",
    "-b_ref_mode",
    "-weighted_pred",
    "-nonref_p",
    "-strict_gop",
    "-no-scenecut",
    "-forced-idr",
    "-b_adapt",
    "-init_qpI",
    "-init_qpP",
    "-init_qpB",
    "-highbitdepth",
    "-profile:v",
    "-tier",
    "-level",
    "-level:v",
    "-tag:v",
    "-hwaccel",
    "-hwaccel_device",
    "-hwaccel_output_format",
    "-extra_hw_frames",
    "-init_hw_device",
    "-filter_hw_device",
];

const CODEC: &[&str] = &["-c:v", "-c:v:0", "-codec:v", "-vcodec"];
const FILTERS: &[&str] = &["-vf", "-filter:v", "-filter_complex", "-lavfi"];

/// The NVENC encoder that is asked for.
#[must_use]
pub fn nvenc(args: &[String]) -> Option<&str> {
    args.windows(2)
        .find(|pair| CODEC.contains(&pair[0].as_str()) && pair[1].ends_with("_nvenc"))
        .map(|pair| pair[1].as_str())
}

/// The arguments with x264 in NVENC's place, and filters and decoders of the processor in place of the GPU's.
#[must_use]
pub fn in_software(args: &[String]) -> Vec<String> {
    let mut software = Vec::new();
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        let name = arg.as_str();
        let Some(value) = args.peek() else {
            software.push(arg.clone());
            break;
        };
        if CODEC.contains(&name) && value.ends_with("_nvenc") {
            software.extend(["-c:v", "libx264", "-preset", "ultrafast"].map(str::to_owned));
        } else if CODEC.contains(&name) && value.ends_with("_cuvid") || DROPPED.contains(&name) {
            // Neither the option nor its value.
        } else if name == "-b:v" && *value == "0" {
            // x264 would take it for a rate.
        } else if FILTERS.contains(&name) {
            software.extend([arg.clone(), graph(value)]);
        } else {
            software.push(arg.clone());
            continue;
        }
        args.next();
    }
    software
}

/// A filter graph, filter by filter.
fn graph(text: &str) -> String {
    let (mut graph, mut filter) = (String::new(), String::new());
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' | ';' if !quoted && !escaped => {
                graph += &filter_in_software(&mem::take(&mut filter));
                graph.push(c);
            }
            _ => filter.push(c),
        }
        quoted ^= c == '\'' && !escaped;
        escaped = c == '\\' && !escaped;
    }
    graph + &filter_in_software(&filter)
}

/// A filter between the labels of its inputs and outputs.
fn filter_in_software(text: &str) -> String {
    let mut start = 0;
    while text[start..].starts_with('[') {
        match text[start..].find(']') {
            Some(end) => start += end + 1,
            None => break,
        }
    }
    let end = match text.ends_with(']') {
        true => text[start..].find('[').map_or(text.len(), |at| start + at),
        false => text.len(),
    };
    let filter = &text[start..end];
    let (name, settings) = filter.split_once('=').unwrap_or((filter, ""));
    let software = match name {
        "scale_cuda" | "scale_npp" => scale(settings),
        "yadif_cuda" | "bwdif_cuda" | "overlay_cuda" => filter.replacen("_cuda", "", 1),
        "hwdownload" | "hwupload" | "hwupload_cuda" => "null".to_owned(),
        "format" if settings == "cuda" => "null".to_owned(),
        _ => filter.to_owned(),
    };
    format!("{}{software}{}", &text[..start], &text[end..])
}

fn scale(settings: &str) -> String {
    let (mut kept, mut format) = (Vec::new(), String::new());
    for setting in settings.split(':').filter(|setting| !setting.is_empty()) {
        match setting.split_once('=') {
            Some(("format", pixels)) => format = format!(",format={pixels}"),
            Some(("interp_algo" | "passthrough" | "param", _)) => {}
            _ => kept.push(setting),
        }
    }
    match kept.is_empty() {
        true => format!("null{format}"),
        false => format!("scale={}{format}", kept.join(":")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn software(args: &str) -> String {
        in_software(&args.split(' ').map(str::to_owned).collect::<Vec<_>>()).join(" ")
    }

    #[test]
    fn an_encode_on_the_gpu_becomes_one_in_software() {
        assert_eq!(
            software(
                "-hwaccel cuda -hwaccel_output_format cuda -ss 3 -i in -vf scale_cuda=w=640:h=-2:format=yuv420p -c:v \
                 h264_nvenc -gpu 0 -preset p4 -tune hq -rc vbr -cq 23 -b:v 0 -spatial-aq 1 -c:a aac -y out.mp4"
            ),
            "-ss 3 -i in -vf scale=w=640:h=-2,format=yuv420p -c:v libx264 -preset ultrafast -c:a aac -y out.mp4"
        );
    }

    #[test]
    fn filters_of_the_gpu_are_replaced_in_any_graph_and_others_stay() {
        assert_eq!(
            software(
                "-filter_complex [0:0]scale_cuda=format=nv12,hwdownload,format=nv12,split[a][b];[a]subtitles='a,b'[c]"
            ),
            "-filter_complex [0:0]null,format=nv12,null,format=nv12,split[a][b];[a]subtitles='a,b'[c]"
        );
        assert_eq!(software("-vf yadif_cuda=1:-1:0,hwupload_cuda -y"), "-vf yadif=1:-1:0,null -y");
    }

    #[test]
    fn an_encoder_is_told_from_other_words() {
        let args = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(nvenc(&args("-i h264_nvenc -c:v libx264 out")), None);
        assert_eq!(nvenc(&args("-i in -c:v hevc_nvenc out")), Some("hevc_nvenc"));
    }
}

//! Stands in for ffmpeg: encodes of NVENC open a session in the file, everything else goes to the real one as it is.

use std::{
    env,
    ffi::OsString,
    fs,
    os::unix::process::CommandExt as _,
    process::{Command, ExitCode},
    thread,
    time::Duration,
};

use langflix_standin_gpu::{Call, FFMPEG, STATE, State, StateFile, in_software, nvenc};

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("stand-in: {error}");
            ExitCode::from(70)
        }
    }
}

fn run(args: &[OsString]) -> Result<ExitCode, String> {
    let texts: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let Some(encoder) = nvenc(&texts) else { return Err(become_ffmpeg(args)) };
    let path = env::var_os(STATE).ok_or_else(|| format!("{STATE} names no file"))?;
    let call = Call { visible: env::var("CUDA_VISIBLE_DEVICES").ok(), number: value(&texts, "-gpu") };
    let (opened, state) = StateFile::at(&path)
        .update(|state: &mut State| (call.open(state), state.clone()))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if let Err(refusal) = opened {
        leave_outputs(&texts);
        for line in refusal.lines(encoder, is_on_gpu(&texts)) {
            eprintln!("{line}");
        }
        return Ok(ExitCode::FAILURE);
    }
    thread::sleep(Duration::from_millis(state.encode_ms));
    match state.real {
        // The session is this process's, whatever program it runs, and ends with it, however that ends.
        true => Err(become_ffmpeg(&paced(&state, in_software(&texts)))),
        false => Ok(ExitCode::SUCCESS),
    }
}

/// The arguments with the pace of the state before all others, so that it is the first input's.
fn paced(state: &State, args: Vec<String>) -> Vec<String> {
    let pace = state.pace_percent.map(|percent| format!("{}.{:02}", percent / 100, percent % 100));
    let pace = pace.into_iter().flat_map(|pace| ["-readrate".to_owned(), pace]);
    pace.chain(args).collect()
}

/// Returns only where that fails, with the reason.
fn become_ffmpeg<S: AsRef<std::ffi::OsStr>>(args: &[S]) -> String {
    match env::var_os(FFMPEG) {
        Some(path) => format!("{}: {}", path.display(), Command::new(&path).args(args).exec()),
        None => format!("{FFMPEG} names no program"),
    }
}

fn value(args: &[String], option: &str) -> Option<usize> {
    args.windows(2).find(|pair| pair[0] == option)?[1].parse().ok()
}

/// Whether the encoder is handed frames that lie on the GPU.
fn is_on_gpu(args: &[String]) -> bool {
    let has = |text: &str| args.iter().any(|arg| arg.contains(text));
    (args.windows(2).any(|pair| pair[0] == "-hwaccel_output_format" && pair[1] == "cuda") || has("hwupload_cuda"))
        && !has("hwdownload")
}

/// ffmpeg opens its outputs before the encoder, and leaves them empty.
fn leave_outputs(args: &[String]) {
    for pair in args.windows(2).filter(|pair| pair[0] == "-y" && pair[1] != "-") {
        if let Err(error) = fs::write(&pair[1], []) {
            eprintln!("{}: {error}", pair[1]);
        }
    }
}

//! `langflix ingest`: from videos to runs of the fleet.

mod bucket;
mod told;
mod upload;

use std::{path::PathBuf, sync::Mutex, time::Duration};

use anyhow::{Context as _, bail};
use futures::{StreamExt as _, stream};
use langflix_domain::{Digest, EpisodeId, EpisodeStatus, Lane, RunId};
use langflix_fleet::parts;
use langflix_llm::Identity;
use langflix_measures::Operation;
use langflix_media::Ffmpeg;
use langflix_pipeline::{
    RunRequest, RunSettings,
    fleet::{Submitted, submit},
};
use langflix_rabbitmq::RabbitQueue;
use langflix_runtime::{
    config::{Config, S3},
    trace::{self, Trace},
};
use langflix_s3::{S3Store, Stat};
use tracing::{Instrument as _, Span, field::Empty};

use super::{
    status,
    wait::{self, End},
};
use crate::{
    Parting, Several, Usage,
    cli::{IngestArgs, Output},
    counted, progress,
    run::{
        self, episodes,
        prepare::{OnDisk, Sources, Videos},
        report, settings,
        tree::Disk,
    },
    say,
};
use bucket::{InBucket, Keys};
use told::Told;

/// Episodes read at once, and episodes uploaded at once; each upload sends several parts at a time.
const READ_AT_ONCE: usize = 4;
const UPLOADED_AT_ONCE: usize = 3;
/// Between two looks at the queues.
const BETWEEN_COUNTS: Duration = Duration::from_secs(5);

/// Where episodes are handed in.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) store: &'a S3Store,
    pub(crate) s3: &'a S3,
    pub(crate) queue: &'a RabbitQueue,
}

/// An episode that can be submitted.
struct Ready {
    asked: RunRequest,
    /// The file to upload first.
    file: Option<PathBuf>,
}

/// Submits every episode that the arguments name. Gives how many were submitted: failed for none; with `--wait`, how
/// they ended.
///
/// # Errors
/// What keeps the episodes from being submitted at all: one that cannot be read, too.
pub(crate) async fn ingest(
    args: &IngestArgs,
    config: &Config,
    place: Place<'_>,
    parting: &Parting,
) -> anyhow::Result<EpisodeStatus> {
    let output = args.output();
    let ready = ready(args, config, place).await?;
    let sent = send(place, ready, args.lane(), &Told::new(output)).await;
    let left = sent.iter().filter(|(_, sent)| sent.is_none()).count();
    if left > 0 {
        let all = counted(sent.len(), "episode");
        say::error(format_args!("{left} of {all} not submitted: the same command again submits what is missing"));
    }
    if !args.wait {
        return Ok(report::overall(&sent.iter().map(|(_, sent)| sent.is_some()).map(submitted).collect::<Vec<_>>()));
    }
    parting.set("stopped waiting: the fleet goes on; `langflix status` tells how far it is");
    wait_for(place, sent, output).await
}

/// Reads every episode that the arguments name.
async fn ready(args: &IngestArgs, config: &Config, place: Place<'_>) -> anyhow::Result<Vec<Ready>> {
    let (output, bucket) = (args.output(), place.s3.bucket.as_str());
    let language = settings::language(config, &args.episodes)?;
    let encode = (!args.episodes.dry_run).then(|| settings::fleet_encoding(config)).transpose()?;
    let asked = settings::run(config, language.clone(), Identity::of(&settings::llm(&config.llm))?, encode);
    if config.llm.provider_is_automatic {
        let model = &asked.model_name;
        tracing::warn!(%model, "llm.provider is auto: workers that have other keys mean another model and refuse these runs");
    }
    let (ffmpeg, prefixes) = (ffmpeg(place.s3)?, prefixes(&args.paths, bucket)?);
    // Before anything is read and uploaded in vain.
    place.queue.check_topology().await?;
    place.store.check().await?;
    let Some(prefixes) = prefixes else {
        let found = episodes::find(&Disk, &args.paths, &args.episodes, config, &language).map_err(nothing_submitted)?;
        run::introduce(config, &asked, found.len(), output);
        let videos = OnDisk { media: &ffmpeg, cache: None };
        return read(&ffmpeg, &videos, &found, &asked, output, |sources| Some(sources.video.clone())).await;
    };
    let keys = Keys::list(place.store, bucket, &prefixes).await?;
    let mut found = episodes::find(&keys, &prefixes, &args.episodes, config, &language).map_err(nothing_submitted)?;
    run::introduce(config, &asked, found.len(), output);
    let subtitles = tempfile::tempdir()?;
    bucket::fetch_subtitles(place.store, &mut found, &args.episodes, subtitles.path()).await?;
    let videos = InBucket { media: &ffmpeg, store: place.store, bucket };
    read(&ffmpeg, &videos, &found, &asked, output, |_| None).await
}

/// Says what became of those episodes with which nothing is wrong.
fn nothing_submitted(error: anyhow::Error) -> anyhow::Error {
    if error.is::<Usage>() {
        return error;
    }
    let mut errors = match error.downcast() {
        Ok(Several(errors)) => errors,
        Err(error) => vec![format!("{error:#}")],
    };
    errors.push("nothing was submitted".to_owned());
    Several(errors).into()
}

/// ffmpeg, which trusts the same authorities as this program where it reads from the store.
fn ffmpeg(s3: &S3) -> anyhow::Result<Ffmpeg> {
    let ffmpeg = Ffmpeg::locate(std::env::var_os("PATH").as_deref())?;
    match &s3.ca {
        Some(ca) => ffmpeg.with_authorities(ca.as_pem().as_bytes()).context("no file for s3.ca_file can be written"),
        None => Ok(ffmpeg),
    }
}

fn submitted(is_submitted: bool) -> EpisodeStatus {
    if is_submitted { EpisodeStatus::Complete } else { EpisodeStatus::Failed }
}

/// The keys that `s3://` paths name; `None` where the paths are this machine's.
fn prefixes(paths: &[PathBuf], bucket: &str) -> anyhow::Result<Option<Vec<PathBuf>>> {
    let remote: Vec<&str> = paths.iter().filter_map(|path| path.to_str()?.strip_prefix("s3://")).collect();
    if remote.is_empty() {
        return Ok(None);
    }
    if remote.len() < paths.len() {
        return Err(Usage("give paths of this machine or s3:// prefixes, and not both at once".to_owned()).into());
    }
    let key = |path: &&str| {
        let (named, key) = path.split_once('/').unwrap_or((path, ""));
        match key.trim_end_matches('/') {
            _ if named.is_empty() => Err(Usage(format!("s3://: give a prefix, such as s3://{bucket}/Suits/S01"))),
            _ if named != bucket => {
                Err(Usage(format!("s3://{path}: the fleet's bucket is {bucket}: set s3.bucket, or copy it there")))
            }
            "" => Err(Usage(format!("s3://{path}: give a prefix, such as s3://{bucket}/Suits/S01"))),
            key => Ok(PathBuf::from(key)),
        }
    };
    Ok(Some(remote.iter().map(key).collect::<Result<_, _>>()?))
}

/// Reads every episode, so that a season is submitted whole or not at all.
async fn read(
    ffmpeg: &Ffmpeg,
    videos: &dyn Videos,
    found: &[Sources],
    asked: &RunSettings,
    output: Output,
    file: impl Fn(&Sources) -> Option<PathBuf>,
) -> anyhow::Result<Vec<Ready>> {
    let one = |sources| async move { (sources, run::asked(ffmpeg, videos, sources, asked).await) };
    let read: Vec<(&Sources, anyhow::Result<RunRequest>)> =
        stream::iter(found).map(one).buffered(READ_AT_ONCE).collect().await;
    let (mut ready, mut unreadable) = (Vec::new(), 0);
    for (sources, asked) in read {
        match asked {
            Ok(asked) => ready.push(Ready { asked, file: file(sources) }),
            Err(error) => {
                report::failed(&sources.episode, &error, output);
                unreadable += 1;
            }
        }
    }
    if unreadable > 0 {
        bail!("nothing was submitted, since {} of {} cannot be read", unreadable, counted(found.len(), "episode"));
    }
    Ok(ready)
}

/// Uploads and submits every episode. Gives what became of each; `None` where it could not be submitted.
async fn send(
    place: Place<'_>,
    ready: Vec<Ready>,
    lane: Lane,
    told: &Told,
) -> Vec<(EpisodeId, Option<(RunId, Submitted)>)> {
    let one = |ready: Ready| async move {
        let episode = ready.asked.episode.clone();
        // Where spans are sent, the run's trace begins here.
        let span = trace::Span::begin(None, || "ingest".to_owned());
        let sending = send_one(place, ready, lane, span.place(), told);
        let logged = tracing::info_span!("ingest", %episode, run = Empty);
        match span.around(sending).instrument(logged).await {
            Ok((run, submitted)) => {
                told.submitted(&episode, &run, submitted);
                (episode, Some((run, submitted)))
            }
            Err(error) => {
                told.failed(&episode, &error);
                (episode, None)
            }
        }
    };
    let sent = stream::iter(ready).map(one).buffered(UPLOADED_AT_ONCE).collect().await;
    told.done();
    sent
}

async fn send_one(
    place: Place<'_>,
    Ready { asked, file }: Ready,
    lane: Lane,
    trace: Option<Trace>,
    told: &Told,
) -> anyhow::Result<(RunId, Submitted)> {
    let asked = match file {
        Some(file) => {
            let track = told.track(&asked.episode);
            let uploading = upload::upload(place.store, &file, &track);
            let (key, stat) = Operation::Upload.time(uploading).await?;
            of_bucket(asked, &place.s3.bucket, &key, &stat)
        }
        None => asked,
    };
    let run = asked.run()?;
    Span::current().record("run", run.as_str());
    trace::say("run", run.to_string());
    let trace = trace.map(|trace| trace.to_string());
    Ok(submit(place.store, place.queue, &asked, lane, trace.as_deref()).await?)
}

/// The same request, its video in the bucket.
fn of_bucket(asked: RunRequest, bucket: &str, key: &str, stat: &Stat) -> RunRequest {
    let mut asked = RunRequest { source: address(bucket, key), source_identity: stat.identity(), ..asked };
    asked.video.digest = Digest::of_bytes(asked.source_identity.as_bytes());
    asked
}

/// What a run calls a video in the bucket.
fn address(bucket: &str, key: &str) -> String {
    format!("s3://{bucket}/{key}")
}

/// Waits for the runs that were submitted.
async fn wait_for(
    place: Place<'_>,
    sent: Vec<(EpisodeId, Option<(RunId, Submitted)>)>,
    output: Output,
) -> anyhow::Result<EpisodeStatus> {
    let submitted = sent.iter().filter_map(|(episode, sent)| Some((episode, &sent.as_ref()?.0)));
    let following = progress::Following::new(output, submitted.clone()).context("standard error")?;
    let runs = submitted.map(|(_, run)| run.clone());
    let say = |end: End| match end {
        End::Manifest(manifest) => report::say(&manifest, &format!("langflix fetch {}", manifest.run), output),
        End::Unreadable(run, error) => say::error(format_args!("{run}: {error}")),
    };
    // What would be written into the screen is said behind it.
    let postponed = Mutex::new(Vec::new());
    let ended = |end: End| match postponed.lock() {
        Ok(mut postponed) if following.is_screen() => postponed.push(end),
        _ => say(end),
    };
    let mut ends = tokio::select! {
        ends = wait::wait(place.store, runs, &following, &ended) => ends,
        () = count(place.queue, &following) => Vec::new(),
    };
    drop(following);
    let mut postponed = postponed.into_inner().unwrap_or_default();
    postponed.sort_by(|a, b| parts(a.run()).cmp(&parts(b.run())));
    postponed.into_iter().for_each(say);
    ends.extend(sent.iter().filter(|(_, sent)| sent.is_none()).map(|_| EpisodeStatus::Failed));
    Ok(report::overall(&ends))
}

/// Tells now and then what lies in the queues. Never ends.
async fn count(queue: &RabbitQueue, following: &progress::Following) {
    loop {
        if following.is_screen() {
            following.queues(status::queues(queue).await);
        }
        tokio::time::sleep(BETWEEN_COUNTS).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_of_the_fleets_bucket_and_no_bucket_is_taken_whole() {
        let of = |paths: &[&str]| prefixes(&paths.iter().map(PathBuf::from).collect::<Vec<_>>(), "media");
        assert_eq!(of(&["seasons/Suits", "x.mkv"]).unwrap(), None);
        let found = of(&["s3://media/Suits/S01/", "s3://media/x.mkv"]).unwrap().unwrap();
        assert_eq!(found, [PathBuf::from("Suits/S01"), PathBuf::from("x.mkv")]);
        for wrong in
            [&["s3://other/Suits"][..], &["s3://"], &["s3://media"], &["s3://media//"], &["s3://media/x", "x.mkv"]]
        {
            assert!(of(wrong).unwrap_err().is::<Usage>(), "{wrong:?}");
        }
    }
}

use std::marker::PhantomData;

use langflix_domain::{EpisodeStatus, VideoCodec};
use langflix_ports::queue::Place;

use crate::{
    label::GpuInfo,
    measure::{Counter, Description, Gauge, Histogram, Measure},
    words::{
        Asked, Closed, Command, Currency, Direction, End, Ended, Fallback, Found, Intake, Model, Operation, Part,
        Reason, Reply, RequestOutcome, Server, Service, State, Status, Version, Work,
    },
};

/// Seconds, from an answer of a cache to a task's limit.
const SECONDS: &[f64] = &[0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0];
/// Seconds of picture, from a short line to the longest scene.
const PICTURE: &[f64] = &[5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 60.0];
/// Frames encoded in a second.
const RATE: &[f64] = &[5.0, 10.0, 24.0, 48.0, 96.0, 192.0, 384.0, 768.0];
/// Bytes by which memory may change, in steps of 16 from 64 KiB.
const MEMORY: &[f64] = &[0.0, 65_536.0, 1_048_576.0, 16_777_216.0, 268_435_456.0];

/// Defines measures, each with its name, and the list of all of them.
macro_rules! measures {
    ($($kind:ident $name:ident<$labels:ty> = $text:literal $(($bounds:ident))?: $help:literal;)+) => {
        $(
            #[doc = $help]
            pub static $name: $kind<$labels> =
                $kind { name: $text, help: $help, $(bounds: $bounds,)? labels: PhantomData };
        )+

        static ALL: &[&dyn Measure] = &[$(&$name,)+];
    };
}

measures! {
    Gauge BUILD<(Service, Version)> = "langflix_build_info": "1, by the service and its version";
    Gauge READY<()> = "langflix_ready": "1 while the service is ready";
    Gauge PART_READY<(Part,)> = "langflix_part_ready": "1 while the part that the service needs is ready";

    Counter TASKS<(Place, Work, End, Reason)> = "langflix_tasks_total": "Tasks that ended, by how their messages were settled and why";
    Histogram TASK_SECONDS<(Place,)> = "langflix_task_seconds" (SECONDS): "Time from a task's begin until its message is settled";
    Gauge TASKS_RUNNING<(Place,)> = "langflix_tasks_running": "Tasks that run now";
    Histogram OPERATION_SECONDS<(Operation, Ended)> = "langflix_operation_seconds" (SECONDS): "Time that an operation took";
    Histogram OPERATION_MEMORY<(Operation,)> = "langflix_operation_memory_change_bytes" (MEMORY): "What an operation's end finds more of memory than its begin, in this process and its children; only with --profile";

    Gauge INTAKE_OPEN<(Intake,)> = "langflix_intake_open": "1 while an intake takes messages";
    Gauge INTAKE_CLOSED<(Intake, Closed)> = "langflix_intake_closed": "1 for the reason why an intake takes no messages, else 0";
    Gauge CONSUMERS<(Place,)> = "langflix_consumers": "Open consumers of this process";
    Counter HANDED_BACK<(Place,)> = "langflix_messages_handed_back_total": "Messages that came while no slot was free, and went back unbegun";
    Counter RECONNECTS<(Server,)> = "langflix_reconnects_total": "Connections made again after they were lost";
    Counter REDIS_FAILURES<(Command,)> = "langflix_redis_failures_total": "What was done without Redis, by what it was asked";

    Counter SPANS_LOST<()> = "langflix_spans_lost_total": "Spans that the collector did not get";
    Counter S3_REQUESTS<(Command, RequestOutcome)> = "langflix_s3_requests_total": "Requests to S3, by what was asked and what came of it";

    Gauge OPEN_RUNS<()> = "langflix_open_runs": "Unfinished runs";
    Gauge OLDEST_RUN<()> = "langflix_oldest_open_run_seconds": "Time since the oldest unfinished run was submitted; 0 where there is none";
    Counter RUNS<(EpisodeStatus,)> = "langflix_runs_ended_total": "Runs that ended, by how";
    Counter STAGES_ENDED<()> = "langflix_sweeper_stages_ended_total": "Ends of stages that only the sweeper noticed";
    Counter RUNS_RESUMED<()> = "langflix_sweeper_runs_resumed_total": "Silent runs whose tasks were published again";

    Counter WEB_REQUESTS<(Asked, Status)> = "langflix_web_requests_total": "Requests to the dispatcher's page and API, by what was asked for and the status of the answer";
    Gauge WEB_LISTENERS<()> = "langflix_web_listeners": "Streams of events that are open";

    Counter LLM_REQUESTS<(Model, Reply)> = "langflix_llm_requests_total": "Requests that were sent to the model, by what came of them";
    Counter LLM_TOKENS<(Model, Direction)> = "langflix_llm_tokens_total": "Tokens that the model says it took and gave, failed requests included";
    Counter LLM_SPEND<(Model, Currency)> = "langflix_llm_spend_millionths_total": "Money spent at the configured prices, in millionths of the currency";
    Counter LLM_ANSWERS<(Model, Found)> = "langflix_llm_cache_lookups_total": "Questions that a cache was asked before the model, by whether it had the answer";
    Counter LLM_RETRIES<(Model,)> = "langflix_llm_retries_total": "Requests sent again after an error that passes";
    Counter LLM_REASKS<(Model,)> = "langflix_llm_reasks_total": "Questions asked again because the answer failed the checks";
    Gauge LLM_WAITING<(Model,)> = "langflix_llm_limiter_waiting": "Requests of this process that wait for the rate limiter now";
    Counter LLM_REFUSED<(Model,)> = "langflix_llm_limiter_refused_total": "Requests that the rate limiter sent away, since their turn would have come too late";

    Histogram CLIP_SECONDS<(VideoCodec,)> = "langflix_clip_duration_seconds" (PICTURE): "Length of the clips that were encoded";
    Histogram CLIP_RATE<(VideoCodec,)> = "langflix_encoding_frames_per_second" (RATE): "Frames encoded in a second, by clip";
    Gauge SLOTS<()> = "langflix_encoding_slots": "Tasks that the encoding worker may have at once";
    Counter FALLBACKS<(Fallback,)> = "langflix_software_fallback_total": "Clips for a hardware encoder that were encoded in software";

    Gauge GPU_INFO<GpuInfo> = "langflix_gpu_info": "1 for the GPU that the worker is pinned to, 0 for those before";
    Gauge GPU_STATE<(State,)> = "langflix_gpu_state": "1 for the state that the GPU is in, 0 for those that it was in before";
    Gauge GPU_FREE_SLOTS<()> = "langflix_gpu_free_slots": "Clips that the GPU takes beside those at hand";
    Gauge GPU_SESSIONS<()> = "langflix_gpu_encoder_sessions": "Encoder sessions on the GPU, of all processes";
    Gauge GPU_CAPACITY<()> = "langflix_gpu_encoder_capacity_percent": "How much of the GPU's encoder is left; 0 where it has none";
    Gauge GPU_UTILIZATION<()> = "langflix_gpu_encoder_utilization_percent": "How busy the GPU's encoder is";
    Gauge GPU_FREE_MEMORY<()> = "langflix_gpu_free_memory_bytes": "Free memory of the GPU";
    Counter GPU_OPENED<()> = "langflix_gpu_sessions_opened_total": "Encoder sessions that clips of this worker got";
    Counter GPU_REFUSED<()> = "langflix_gpu_sessions_refused_total": "Encoder sessions that the GPU refused this worker";

    Gauge MEMORY_USED<()> = "langflix_memory_used_bytes": "Memory in use, that of children included";
    Gauge MEMORY_LIMIT<()> = "langflix_memory_limit_bytes": "Memory that may be used";
    Gauge SCRATCH_USED<()> = "langflix_scratch_used_bytes": "Copied sources and clips in the making";
    Gauge SCRATCH_LIMIT<()> = "langflix_scratch_limit_bytes": "Most bytes that copied sources may take up; clips in the making are beside them";
    Gauge SCRATCH_FREE<()> = "langflix_scratch_free_bytes": "Bytes that may still be written where clips are made, whoever took the others";
}

/// All measures.
pub fn all() -> impl Iterator<Item = Description> {
    ALL.iter().map(|measure| measure.description())
}

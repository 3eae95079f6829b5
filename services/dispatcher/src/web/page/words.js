// How numbers, times and states are said.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (value) => String(value).padStart(2, "0");

// Not by the browser's own formats: the first one that is made takes longer than all rows on a screen.
export function number(value) {
  const [units, rest] = String(value).split(".");
  const grouped = units.replace(/\B(?=(\d{3})+$)/g, ",");
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

/// `1 clip`, `2 clips`.
export const counted = (value, one, many = `${one}s`) => `${number(value)} ${value === 1 ? one : many}`;

/// `45 s`, `13 min`, `2 h 5 min`, `3 d 4 h`.
export function lasting(seconds) {
  const all = Math.max(0, Math.round(seconds));
  if (all < 90) return `${all} s`;
  const minutes = Math.round(all / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${hours / 24} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/// A moment of today as `14:03:22`.
export const moment = (date) => `${hours(date)}:${two(date.getSeconds())}`;

/// `26 Nov, 14:03`; what cannot be read stays as it is.
export function when(rfc3339) {
  const date = new Date(rfc3339);
  return Number.isNaN(date.getTime()) ? String(rfc3339) : `${date.getDate()} ${MONTHS[date.getMonth()]}, ${hours(date)}`;
}

const hours = (date) => `${two(date.getHours())}:${two(date.getMinutes())}`;

/// A position in an episode, `0:12:03`.
export function position(milliseconds) {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/// A position in a clip, `0:07`.
export function within(milliseconds) {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

let names = null;

export function language(tag) {
  names ??= new Intl.DisplayNames(["en"], { type: "language" });
  try {
    return names.of(tag);
  } catch {
    // BCP 47 allows more than browsers know, such as zh-yue.
    return String(tag);
  }
}

/// Money as the fleet counts it: amounts below a unit keep what would round away.
export function money(amount, currency) {
  return `${number(amount.toFixed(Math.abs(amount) < 1 ? 4 : 2))} ${currency}`;
}

/// `12 requests, 1,500 tokens`, with the price before it where one is configured.
export function spent(spend, currency) {
  const tokens = spend.input_tokens + spend.output_tokens;
  const asked = `${counted(spend.requests, "request")}, ${counted(tokens, "token")}`;
  return spend.amount === null || spend.amount === undefined || !currency ? asked : `${money(spend.amount, currency)}, ${asked}`;
}

/// What a show is called, where its name is known; else as keys write it.
export const show = (run) => run.show_name ?? run.show;

/// `S01E02`.
export const code = (run) => `S${two(run.season)}E${two(run.episode)}`;

const PHASES = { waiting: "Waiting", analysis: "Analysis", selection: "Selection", encoding: "Encoding", ended: "Ended", unreadable: "Unreadable" };
const STATUSES = { complete: "Complete", partial: "Partial", failed: "Failed" };

/// Where a run stands, in words.
export function standing(run) {
  if (run.status !== null) return (STATUSES[run.status] ?? String(run.status)) + (run.cancelled ? ", cancelled" : "");
  return run.cancelled ? "Being cancelled" : (PHASES[run.phase] ?? String(run.phase));
}

/// What failed in a run so far; null where nobody has said yet.
export function failures(run) {
  const known = [run.analysis, run.encoding].filter((stage) => stage !== null && stage.failed !== null);
  return known.length === 0 ? null : known.reduce((sum, stage) => sum + stage.failed, 0);
}

/// How far a run is, from 0 to 1: each of the two stages is a half.
export function share(run) {
  if (run.status !== null) return 1;
  const stage = (progress) => (progress === null || progress.tasks === 0 ? 0 : Math.min(1, progress.done / progress.tasks));
  // Nothing to encode is known only once the run has ended.
  return (stage(run.analysis) + stage(run.encoding)) / 2;
}

/// How quickly a season goes on, in parts; what is not known is left out.
export function going({ chunks_a_minute, clips_a_minute, seconds_left }) {
  const rates = [[chunks_a_minute, "chunk"], [clips_a_minute, "clip"]].filter(([rate]) => rate > 0);
  return [
    ...rates.map(([rate, noun]) => `${counted(rate, noun)} a minute`),
    ...(seconds_left === null ? [] : [`about ${lasting(seconds_left)} left`]),
  ];
}

const KINDS = {
  idiom: "Idiom", phrasal_verb: "Phrasal verb", collocation: "Collocation", slang: "Slang", other: "Other",
};
export const kind = (name) => KINDS[name] ?? spelled(name);

const LEARNERS = { beginner: "Beginner (A1–A2)", intermediate: "Intermediate (B1–B2)", advanced: "Advanced (C1–C2)" };
export const learner = (name) => LEARNERS[name] ?? spelled(name);

/// What a worker has for a GPU. One that does without says so in two words; why is told with its parts.
export function gpu({ gpu, ready }) {
  if (gpu === null) return "none";
  const { state, device, slots, free_slots } = gpu;
  const software = ready && slots > 0 && free_slots === 0 && WITHOUT.includes(state);
  if (software && state === "no_driver") return `no GPU, ${counted(slots, "slot")} in software`;
  return [spelled(state), device, software ? `${counted(slots, "slot")} in software` : `${free_slots} of ${counted(slots, "slot")} free`].filter(Boolean).join(", ");
}

// States in which software takes a GPU's place, where that may be.
const WITHOUT = ["no_driver", "no_encoder", "mig_slice", "no_video_capability", "driver_too_old", "driver_mismatch", "lost"];

/// A name of the API as words: `rate_limited` is `rate limited`.
export const spelled = (name) => String(name).replaceAll("_", " ");

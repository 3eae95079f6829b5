// How quickly a number of runs goes on, from what has arrived while the page was open.

const WINDOW = 5 * 60_000;
const BETWEEN = 2_000;
// A rate from less would jump about.
const LEAST = 15_000;

/// How far a run is, from 0 to 1: each of the two stages is a half.
export function share(run) {
  if (run.status !== null) return 1;
  const stage = (progress) => (progress === null || progress.tasks === 0 ? 0 : Math.min(1, progress.done / progress.tasks));
  // Nothing to encode is known only once the run has ended.
  return (stage(run.analysis) + stage(run.encoding)) / 2;
}

export const done = (run) => (run.analysis?.done ?? 0) + (run.encoding?.done ?? 0);

export class Pace {
  constructor() {
    this.samples = [];
  }

  /// Notes how far all is, in runs, and how many tasks are done.
  note(far, tasks, now = performance.now()) {
    const last = this.samples.at(-1);
    // A run that is done anew goes back; what was measured before is of another time.
    if (last && (far < last.far - 1e-9 || tasks < last.tasks)) this.samples = [];
    const before = this.samples.at(-2);
    if (before && now - before.now < BETWEEN) this.samples.pop();
    this.samples.push({ now, far, tasks });
    while (this.samples.length > 2 && now - this.samples[1].now > WINDOW) this.samples.shift();
  }

  /// Tasks a minute and, for what is left, seconds; null where too little was seen.
  rate(left, now = performance.now()) {
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    if (!first || now - first.now < LEAST || last.far <= first.far) return null;
    const seconds = (now - first.now) / 1000;
    return { tasks: ((last.tasks - first.tasks) / seconds) * 60, left: (left * seconds) / (last.far - first.far) };
  }
}

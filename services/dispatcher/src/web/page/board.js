// What the server said last, and whether it still says something.

import { events, listenable } from "./api.js";
import { take } from "./stream.js";

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
// Three of the server's beats.
const SILENCE = 30_000;
// A server that has just begun tells of the runs bit by bit.
const WHOLE = 30_000;

export class Board {
  constructor(changed) {
    this.overview = null;
    this.runs = new Map();
    /// `connecting`, `live` or `lost`, with the last news and, where lost, why.
    this.link = { state: "connecting", last: null, why: null };
    /// Whether the runs have arrived.
    this.arrived = false;
    this.changed = changed;
    this.pending = null;
    this.sweeps = null;
    this.wait = FIRST_WAIT;
    window.addEventListener("online", () => this.link.state === "lost" && this.open(events()));
    const { source, early } = take();
    this.open(source);
    for (const event of early) source.dispatchEvent(event);
  }

  open(stream) {
    clearTimeout(this.again);
    this.stream?.close();
    const told = new Set();
    stream.addEventListener("overview", (event) => {
      this.heard(stream);
      this.overview = JSON.parse(event.data);
      this.note({ overview: true });
    });
    stream.addEventListener("runs", (event) => {
      this.heard(stream);
      this.sweeps ??= setTimeout(() => this.sweep(told), WHOLE);
      this.take(JSON.parse(event.data).runs, told);
    });
    stream.addEventListener("beat", () => this.heard(stream));
    stream.addEventListener("gone", (event) => this.lose(stream, reason(event.data)));
    stream.addEventListener("error", () => this.lose(stream, null));
    this.stream = stream;
    this.expect(stream);
  }

  // One that is halted keeps its connections, and no error ever comes.
  expect(stream) {
    clearTimeout(this.silent);
    this.silent = setTimeout(() => this.lose(stream, "The server has fallen silent."), SILENCE);
  }

  heard(stream) {
    this.expect(stream);
    const news = this.link.state !== "live";
    this.link = { state: "live", last: new Date(), why: null };
    this.wait = FIRST_WAIT;
    if (news) this.note({ link: true });
  }

  lose(stream, why) {
    if (stream !== this.stream) return;
    stream.close();
    this.stream = null;
    clearTimeout(this.silent);
    clearTimeout(this.sweeps);
    this.sweeps = null;
    this.link = { ...this.link, state: "lost", why };
    this.note({ link: true });
    if (why === null) this.ask();
    // Spread, so that a server that comes back is not met by all pages at once.
    this.again = setTimeout(() => this.open(events()), this.wait * (0.75 + Math.random() / 2));
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
  }

  async ask() {
    try {
      await listenable();
    } catch (problem) {
      if (this.link.state !== "lost") return;
      this.link = { ...this.link, why: problem.message };
      this.note({ link: true });
    }
  }

  take(runs, told) {
    for (const run of runs) {
      this.runs.set(run.run, run);
      told.add(run.run);
    }
    this.arrived = true;
    this.note({ runs: runs.map((run) => run.run) });
  }

  // A stream begins with all runs: one that it has not told of is gone.
  sweep(told) {
    const gone = [...this.runs.keys()].filter((run) => !told.has(run));
    for (const run of gone) this.runs.delete(run);
    if (gone.length > 0) this.note({ gone: true });
  }

  // All that arrives before the next frame is drawn at once; a page in the background draws when it is looked at.
  note(change) {
    if (this.pending === null) {
      this.pending = { overview: false, link: false, gone: false, runs: new Set() };
      requestAnimationFrame(() => {
        const pending = this.pending;
        this.pending = null;
        this.changed(pending);
      });
    }
    for (const run of change.runs ?? []) this.pending.runs.add(run);
    for (const flag of ["overview", "link", "gone"]) this.pending[flag] ||= change[flag] ?? false;
  }
}

function reason(data) {
  try {
    const said = JSON.parse(data).reason;
    return typeof said === "string" ? said : null;
  } catch {
    return null;
  }
}

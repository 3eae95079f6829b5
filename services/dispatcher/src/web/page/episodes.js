// All seasons, the filter above them, and what is folded.

import { h, text, write } from "./dom.js";
import { haystack, Season } from "./season.js";
import { number } from "./words.js";

// So many runs are unfolded at once, done or not.
const FEW = 60;
// What one frame may spend on rows that nobody sees yet, in milliseconds.
const SLICE = 8;
const STATUSES = [["", "Any status"], ["open", "Open"], ["complete", "Complete"], ["partial", "Partial"], ["failed", "Failed"], ["unreadable", "Unreadable"], ["failures", "With failures"]];

const meets = (run, status) => {
  if (status === "open") return run.status === null && run.unreadable === null;
  if (status === "unreadable") return run.unreadable !== null;
  if (status === "failures") return [run.analysis, run.encoding].some((stage) => (stage?.failed ?? 0) > 0);
  return run.status === status;
};

export class Episodes {
  title = "Episodes";
  view = "episodes";

  constructor(board, parameters, moved) {
    this.board = board;
    this.moved = moved;
    this.seasons = new Map();
    this.made = 0;
    const listen = { input: () => this.filtered() };
    this.words = h("input", { type: "search", id: "words", value: parameters.get("q"), placeholder: "suits s01e02", autocomplete: "off", spellcheck: "false", on: listen });
    this.status = h("select", { id: "status", on: listen }, STATUSES.map(([value, name]) => h("option", { value }, name)));
    this.status.value = STATUSES.some(([value]) => value === parameters.get("status")) ? parameters.get("status") : "";
    this.count = h("output", { for: "words status" }, "");
    this.list = h("div", { class: "seasons" }, h("p", { class: "empty" }, "Loading the episodes…"));
    this.element = h("div", {}, h("h1", { tabindex: "-1" }, "Episodes"),
      h("form", { role: "search", class: "filter", on: { submit: (event) => event.preventDefault() } },
        h("span", { class: "pair" }, h("label", { for: "words" }, "Show or episode"), this.words),
        h("span", { class: "pair" }, h("label", { for: "status" }, "Status"), this.status), this.count,
        h("span", { class: "folds" }, fold("Unfold all", () => this.fold(true)), fold("Fold all", () => this.fold(false)))),
      this.list);
    if (board.arrived) this.sort();
  }

  /// Keeps the address that of what is shown, so that it can be handed on.
  filtered() {
    const said = [["q", this.words.value.trim()], ["status", this.status.value]].filter(([, value]) => value !== "");
    this.moved(said.length === 0 ? "#/" : `#/?${new URLSearchParams(said)}`);
    this.arrange();
  }

  update(change) {
    if (!this.board.arrived) return this.wait();
    const changed = new Set();
    let whole = change.gone || this.seasons.size === 0;
    for (const id of change.runs) {
      const run = this.board.runs.get(id);
      const season = run && this.seasons.get(nameOf(run));
      if (season?.patch(run)) changed.add(season);
      else whole = true;
    }
    if (whole) return this.sort();
    const paced = change.overview ? this.takePaces() : [];
    for (const season of new Set([...changed, ...paced])) season.sum();
    if (changed.size > 0) this.arrange();
  }

  /// Says why there is nothing yet, where that is known.
  wait() {
    const why = this.board.overview?.runs_error;
    if (why) write(this.list.firstChild, `Where the runs stand is not known: ${text(why)}`);
  }

  /// Puts every run into its season.
  sort() {
    const runs = new Map();
    for (const run of this.board.runs.values()) {
      const name = nameOf(run);
      if (!runs.has(name)) runs.set(name, []);
      runs.get(name).push(run);
    }
    for (const name of this.seasons.keys()) if (!runs.has(name)) this.seasons.delete(name);
    for (const [name, [first]] of runs) {
      if (!this.seasons.has(name)) this.seasons.set(name, new Season(first.show, first.season, (this.made += 1)));
    }
    const order = (a, b) => compare(a.show, b.show) || a.season - b.season;
    this.seasons = new Map([...this.seasons].sort(([, a], [, b]) => order(a, b)));
    this.takePaces();
    for (const [name, season] of this.seasons) {
      season.take(runs.get(name).sort((a, b) => a.episode - b.episode || byTime(a, b)));
    }
    this.none = h("p", { class: "empty", hidden: true }, "");
    this.list.replaceChildren(...[...this.seasons.values()].map((season) => season.element), this.none);
    this.arrange();
  }

  /// Hands every season how quickly it goes on; gives those for which that is news.
  takePaces() {
    const paces = new Map((this.board.overview?.seasons ?? []).map((pace) => [nameOf(pace), pace]));
    return [...this.seasons.values()].filter((season) => season.takePace(paces.get(nameOf(season)) ?? null));
  }

  /// Shows what the filter wants, unfolded where something goes on or is looked for.
  arrange() {
    const words = this.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = this.status.value;
    const sought = words.length > 0 || status !== "";
    const keeps = (run) => (status === "" || meets(run, status)) && words.every((word) => haystack(run).includes(word));
    const few = this.board.runs.size <= FEW;
    let kept = 0;
    for (const season of this.seasons.values()) {
      kept += sought ? season.filter(keeps) : season.filter(() => true);
      season.unfold(season.chosen ?? (sought || few || !season.isDone()));
    }
    const all = this.board.runs.size;
    write(this.count, sought ? `${number(kept)} of ${number(all)} runs` : all === 1 ? "1 run" : `${number(all)} runs`);
    if (this.none) {
      this.none.hidden = kept > 0;
      write(this.none, all === 0 ? "No run yet. langflix ingest submits episodes." : "No run matches.");
    }
    this.fill();
  }

  /// Makes the rows that can be seen at once, and the others bit by bit.
  fill() {
    const room = innerHeight * 1.5;
    let rows = 0;
    for (const season of this.empty()) {
      if (rows * 28 > room) break;
      season.fill();
      rows += season.runs.length + 3;
    }
    this.later();
  }

  *empty() {
    for (const season of this.seasons.values()) if (season.isOpen && !season.element.hidden && !season.isFilled) yield season;
  }

  later() {
    if (this.waits || this.empty().next().done) return;
    this.waits = true;
    // A frame first, so that what is seen is drawn before the rest is made.
    requestAnimationFrame(() => setTimeout(() => {
      this.waits = false;
      const began = performance.now();
      for (const season of this.empty()) {
        season.fill();
        if (performance.now() - began > SLICE) break;
      }
      this.later();
    }));
  }

  fold(open) {
    for (const season of this.seasons.values()) season.chosen = open;
    this.arrange();
  }

  /// To the next or the previous episode that is shown.
  step(by) {
    const links = [...this.list.querySelectorAll("tr:not([hidden]) th a")].filter((link) => link.checkVisibility());
    const at = links.indexOf(document.activeElement);
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
    next?.focus();
    next?.scrollIntoView({ block: "nearest" });
  }

  find() {
    this.words.focus();
    this.words.select();
  }

  leave() {}
}

const nameOf = (run) => `${run.season}/${run.show}`;
const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

/// Runs of one episode: those that ended, by when they did, and then the open ones. RFC 3339 in UTC sorts by time.
const byTime = (a, b) => compare(a.finished_at ?? "~", b.finished_at ?? "~") ||
  compare(a.submitted_at ?? "", b.submitted_at ?? "") || compare(a.run, b.run);
const fold = (name, click) => h("button", { type: "button", class: "quiet", on: { click } }, name);

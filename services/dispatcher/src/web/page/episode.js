// One run: how far it is, what failed and why, and once it has ended its clips.

import { address, get, ofRun, Problem } from "./api.js";
import { Clip } from "./clip.js";
import { bdi, cell, h, keyed, label, mark, table, text, write } from "./dom.js";
import { code, counted, failures, language, lasting, learner, number, show, spelled, spent, standing, when } from "./words.js";

class Fact {
  constructor({ name }) {
    this.value = h("dd", {}, "");
    this.element = h("div", {}, h("dt", {}, name), this.value);
  }

  update({ value, is }) {
    write(this.value, value);
    mark(this.value, "data-is", is ?? null);
  }
}

/// A stage's progress, with its bar.
class Stage {
  constructor({ name, unit }) {
    this.unit = unit;
    this.bar = h("progress", { "aria-label": name });
    this.words = h("span", {}, "");
    this.element = h("div", { class: "stage" }, h("dt", {}, name), h("dd", {}, this.bar, " ", this.words));
  }

  update({ progress, ended }) {
    const nothing = ended ? "had nothing to do" : "not begun";
    const failed = progress?.failed ? `, ${number(progress.failed)} failed` : "";
    const words = progress === null ? nothing : `${number(progress.done)} of ${counted(progress.tasks, this.unit)}${failed}`;
    write(this.words, words);
    mark(this.bar, "max", Math.max(1, progress?.tasks ?? 1));
    mark(this.bar, "value", progress?.done ?? 0);
    mark(this.bar, "aria-valuetext", words);
  }
}

export class Episode {
  view = "episodes";

  constructor(board, actions, id, clip, up) {
    Object.assign(this, { board, actions, id, wanted: clip, up });
    this.clips = [];
    this.messages = new Map();

    this.run = board.runs.get(id) ?? null;
    this.name = h("h1", { tabindex: "-1" }, text(id));
    this.word = h("p", { class: "empty", role: "status" }, "Loading the run…");
    this.facts = h("dl", { class: "facts" });
    this.stages = h("dl", { class: "stages" });
    this.steps = h("p", { class: "buttons" });
    this.notes = h("div", {});
    this.failed = h("div", {});
    this.shown = h("div", {});
    this.element = h("div", { class: "run" }, h("p", {}, h("a", { href: up }, "All episodes")), this.name, this.word,
      this.stages, this.facts, this.steps, this.notes, this.failed, this.shown);
    this.near = new IntersectionObserver((seen) => {
      for (const { target, isIntersecting } of seen) if (isIntersecting) this.clips.find((clip) => clip.element === target)?.near();
    }, { rootMargin: "600px" });
    this.draw();
    this.load();
  }

  get title() {
    return this.run === null ? label(this.id) : label(`${show(this.run)} ${code(this.run)}`);
  }

  update(change) {
    if (change.runs.has(this.id)) {
      const before = this.run;
      this.run = this.board.runs.get(this.id) ?? this.run;
      // It was taken up again: what had failed is forgotten.
      if (before !== null && before.status !== null && this.run.status === null) this.messages = new Map();
      this.draw();
      // The rest is worth asking for where it may have become another.
      const news = before === null || ["phase", "status", "cancelled"].some((field) => before[field] !== this.run[field])
        || ["analysis", "encoding"].some((stage) => before[stage]?.done !== this.run[stage]?.done) || failures(before) !== failures(this.run);
      if (news) this.load();
    } else if (change.overview && this.actions.allowed !== this.allowed) {
      this.draw();
    }
  }

  async load() {
    this.loading?.abort();
    const loading = (this.loading = new AbortController());
    try {
      const detail = await get(ofRun(this.id), loading.signal);
      this.run = this.board.runs.get(this.id) ?? detail;
      this.tell(detail);
      this.draw();
      if (detail.status === null) this.unmake();
      else if (this.manifest?.timing.finished_at !== detail.finished_at || !this.manifest) await this.make(loading.signal);
      write(this.word, "");
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (!(problem instanceof Problem)) throw problem;
      write(this.word, problem.type === "/problems/no-run" && this.run === null ? "There is no such run." : text(problem.message));
    }
  }

  /// Where it stands.
  draw() {
    const { run } = this;
    if (run === null) return;
    this.allowed = this.actions.allowed;
    this.name.replaceChildren(bdi(show(run)), " ", h("span", { class: "code" }, code(run)));
    const ended = run.status !== null;
    keyed(this.stages, [
      { name: "Analysis", unit: "chunk", progress: run.analysis, ended },
      { name: "Encoding", unit: "clip", progress: run.encoding, ended },
    ], (stage) => stage.name, (stage) => new Stage(stage));
    keyed(this.facts, this.known(), (fact) => fact.name, (fact) => new Fact(fact));
    const steps = `${this.allowed} ${ended} ${run.cancelled} ${this.failures()}`;
    if (steps !== this.drawn) this.steps.replaceChildren(...this.buttons());
    this.drawn = steps;
  }

  known() {
    const { run, manifest } = this;
    return [
      { name: "Status", value: standing(run), is: run.status ?? run.phase },
      run.unreadable !== null && { name: "Why", value: text(run.unreadable) },
      run.clips !== null && { name: "Clips", value: number(run.clips) },
      run.lane !== null && { name: "Lane", value: spelled(run.lane) },
      run.submitted_at !== null && { name: "Submitted", value: when(run.submitted_at) },
      run.finished_at !== null && { name: "Ended", value: when(run.finished_at) },
      manifest && { name: "Took", value: lasting(manifest.timing.wall_ms / 1000) },
      manifest && { name: "Languages", value: `${language(manifest.source_language)} → ${language(manifest.language)}` },
      manifest && { name: "Level", value: learner(manifest.level) },
      manifest && { name: "Analysed by", value: text(manifest.analysed_by) },
      run.spend !== null && { name: "Spent", value: spent(run.spend, this.board.overview?.spend.currency) },
      { name: "Run", value: text(run.run) },
    ].filter(Boolean);
  }

  /// How many tasks failed so far. The board does not know before the end; what was loaded of the run does.
  failures() {
    return failures(this.run) ?? this.messages.size;
  }

  buttons() {
    const { run } = this;
    if (!this.allowed) return [];
    const name = label(`${show(run)} ${code(run)}`);
    const failed = this.failures();
    return [
      run.status === null && run.unreadable === null && !run.cancelled && this.actions.button("Cancel the run", `Cancel the run of ${name}`, () => ({
        title: `Cancel ${name}?`, says: ["What has no outcome yet ends as cancelled; what is done stays. Retry takes it up again."],
        verb: "Cancel the run", grave: true, path: ofRun(run.run, "cancel"), told: () => `${name} is being cancelled.`,
      }), "grave"),
      (run.status === "partial" || run.status === "failed" || (run.status === null && failed > 0)) && this.actions.button("Retry what failed", `Retry what failed in ${name}`, () => ({
        title: `Retry what failed in ${name}?`,
        says: [`${counted(failed, "failed task")} is forgotten and done again; what is done stays. Requests to the model may cost money.`],
        verb: "Retry", path: ofRun(run.run, "retry"), told: (answer) => `${name}: ${counted(answer.tasks, "failed task")} again.`, after: () => this.load(),
      })),
    ].filter(Boolean);
  }

  /// What it says of itself, and what failed.
  tell({ notes, failures }) {
    this.notes.replaceChildren(...(notes.length === 0 ? [] : [
      h("section", { class: "notes", "aria-labelledby": "notes" }, h("h2", { id: "notes" }, "Notes"), h("ul", {}, notes.map((note) => h("li", { dir: "auto" }, text(note)))))]));
    const row = (failure) => h("tr", {},
      h("th", { scope: "row" }, bdi(failure.label || failure.task)),
      cell("Stage", {}, text(spelled(failure.stage))), cell("Kind", {}, text(spelled(failure.kind))),
      cell("Reason", { class: "long" }, bdi(failure.message)),
      // A clip is called by a digest; its log lines by as much of it.
      cell("Task", { class: "task" }, text(/^[0-9a-f]{64}$/u.test(failure.task) ? failure.task.slice(0, 8) : failure.task)));
    this.failed.replaceChildren(...(failures.length === 0 ? [] : [
      h("section", { class: "failures", "aria-labelledby": "failures" }, h("h2", { id: "failures" }, `What failed (${number(failures.length)})`),
        table("What failed", ["What", "Stage", "Kind", "Reason", "Task"], failures.map(row)))]));
    this.messages = new Map(failures.map((failure) => [failure.task, failure]));
  }

  unmake() {
    this.manifest = null;
    this.clips = [];
    this.near.disconnect();
    this.shown.replaceChildren();
  }

  async make(signal) {
    const manifest = await get(ofRun(this.id, "manifest"), signal);
    this.unmake();
    this.manifest = manifest;
    this.draw();
    this.clips = manifest.clips.map((clip) => new Clip(manifest, clip, this.messages.get(clip.id)));
    const to = (clip) => `#/run/${encodeURIComponent(this.id)}/clip/${clip.number}`;
    const list = h("nav", { "aria-label": "Expressions", class: "contents" },
      h("ol", { lang: manifest.source_language }, manifest.clips.map((clip) => h("li", {}, h("a", { href: to(clip), dir: "auto" }, text(clip.expression))))));
    this.shown.replaceChildren(h("section", { "aria-labelledby": "clips" },
      h("h2", { id: "clips" }, manifest.clips.length === 0 ? "Expressions" : counted(manifest.clips.length, "expression")),
      manifest.clips.length === 0 && h("p", { class: "empty" }, "There is no expression to show."),
      h("div", { class: "columns" }, manifest.clips.length > 1 && list, h("div", { class: "clips" }, this.clips.map((clip) => clip.element))),
      h("p", { class: "quiet" }, h("a", { href: address(ofRun(this.id, "manifest")) }, "Manifest (JSON)"))));
    for (const clip of this.clips) this.near.observe(clip.element);
    this.renamed?.();
    if (this.wanted !== null) this.show(this.wanted);
  }

  /// Goes to a clip.
  show(number) {
    this.wanted = number;
    const at = this.clips.findIndex((clip) => clip.number === number);
    if (at < 0) return;
    this.wanted = null;

    this.clips[at].near();
    this.clips[at].element.focus({ preventScroll: true });
    this.clips[at].element.scrollIntoView({ block: "start" });
  }

  step(by) {
    const focused = this.clips.findIndex((clip) => clip.element.contains(document.activeElement));
    const next = this.clips[focused < 0 ? (by > 0 ? 0 : this.clips.length - 1) : focused + by];
    if (next) this.moved?.(`#/run/${encodeURIComponent(this.id)}/clip/${next.number}`);
    if (next) this.show(next.number);
  }

  leave() {
    this.loading?.abort();
    this.near.disconnect();
  }
}

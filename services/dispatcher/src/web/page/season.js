// One season of a show: how far it is, and a row for each of its runs.

import { bdi, cell, h, label, mark, table, text, write } from "./dom.js";
import { code, counted, failures, going, language, number, share, show, standing, when } from "./words.js";

const COLUMNS = ["Episode", "Status", "Chunks analysed", "Clips encoded", ["Clips", "number"], ["Failed", "number"], "Last step"];

/// One run. Only what changed is written again.
class Row {
  constructor(run) {
    this.link = h("a", { href: `#/run/${encodeURIComponent(run.run)}` }, code(run));
    this.status = h("span", { class: "status" }, "");
    this.analysis = new Stage("Chunks analysed", "chunks");
    this.encoding = new Stage("Clips encoded", "clips");
    this.clips = cell("Clips", { class: "number" }, "");
    this.failed = cell("Failed", { class: "number" }, "");
    this.step = h("time", {}, "");
    this.element = h("tr", {},
      h("th", { scope: "row" }, this.link, " ", h("span", { class: "code" }, run.run.slice(-8)), " ",
        // A season may be worked on for several at once.
        run.language !== null && h("span", { class: "quiet" }, text(language(run.language)))),
      cell("Status", {}, this.status), this.analysis.element, this.encoding.element, this.clips, this.failed,
      cell("Last step", { class: "step" }, (this.verb = h("span", {}, "")), " ", this.step));
    this.update(run);
  }

  update(run) {
    if (run === this.run) return;
    this.run = run;
    const failed = failures(run);
    write(this.status, standing(run));
    mark(this.status, "data-is", run.status ?? (run.cancelled ? "cancelled" : run.phase));
    mark(this.link, "aria-label", label(`${show(run)} ${code(run)}, ${run.run.slice(-8)}`));
    this.analysis.update(run.analysis, run.status !== null);
    this.encoding.update(run.encoding, run.status !== null);
    write(this.clips, run.clips === null ? "–" : number(run.clips));
    write(this.failed, failed === null ? "–" : number(failed));
    mark(this.failed, "data-is", failed ? "failed" : null);
    const at = run.finished_at ?? run.submitted_at;
    write(this.verb, at === null ? "–" : run.finished_at ? "ended" : "submitted");
    write(this.step, at === null ? "" : when(at));
    mark(this.step, "datetime", at);
  }
}

/// A stage's tasks: a bar while they go on, then the numbers alone.
class Stage {
  constructor(name, unit) {
    this.name = name;
    this.unit = unit;
    this.numbers = h("span", {}, "");
    this.element = cell(name, { class: "stage" }, this.numbers);
  }

  update(progress, ended) {
    write(this.numbers, progress === null ? "–" : `${number(progress.done)}/${number(progress.tasks)}`);
    if (progress === null || ended || progress.done >= progress.tasks) {
      this.bar?.remove();
      this.bar = null;
      return;
    }
    if (!this.bar) this.element.append((this.bar = h("progress", { "aria-label": this.name })));
    mark(this.bar, "max", Math.max(1, progress.tasks));
    mark(this.bar, "value", progress.done);
    mark(this.bar, "aria-valuetext", `${number(progress.done)} of ${number(progress.tasks)} ${this.unit}`);
  }
}

export class Season {
  constructor(slug, season, number) {
    this.show = slug;
    this.season = season;
    /// What its show is called.
    this.called = null;
    this.runs = [];
    this.rows = new Map();
    /// How quickly it goes on, as the server tells; null where that does not.
    this.pace = null;
    /// What a reader chose; null where nobody did.
    this.chosen = null;
    const id = `season-${number}`;
    this.button = h("button", { type: "button", "aria-expanded": "false", "aria-controls": id, on: { click: () => this.toggle() } },
      (this.words = bdi("")), ` season ${season}`);
    this.bar = h("progress", { max: 1 });
    this.percent = h("span", { class: "percent" }, "");
    this.sums = h("p", { class: "sums" }, "");
    this.body = h("div", { id, hidden: true });
    this.element = h("section", { class: "season" },
      h("div", { class: "season-head" }, h("h2", {}, this.button), h("p", { class: "far" }, this.bar, " ", this.percent), this.sums),
      this.body);
  }

  /// Takes all its runs, in their order.
  take(runs) {
    this.runs = runs;
    this.call(show(runs.find((run) => run.show_name) ?? runs[0]));
    this.element.style.setProperty("--rows", runs.length);
    if (this.rows.size > 0) this.fill();
    this.sum();
  }

  call(name) {
    if (name === this.called) return;
    this.called = name;
    write(this.words, text(name));
    for (const element of [this.bar, this.element]) mark(element, "aria-label", label(`${name} season ${this.season}`));
    if (this.list) write(this.list.parentElement.caption, this.caption());
  }

  caption() {
    return label(`Runs of ${this.called} season ${this.season}`);
  }

  /// Puts a run in the place of what was known of it.
  patch(run) {
    const at = this.runs.findIndex((known) => known.run === run.run);
    if (at < 0) return false;
    this.runs[at] = run;
    this.rows.get(run.run)?.update(run);
    return true;
  }

  /// Takes how quickly it goes on; says whether that is news.
  takePace(pace) {
    const news = JSON.stringify(pace) !== JSON.stringify(this.pace);
    this.pace = pace;
    return news;
  }

  isDone() {
    return this.runs.every((run) => run.status === "complete");
  }

  /// Says how far all of it is.
  sum() {
    const { runs } = this;
    const ended = runs.filter((run) => run.status !== null);
    const of = (status) => ended.filter((run) => run.status === status).length;
    const far = runs.reduce((sum, run) => sum + share(run), 0);
    const stage = (name) => runs.reduce((sum, run) => [sum[0] + (run[name]?.done ?? 0), sum[1] + (run[name]?.tasks ?? 0)], [0, 0]);
    const [chunks, clips] = [stage("analysis"), stage("encoding")];
    const said = [
      `${number(ended.length)} of ${counted(runs.length, "run")} ended`,
      of("partial") > 0 && `${number(of("partial"))} partial`,
      of("failed") > 0 && `${number(of("failed"))} failed`,
      chunks[1] > 0 && `chunks ${number(chunks[0])}/${number(chunks[1])}`,
      clips[1] > 0 && `clips ${number(clips[0])}/${number(clips[1])}`,
      ...(this.pace === null ? [] : going(this.pace)),
    ];
    write(this.sums, said.filter(Boolean).join(" · "));
    const part = runs.length === 0 ? 0 : far / runs.length;
    mark(this.bar, "value", part.toFixed(4));
    // Never 100 % before the end.
    const percent = `${Math.floor(part * 100)} %`;
    write(this.percent, percent);
    mark(this.bar, "aria-valuetext", percent);
    mark(this.element, "data-is", of("failed") > 0 ? "failed" : of("partial") > 0 ? "partial" : null);
  }

  toggle() {
    this.chosen = this.button.getAttribute("aria-expanded") !== "true";
    this.unfold(this.chosen);
    if (this.chosen) this.fill();
  }

  /// Folds or unfolds it; the rows are made by `fill`.
  unfold(open) {
    mark(this.button, "aria-expanded", String(open));
    this.body.hidden = !open;
  }

  get isOpen() {
    return !this.body.hidden;
  }

  get isFilled() {
    return this.rows.size === this.runs.length && this.body.firstChild !== null;
  }

  /// Makes the rows that are missing and puts all into their order.
  fill() {
    if (!this.body.firstChild) {
      const made = table(this.caption(), COLUMNS, []);
      this.list = made.tBodies[0];
      this.body.append(made);
    }
    const rows = new Map();
    for (const run of this.runs) {
      const row = this.rows.get(run.run) ?? new Row(run);
      row.update(run);
      row.element.hidden = this.keeps !== undefined && !this.keeps(run);
      rows.set(run.run, row);
    }
    this.rows = rows;
    this.list.replaceChildren(...[...rows.values()].map((row) => row.element));
  }

  /// Shows only the runs that `keeps` wants; gives how many.
  filter(keeps) {
    this.keeps = keeps;
    let kept = 0;
    for (const run of this.runs) {
      const wanted = keeps(run);
      if (wanted) kept += 1;
      const row = this.rows.get(run.run);
      if (row) row.element.hidden = !wanted;
    }
    this.element.hidden = kept === 0;
    return kept;
  }
}

/// What is looked for in a run's name.
export const haystack = (run) => `${text(show(run))} ${code(run)} ${run.run} ${run.language === null ? "" : language(run.language)}`.toLowerCase();

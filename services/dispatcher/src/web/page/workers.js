// Who works, on what, and what keeps others from it.

import { bdi, cell, h, keyed, mark, table, text, write } from "./dom.js";
import { counted, lasting, spelled } from "./words.js";

/// A list of short texts, updated in place.
class Line {
  constructor() {
    this.element = h("li", {}, (this.words = bdi("")));
  }

  update({ words }) {
    write(this.words, text(words));
  }
}

class Task {
  constructor(task) {
    this.link = task.run ? h("a", { href: `#/run/${encodeURIComponent(task.run)}` }, text(task.run)) : null;
    this.words = bdi("");
    this.rest = h("span", { class: "quiet" }, "");
    this.element = h("li", {}, this.words, " ", this.link, " ", this.rest);
  }

  update(task) {
    write(this.words, text(task.task));
    const again = task.attempt > 0 ? `, attempt ${task.attempt + 1}` : "";
    write(this.rest, `for ${lasting(task.seconds)}${again}`);
  }
}

class Row {
  constructor(worker) {
    this.ready = h("span", { class: "status" }, "");
    this.parts = h("ul", { class: "plain" });
    this.gpu = h("span", {}, "");
    this.count = h("span", {}, "");
    this.tasks = h("ul", { class: "plain" });
    this.version = cell("Version", {}, "");
    this.up = cell("Up for", {}, "");
    this.seen = cell("Heard of", {}, "");
    this.element = h("tr", {},
      h("th", { scope: "row" }, bdi(worker.service), " ", h("span", { class: "code" }, bdi(worker.host))),
      cell("State", {}, this.ready, this.parts), cell("GPU", {}, this.gpu), cell("Works on", {}, this.count, this.tasks),
      this.version, this.up, this.seen);
  }

  update(worker) {
    write(this.ready, worker.ready ? "Ready" : "Not ready");
    mark(this.ready, "data-is", worker.ready ? "complete" : "partial");
    const parts = worker.parts.filter((part) => !part.ready || part.note).map((part) => ({
      name: part.name,
      words: part.ready ? `${part.name}: ${part.note}` : `${part.name} waits: ${part.waits ?? part.note ?? "it does not say for what"}`,
    }));
    keyed(this.parts, parts, (part) => part.name, () => new Line());
    write(this.gpu, gpu(worker.gpu));
    write(this.count, counted(worker.running.length, "task"));
    keyed(this.tasks, worker.running, (task) => `${task.queue} ${task.run} ${task.task}`, (task) => new Task(task));
    write(this.version, text(worker.version));
    write(this.up, lasting(worker.uptime_seconds));
    write(this.seen, `${lasting(worker.seen_seconds_ago)} ago`);
  }
}

function gpu(state) {
  if (state === null) return "none";
  const slots = state.slots === null || state.slots === undefined ? null : `${state.free_slots ?? "?"} of ${counted(state.slots, "slot")} free`;
  return [spelled(state.state), state.device && text(state.device), slots].filter(Boolean).join(", ");
}

export class Workers {
  title = "Workers";
  view = "workers";

  constructor(board) {
    this.board = board;
    this.table = table("Workers", ["Worker", "State", "GPU", "Works on", "Version", "Up for", "Heard of"], []);
    this.word = h("p", { class: "empty" }, "");
    this.element = h("div", {}, h("h1", { tabindex: "-1" }, "Workers"), this.word, this.table);
    this.draw();
  }

  update(change) {
    if (change.overview) this.draw();
  }

  draw() {
    const said = this.board.overview;
    const workers = said?.workers ?? [];
    keyed(this.table.tBodies[0], workers, (worker) => worker.id, (worker) => new Row(worker));
    this.table.hidden = workers.length === 0;
    const word = said === null ? "Loading the workers…"
      : said.workers_error !== null ? `Who works is not known: ${text(said.workers_error)}`
      : workers.length === 0 ? "No worker has announced itself." : "";
    write(this.word, word);
    this.word.hidden = word === "";
  }

  leave() {}
}

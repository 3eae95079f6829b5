// Who works, on what, and what keeps others from it.

import { bdi, cell, h, keyed, mark, table, text, write } from "./dom.js";
import { counted, gpu, lasting } from "./words.js";

// Characters of a note that takes no more than a line or two of its cell.
const LONG = 60;

/// What a part says, updated in place. What is long and nothing to worry about is there for whoever asks.
class Line {
  constructor({ folded, name }) {
    this.words = bdi("");
    this.element = h("li", {}, folded ? h("details", {}, h("summary", {}, bdi(name)), this.words) : this.words);
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
      h("th", { scope: "row" }, bdi(worker.service), " ", h("span", { class: "code" }, bdi(worker.host)), " ",
        // Two of one service on one host are told apart by their processes.
        h("span", { class: "quiet" }, bdi(worker.id.split("/").at(-1)))),
      cell("State", {}, this.ready, this.parts), cell("GPU", {}, this.gpu), cell("Works on", {}, this.count, this.tasks),
      this.version, this.up, this.seen);
  }

  update(worker) {
    write(this.ready, worker.ready ? "Ready" : "Not ready");
    mark(this.ready, "data-is", worker.ready ? "complete" : "partial");
    const parts = worker.parts.filter((part) => !part.ready || part.note).map(({ name, ready, waits, note }) => {
      if (!ready) return { name, folded: false, words: `${name} waits: ${waits ?? note ?? "it does not say for what"}` };
      const folded = note.length > LONG;
      return { name, folded, words: folded ? note : `${name}: ${note}` };
    });
    keyed(this.parts, parts, (part) => `${part.folded} ${part.name}`, (part) => new Line(part));
    write(this.gpu, text(gpu(worker)));
    write(this.count, counted(worker.running.length, "task"));
    keyed(this.tasks, worker.running, (task) => `${task.queue} ${task.run} ${task.task}`, (task) => new Task(task));
    write(this.version, text(worker.version));
    write(this.up, lasting(worker.uptime_seconds));
    write(this.seen, `${lasting(worker.seen_seconds_ago)} ago`);
  }
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

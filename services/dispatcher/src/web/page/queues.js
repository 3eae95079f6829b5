// What lies in the queues.

import { cell, h, keyed, mark, table, text, write } from "./dom.js";
import { query } from "./api.js";
import { number } from "./words.js";

const NUMBERS = [["Ready", "ready"], ["Waiting", "waiting"], ["Consumers", "consumers"], ["Dead", "dead"], ["Parked", "parked"]];

class Row {
  constructor(queue) {
    this.numbers = NUMBERS.map(([name, field]) => {
      const shelf = field === "dead" || field === "parked";
      const to = `#/set-aside${query({ queue: `${queue.name}.${field}` })}`;
      const value = shelf ? h("a", { href: to }, "") : h("span", {}, "");
      return { name, field, shelf, value, cell: cell(name, { class: "number" }, value) };
    });
    this.element = h("tr", {}, h("th", { scope: "row" }, text(queue.name)), this.numbers.map((one) => one.cell));
  }

  update(queue) {
    for (const { name, field, shelf, value, cell } of this.numbers) {
      write(value, number(queue[field]));
      if (!shelf) continue;
      mark(value, "aria-label", `${number(queue[field])} ${name.toLowerCase()} in ${queue.name}`);
      mark(cell, "data-is", queue[field] > 0 ? "failed" : null);
    }
  }
}

export class Queues {
  title = "Queues";
  view = "queues";

  constructor(board) {
    this.board = board;
    this.table = table("Queues", ["Queue", ...NUMBERS.map(([name]) => [name, "number"])], []);
    this.word = h("p", { class: "empty" }, "");
    this.element = h("div", {}, h("h1", { tabindex: "-1" }, "Queues"),
      h("p", { class: "quiet" }, "Ready messages can be taken now, waiting ones later. Dead and parked ones were set aside."), this.word, this.table);
    this.draw();
  }

  update(change) {
    if (change.overview) this.draw();
  }

  draw() {
    const said = this.board.overview;
    const queues = said?.queues ?? [];
    keyed(this.table.tBodies[0], queues, (queue) => queue.name, (queue) => new Row(queue));
    this.table.hidden = queues.length === 0;
    const word = said === null ? "Loading the queues…"
      : said.queues_error !== null ? `What lies in the queues is not known: ${text(said.queues_error)}`
      : queues.length === 0 ? "There is no queue." : "";
    write(this.word, word);
    this.word.hidden = word === "";
  }

  leave() {}
}

// The line about the whole fleet, whether it is news, and what is said aloud.

import { h, keyed, label, mark, text, write } from "./dom.js";
import { code, counted, lasting, moment, money, number, show, standing } from "./words.js";

// News that come closer together are said as one.
const BETWEEN = 10_000;

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

export class Head {
  constructor(board) {
    this.board = board;
    this.link = document.getElementById("link");
    this.fleet = document.getElementById("fleet");
    this.said = document.getElementById("said");
    this.ended = new Map();
    this.news = [];
    this.draw();
  }

  update(change) {
    if (change.link) this.connection();
    if (change.overview) this.draw();
    if (change.runs.size > 0) this.listen(change.runs);
  }

  draw() {
    keyed(this.fleet, this.board.overview === null ? [] : facts(this.board.overview), (fact) => fact.name, (fact) => new Fact(fact));
  }

  connection() {
    const { state, last, why } = this.board.link;
    mark(this.link, "data-state", state);
    if (state === "live") {
      write(this.link, "Live");
      if (this.lost) this.say("Connected again.");
      this.lost = false;
      return;
    }
    const since = last === null ? "no news yet" : `last news at ${moment(last)}`;
    write(this.link, `Connection lost, ${since}${why === null ? "" : `: ${text(why)}`}`);
    if (!this.lost) this.say(`Connection lost, ${since}.`);
    this.lost = true;
  }

  /// Tells aloud which runs ended, not each step.
  listen(runs) {
    for (const id of runs) {
      const run = this.board.runs.get(id);
      if (!run) continue;
      const before = this.ended.get(id);
      this.ended.set(id, run.status);
      if (before === null && run.status !== null) this.news.push(run);
    }
    if (this.news.length > 0 && !this.waits) {
      this.waits = setTimeout(() => {
        this.waits = null;
        this.tell();
      }, BETWEEN);
    }
  }

  tell() {
    const { news } = this;
    this.news = [];
    const one = (run) => `${label(show(run))} ${code(run)}: ${standing(run)}.`;
    this.say(news.length <= 2 ? news.map(one).join(" ") : `${number(news.length)} runs ended.`);
  }

  say(sentence) {
    this.said.textContent = sentence;
  }
}

function facts({ runs, runs_error, spend, queues, queues_error, workers, workers_error }) {
  const set = queues.reduce((sum, queue) => sum + queue.dead + queue.parked, 0);
  const sum = (name) => queues.reduce((all, queue) => all + queue[name], 0);
  const ready = workers.filter((worker) => worker.ready).length;
  const facts = [
    {
      name: "Runs",
      is: runs_error && "unknown",
      value: runs_error ? unknown(runs_error) : `${number(runs.open)} open, ${number(runs.complete)} complete, ${number(runs.partial)} partial, ${number(runs.failed)} failed${runs.unreadable > 0 ? `, ${number(runs.unreadable)} unreadable` : ""}`,
    },
    { name: "Oldest open", value: runs.oldest_open_seconds === null ? "none open" : lasting(runs.oldest_open_seconds) },
    { name: "Spent", value: expense(spend) },
    { name: "Queued", value: queues_error === null ? `${number(sum("ready"))} ready, ${number(sum("waiting"))} waiting` : unknown(queues_error), is: queues_error && "unknown" },
    { name: "Workers", value: workers_error === null ? `${number(ready)} of ${number(workers.length)} ready` : unknown(workers_error), is: workers_error && "unknown" },
  ];
  if (queues_error === null) facts.push({ name: "Set aside", value: counted(set, "message"), is: set > 0 ? "failed" : null });
  return facts;
}

function expense(spend) {
  const tokens = `${counted(spend.requests, "request")}, ${counted(spend.input_tokens + spend.output_tokens, "token")}`;
  return spend.amount === null ? `${tokens}, no price configured` : `${money(spend.amount, spend.currency)}, ${tokens}`;
}

const unknown = (why) => `not known: ${text(why)}`;

// Messages that were set aside, and what becomes of them.

import { get, Problem, query } from "./api.js";
import { bdi, cell, h, keyed, label, table, text, write } from "./dom.js";
import { counted, number } from "./words.js";

const TYPING = 300;
// Until what was not to be had is asked for again.
const AGAIN = 5_000;
const FIELDS = [["queue", "Queue"], ["run", "Run"], ["reason", "Reason"]];

export class Shelves {
  title = "Set aside";
  view = "set-aside";

  constructor(board, actions, parameters, moved) {
    Object.assign(this, { board, actions, moved });
    this.fields = FIELDS.map(([name, title]) => {
      const input = h("input", { type: "search", id: name, value: parameters.get(name), autocomplete: "off", spellcheck: "false", on: { input: () => this.typed() } });
      return { name, input, pair: h("span", { class: "pair" }, h("label", { for: name }, title), input) };
    });
    this.word = h("p", { class: "empty", role: "status" }, "Loading what was set aside…");
    this.steps = h("p", { class: "buttons" });
    this.list = h("div", {});
    this.element = h("div", {}, h("h1", { tabindex: "-1" }, "Set aside"),
      h("p", { class: "quiet" }, "Messages that no worker could deal with. Retry has their tasks done again; drop forgets the message, not the failure that was recorded."),
      h("form", { role: "search", class: "filter", on: { submit: (event) => event.preventDefault() } }, this.fields.map((field) => field.pair)),
      this.steps, this.word, this.list);
    this.lying = this.count();
    this.load();
  }

  count() {
    return this.board.overview?.queues.reduce((sum, queue) => sum + queue.dead + queue.parked, 0) ?? null;
  }

  update(change) {
    if (!change.overview) return;
    const [lying, allowed] = [this.count(), this.actions.allowed];
    const news = lying !== this.lying;
    this.lying = lying;
    if (news) this.load();
    else if (allowed !== this.allowed) this.draw();
  }

  filter() {
    return Object.fromEntries(this.fields.map(({ name, input }) => [name, input.value.trim() || null]));
  }

  typed() {
    this.moved(`#/set-aside${query(this.filter())}`);
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.load(), TYPING);
  }

  async load() {
    clearTimeout(this.again);
    this.loading?.abort();
    this.loading = new AbortController();
    const filter = this.filter();
    try {
      this.found = { ...(await get(`/dead${query(filter)}`, this.loading.signal)), filter };
      this.draw();
    } catch (problem) {
      if (problem.name === "AbortError") return;
      if (!(problem instanceof Problem)) throw problem;
      this.say(`What was set aside is not known: ${text(problem.message)}`);
      this.table = null;
      this.list.replaceChildren();
      this.steps.replaceChildren();
      this.again = setTimeout(() => this.load(), AGAIN);
    }
  }

  say(words) {
    write(this.word, words);
    this.word.hidden = words === "";
  }

  draw() {
    const { groups, truncated, filter } = this.found ?? {};
    if (!groups) return;
    this.allowed = this.actions.allowed;
    const sought = Object.values(filter).some((value) => value !== null);
    this.say(groups.length === 0 ? (sought ? "No such message." : "Nothing was set aside.") : truncated ? "There are more than are listed here." : "");
    if (groups.length === 0) {
      this.table = null;
      this.list.replaceChildren();
    } else if (!this.table || this.table.allowed !== this.allowed) {
      const columns = ["Queue", "Run", "Reason", ["Messages", "number"], ...(this.allowed ? ["What to do"] : [])];
      this.table = Object.assign(table("Messages that were set aside", columns, []), { allowed: this.allowed });
      this.list.replaceChildren(this.table);
    }
    if (this.table) keyed(this.table.tBodies[0], groups, ({ queue, run, reason }) => JSON.stringify([queue, run, reason]), (group) => this.row(group));
    const offers = this.allowed && groups.length > 1;
    if (offers !== (this.steps.firstChild !== null)) {
      this.steps.replaceChildren(...(offers ? this.buttons("Retry all shown", "Drop all shown", () => this.found.filter, "all that is shown") : []));
    }
  }

  row({ queue, run, reason }) {
    const what = label(`${run ?? "unreadable"} in ${queue}: ${reason}`);
    const messages = cell("Messages", { class: "number" }, "");
    const element = h("tr", {},
      h("th", { scope: "row" }, text(queue)),
      cell("Run", {}, run === null ? "not readable" : h("a", { href: `#/run/${encodeURIComponent(run)}` }, text(run))),
      cell("Reason", { class: "long" }, bdi(reason)),
      messages,
      this.allowed && cell("What to do", { class: "buttons" }, this.buttons("Retry", "Drop", () => ({ queue, run, reason }), what)));
    return { element, update: (group) => write(messages, number(group.messages)) };
  }

  // A filter takes what begins or holds what it says: a message that names no run cannot be told from others of its queue and
  // reason.
  taken({ queue, run, reason }) {
    const takes = (group) => (queue === null || group.queue === queue || group.queue.startsWith(`${queue}.`))
      && (run === null || (group.run?.startsWith(run) ?? false)) && (reason === null || group.reason.includes(reason));
    return this.found.groups.filter(takes).reduce((sum, group) => sum + group.messages, 0);
  }

  buttons(retry, drop, filter, what) {
    const asked = (does) => {
      const [body, count] = [filter(), counted(this.taken(filter()), "message")];
      const these = FIELDS.filter(([name]) => body[name]).map(([name, title]) => h("p", {}, `${title}: `, bdi(label(body[name]))));
      const chosen = these.length === 0 ? { all: true } : body;
      return { ...does, title: `${does.verb} ${this.found.truncated ? "at least " : ""}${count}?`, says: [...these, does.says], body: chosen, after: () => this.load() };
    };
    const again = {
      verb: "Retry", path: "/dead/retry",
      says: "Their failures are forgotten, the runs are planned anew, and what failed is done again. Requests to the model may cost money.",
      told: (answer) => `${counted(answer.runs_planned, "run")} planned anew for ${counted(answer.tasks, "failed task")}, ${counted(answer.republished, "message")} back in the work queues.`,
    };
    const away = {
      verb: "Drop", grave: true, path: "/dead/drop",
      says: "They are gone then. The failures that are recorded for their runs stay.",
      told: (answer) => `${counted(answer.dropped, "message")} dropped.`,
    };
    return [
      this.actions.button(retry, label(`${retry}: ${what}`), () => asked(again)),
      this.actions.button(drop, label(`${drop}: ${what}`), () => asked(away), "grave"),
    ];
  }

  find() {
    this.fields[0].input.focus();
  }

  leave() {
    clearTimeout(this.typing);
    clearTimeout(this.again);
    this.loading?.abort();
  }
}

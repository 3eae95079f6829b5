// Messages that were set aside, and what becomes of them.

import { get, Problem, query } from "./api.js";
import { bdi, cell, h, label, table, text, write } from "./dom.js";
import { counted, number } from "./words.js";

const TYPING = 300;
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
      this.list.replaceChildren();
      this.steps.replaceChildren();
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
    const all = groups.reduce((sum, group) => sum + group.messages, 0);
    this.say(groups.length === 0 ? (sought ? "No such message." : "Nothing was set aside.") : truncated ? "There are more than are listed here." : "");
    const columns = ["Queue", "Run", "Reason", ["Messages", "number"], ...(this.allowed ? ["What to do"] : [])];
    this.list.replaceChildren(...(groups.length === 0 ? [] : [table("Messages that were set aside", columns, groups.map((group) => this.row(group)))]));
    this.steps.replaceChildren(...(this.allowed && groups.length > 1 ? this.buttons("Retry all shown", "Drop all shown", filter, all, "all that is shown") : []));
  }

  row(group) {
    const { queue, run, reason } = group;
    const what = label(`${run ?? "unreadable"} in ${queue}: ${reason}`);
    // A message that names no run cannot be told from others of its queue and reason.
    const taken = this.found.groups.filter((other) => other.queue === queue && (run === null || other.run?.startsWith(run)) && other.reason.includes(reason));
    const messages = taken.reduce((sum, other) => sum + other.messages, 0);
    return h("tr", {},
      h("th", { scope: "row" }, text(queue)),
      cell("Run", {}, run === null ? "not readable" : h("a", { href: `#/run/${encodeURIComponent(run)}` }, text(run))),
      cell("Reason", { class: "long" }, bdi(reason)),
      cell("Messages", { class: "number" }, number(group.messages)),
      this.allowed && cell("What to do", { class: "buttons" }, this.buttons("Retry", "Drop", { queue, run, reason }, messages, what)));
  }

  buttons(retry, drop, filter, messages, what) {
    const more = this.found.truncated ? "At least " : "";
    const these = [...FIELDS].filter(([name]) => filter[name]).map(([name, title]) => h("p", {}, `${title}: `, bdi(label(filter[name]))));
    const after = () => this.load();
    return [
      this.actions.button(retry, label(`${retry}: ${what}`), {
        title: `Retry ${more.toLowerCase()}${counted(messages, "message")}?`,
        says: [...these, "Their failures are forgotten, the runs are planned anew, and what failed is done again. Requests to the model may cost money."],
        verb: "Retry", path: "/dead/retry", body: filter, after,
        told: (answer) => `${counted(answer.runs_planned, "run")} planned anew for ${counted(answer.tasks, "failed task")}, ${counted(answer.republished, "message")} back in the work queues.`,
      }),
      this.actions.button(drop, label(`${drop}: ${what}`), {
        title: `Drop ${more.toLowerCase()}${counted(messages, "message")}?`,
        says: [...these, "They are gone then. The failures that are recorded for their runs stay."],
        verb: "Drop", grave: true, path: "/dead/drop", body: filter, after,
        told: (answer) => `${counted(answer.dropped, "message")} dropped.`,
      }),
    ];
  }

  find() {
    this.fields[0].input.focus();
  }

  leave() {
    clearTimeout(this.typing);
    this.loading?.abort();
  }
}

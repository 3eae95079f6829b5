// What a single key does, which a reader may turn off, and the dialog that tells it.

import { h } from "./dom.js";

const KEY = "langflix-single-keys";
const HELP = [
  ["j", "Next episode, or next clip"],
  ["k", "Previous episode, or previous clip"],
  ["/", "To the filter"],
  ["u", "From an episode back to the list"],
  ["?", "This list"],
];

const typing = (target) => target instanceof Element && target.closest("input:not([type=checkbox]), select, textarea, [contenteditable]") !== null;

export class Keys {
  constructor(view) {
    const does = {
      j: () => view().step?.(1),
      k: () => view().step?.(-1),
      "/": () => view().find?.(),
      u: () => { location.hash = view().up ?? location.hash; },
      "?": () => this.help(),
    };
    document.getElementById("keys").addEventListener("click", () => this.help());
    document.addEventListener("keydown", (event) => {
      if (!this.on || event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
      if (!Object.hasOwn(does, event.key)) return;
      event.preventDefault();
      does[event.key]();
    });
  }

  // Speech input and screen readers type keys that nobody pressed.
  get on() {
    return localStorage.getItem(KEY) !== "off";
  }

  help() {
    const change = (event) => (event.target.checked ? localStorage.removeItem(KEY) : localStorage.setItem(KEY, "off"));
    const box = h("input", { type: "checkbox", id: "single", checked: this.on, on: { change } });
    const dialog = h("dialog", { "aria-labelledby": "help", on: { close: () => dialog.remove() } },
      h("h2", { id: "help" }, "Keys"),
      h("dl", { class: "keys" }, HELP.map(([key, does]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)])),
      h("p", {}, box, " ", h("label", { for: "single" }, "Use single keys")),
      h("h2", {}, "What the numbers say"),
      h("p", {}, "An episode counts one half for its analysis and one half for its encoding. Rates and what is left are estimates from what arrived in the last three minutes; episodes that are not planned yet count with as many tasks as the others have."),
      h("p", { class: "buttons" }, h("button", { type: "button", class: "strong", on: { click: () => dialog.close() } }, "Close")));
    document.body.append(dialog);
    dialog.showModal();
  }
}

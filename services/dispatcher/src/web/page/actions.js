// What changes something: asked for once more, with the token, and its end told.

import { post, Problem, token } from "./api.js";
import { h, text } from "./dom.js";

// Of a token that is asked for again.
const REFUSED = ["/problems/token-needed", "/problems/wrong-token"];

export class Actions {
  constructor(board) {
    this.board = board;
    this.words = h("p", { role: "status" });
    this.notice = h("div", { id: "notice", hidden: true }, this.words,
      h("button", { type: "button", class: "quiet", on: { click: () => { this.notice.hidden = true; } } }, "Dismiss"));
    document.body.append(this.notice);
  }

  get allowed() {
    return this.board.overview?.actions === true;
  }

  /// A button for what `action` gives when it is pressed.
  button(name, spoken, action, look = null) {
    return h("button", { type: "button", "aria-label": spoken, "aria-haspopup": "dialog", class: look, on: { click: () => this.ask(action()) } }, name);
  }

  tell(sentence) {
    // Shown first: a status that was out of sight is not read when it is filled.
    this.notice.hidden = false;
    this.words.textContent = sentence;
  }

  /// Asks, and then does `{ title, says, verb, grave, path, body, told, after }`.
  ask(action) {
    const field = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
    const asked = h("p", {}, h("label", { for: "token" }, "Action token"), field);
    const wrong = h("p", { role: "alert", class: "wrong" });
    const confirm = h("button", { type: "submit", class: action.grave ? "grave" : "strong" }, action.verb);
    const dialog = h("dialog", { "aria-labelledby": "asks" },
      h("form", { on: { submit: (event) => { event.preventDefault(); act(); } } },
        h("h2", { id: "asks" }, action.title), action.says.map((sentence) => h("p", {}, sentence)), asked, wrong,
        h("p", { class: "buttons" }, h("button", { type: "button", on: { click: () => dialog.close() } }, "Leave it"), confirm)));
    const need = () => {
      asked.hidden = token.kept() !== null;
      field.disabled = asked.hidden;
    };
    const act = async () => {
      const given = token.kept() ?? field.value;
      confirm.disabled = true;
      wrong.textContent = "";
      try {
        const answer = await post(action.path, action.body ?? {}, given);
        token.keep(given);
        dialog.close();
        // The button may be gone with what it did.
        document.querySelector("main h1").focus({ preventScroll: true });
        this.tell(action.told(answer));
        action.after?.();
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if (REFUSED.includes(problem.type)) token.forget();
        wrong.textContent = problem.title && problem.title !== problem.message ? `${text(problem.title)}: ${text(problem.message)}` : text(problem.message);
        need();
        if (!asked.hidden) field.focus();
      } finally {
        confirm.disabled = false;
      }
    };
    dialog.addEventListener("close", () => dialog.remove());
    need();
    document.body.append(dialog);
    dialog.showModal();
    if (!asked.hidden) field.focus();
  }
}

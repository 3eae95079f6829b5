// The page: the board's news go to the head and to the view that the address names.

import { Actions } from "./actions.js";
import { Board } from "./board.js";
import { h } from "./dom.js";
import { Episode } from "./episode.js";
import { Episodes } from "./episodes.js";
import { Head } from "./head.js";
import { Keys } from "./keys.js";
import { Queues } from "./queues.js";
import { Shelves } from "./shelves.js";
import { Workers } from "./workers.js";

const main = document.getElementById("main");
let view = null;
// The list that an episode was gone to from, filter included.
let list = "#/";

const board = new Board((change) => {
  head.update(change);
  view.update(change);
});
const head = new Head(board);
const actions = new Actions(board);
new Keys(() => view);

// A filter or a clip that is gone to is no place of its own to go back to.
const moved = (address) => history.replaceState(null, "", address);

function viewOf(path, parameters) {
  const parts = path.split("/").map(decoded);
  if (parts[0] === "run" && parts[1]) return new Episode(board, actions, parts[1], parts[2] === "clip" ? Number(parts[3]) : null, list);
  switch (path) {
    case "": return new Episodes(board, parameters, moved);
    case "queues": return new Queues(board);
    case "workers": return new Workers(board);
    case "set-aside": return new Shelves(board, actions, parameters, moved);
    default: return {
      title: "No such view", view: null, update() {}, leave() {},
      element: h("div", {}, h("h1", { tabindex: "-1" }, "No such view"), h("p", {}, h("a", { href: "#/" }, "All episodes"))),
    };
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function named() {
  document.title = `${view.title} – LangFlix Fleet`;
}

/// Shows what the address names; `from` is the one before, where there was one.
function route(from) {
  // Other fragments lead to a place on the page.
  if (location.hash !== "" && !location.hash.startsWith("#/")) return;
  const [path, parameters] = location.hash.slice(2).split("?");
  const parts = path.split("/").map(decoded);
  if (view instanceof Episode && parts[0] === "run" && parts[1] === view.id) {
    view.show(Number(parts[3]));
    return;
  }
  if (view instanceof Episodes) list = from || "#/";
  view?.leave();
  view = viewOf(path, new URLSearchParams(parameters));
  view.moved = moved;
  view.renamed = named;
  main.replaceChildren(view.element);
  named();
  for (const link of document.querySelectorAll("nav [data-view]")) {
    if (link.dataset.view === view.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (from !== null) {
    scrollTo(0, 0);
    main.querySelector("h1").focus({ preventScroll: true });
  }
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", (event) => route(new URL(event.oldURL).hash));
route(null);

// Elements are built from text alone: no string is ever read as HTML, so what comes from outside stays text.

// Most of a label that is read aloud or stands in a window's title, in characters.
const LONGEST_LABEL = 200;

/// An element with attributes, listeners under `on`, and children: nodes, strings, numbers; null and false are left out.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/// Text from outside as it is shown. Control characters have no look of their own; a browser shows nothing, a box, or what it
/// likes.
export const text = (outside) => closed(String(outside).replace(/\r\n/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "\u{fffd}"));

const [LRI, FSI, PDI] = ["\u2066", "\u2068", "\u2069"];

// An isolate that text opens and does not close would take the end of the element that isolates it for its own, and turn what
// stands behind; one that it closes and did not open would end that element's.
function closed(outside) {
  if (!/[\u2066-\u2069]/.test(outside)) return outside;
  const line = (words) => {
    let open = 0;
    const kept = Array.from(words).filter((character) => {
      if (character >= LRI && character <= FSI) open += 1;
      if (character !== PDI) return true;
      const opened = open > 0;
      if (opened) open -= 1;
      return opened;
    });
    return kept.join("") + PDI.repeat(open);
  };
  return outside.split("\n").map(line).join("\n");
}

/// Text from outside that cannot turn the direction of what stands around it.
export const bdi = (outside, attributes = {}) => h("bdi", attributes, text(outside));

/// Text from outside on one line, for titles and labels: no element isolates its direction there.
export function label(outside) {
  const line = text(outside).replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "").replace(/\s+/g, " ").trim();
  const characters = Array.from(line.slice(0, 2 * LONGEST_LABEL + 2));
  return characters.length > LONGEST_LABEL ? `${characters.slice(0, LONGEST_LABEL).join("")}…` : line;
}

/// Writes a node's text unless it says so already: an unchanged text costs no layout.
export function write(node, value) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.data !== value) node.data = value;
  } else if (node.firstChild?.nodeType === Node.TEXT_NODE && node.childNodes.length === 1) {
    if (node.firstChild.data !== value) node.firstChild.data = value;
  } else if (node.textContent !== value) {
    node.textContent = value;
  }
}

/// Sets or removes an attribute unless it is so already.
export function mark(element, name, value) {
  if (value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
  } else if (element.getAttribute(name) !== String(value)) {
    element.setAttribute(name, value);
  }
}

/// A table whose columns are told to whoever cannot see them; `columns` are names, `[name, "number"]` or `[name, "unseen"]`.
export function table(caption, columns, rows) {
  const heads = columns.map((column) => {
    const [name, kind] = [column].flat();
    return h("th", { scope: "col", class: kind === "number" ? "number" : null },
      kind === "unseen" ? h("span", { class: "unseen" }, name) : name);
  });
  return h("table", { class: "cards" }, h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, heads)), h("tbody", {}, rows));
}

/// A cell that says on a narrow screen, where the head of the table is out of sight, what it holds.
export const cell = (name, attributes, ...children) => h("td", { "data-label": name, ...attributes }, children);

/// Makes the children of `parent` those of `items`, in their order; what has a key that was there before is updated in place,
/// so that whoever is in the middle of it stays there. A part is what `make` gives: an `element` and `update(item)`.
export function keyed(parent, items, key, make) {
  const before = new Map((parent.parts ?? []).map((part) => [part.key, part]));
  const parts = items.map((item) => {
    const part = before.get(key(item)) ?? Object.assign(make(item), { key: key(item) });
    part.update(item);
    return part;
  });
  const same = parts.length === parent.parts?.length && parts.every((part, at) => part === parent.parts[at]);
  if (!same) parent.replaceChildren(...parts.map((part) => part.element));
  parent.parts = parts;
}

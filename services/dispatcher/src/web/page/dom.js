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

// Control characters have no look of their own; a browser shows nothing, a box, or what it likes.
export const text = (outside) => String(outside).replace(/\r\n/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "\u{fffd}");

/// Text from outside that cannot turn the direction of what stands around it.
export const bdi = (outside, attributes = {}) => h("bdi", attributes, text(outside));

/// Text from outside on one line, for titles and labels: no element isolates its direction there.
export function label(outside) {
  const line = text(outside).replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "").replace(/\s+/g, " ").trim();
  const characters = Array.from(line.slice(0, 2 * LONGEST_LABEL));
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

// Requests to the server that this page came from, and the token for what changes something.

const BASE = "/api/v1";
// Gone with the tab; never in a cookie, which the browser would send by itself.
const KEY = "langflix-action-token";

/// What went wrong, in the server's words.
export class Problem extends Error {
  constructor(type, title, detail) {
    super(detail || title);
    /// The address of what sort of problem it is, as RFC 9457 has it.
    this.type = type;
    this.title = title;
  }

  static async of(answer) {
    let said = {};
    try {
      said = await answer.json();
    } catch {
      // No problem document: a proxy's page, or an answer that was cut off.
    }
    const title = typeof said?.title === "string" ? said.title : `The server answered ${answer.status}`;
    return new Problem(typeof said?.type === "string" ? said.type : "about:blank", title, typeof said?.detail === "string" ? said.detail : "");
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(BASE + path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("about:blank", "The server was not reached", "The server was not reached.");
  }
  if (!answer.ok) throw await Problem.of(answer);
  return answer;
}

const send = async (path, options) => (await ask(path, options)).json();

export const get = (path, signal) => send(path, { signal, headers: { Accept: "application/json" } });

/// Has something done, as whoever holds `token`.
export const post = (path, body, token) =>
  send(path, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });

export const events = () => new EventSource(`${BASE}/events`);

/// Fails with the reason where the events are refused: an event stream tells none for its end.
export async function listenable() {
  const listening = new AbortController();
  await ask("/events", { signal: listening.signal });
  listening.abort();
}

/// The path of a run or of what belongs to it.
export const ofRun = (run, ...parts) => ["/runs", ...[run, ...parts].map(encodeURIComponent)].join("/");

/// The address of a file of a run, for players and links.
export const address = (path) => BASE + path;

/// A query of those fields that say something.
export function query(fields) {
  const said = Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return said.length === 0 ? "" : `?${new URLSearchParams(said)}`;
}

export const token = {
  kept: () => sessionStorage.getItem(KEY),
  keep: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

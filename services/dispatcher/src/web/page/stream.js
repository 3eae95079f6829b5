// The first stream of events, asked for before the rest of the page has arrived: its answer takes as long as that does.

const KINDS = ["overview", "runs", "beat", "gone", "error"];

const source = new EventSource("/api/v1/events");
const early = [];
const keep = (event) => early.push(event);
for (const kind of KINDS) source.addEventListener(kind, keep);

/// Hands the stream over, once, with what it has said so far.
export function take() {
  for (const kind of KINDS) source.removeEventListener(kind, keep);
  return { source, early: early.splice(0) };
}

// A server that answers as the dispatcher does, with as many runs as one likes: to look at the page without a fleet.
//
//     node services/dispatcher/tests/page/fixture.js [--runs 1000] [--port 0] [--quick]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";

const PAGE = new URL("../../src/web/page/", import.meta.url);
const TYPES = { css: "text/css", js: "text/javascript", svg: "image/svg+xml", html: "text/html" };
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; connect-src 'self'; font-src 'self'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const NAMES = { suits: "Suits", "night-ferry": "Night Ferry", "the-long-way-home": "The Long Way Home" };
const SHOWS = ["suits", "night-ferry", "the-long-way-home", "harbour-lights", "mondays"];

/// `count` runs of five shows in seasons of twenty: a part done, a part going on, a part waiting.
export function runs(count) {
  const made = [];
  for (let at = 0; at < count; at += 1) {
    const season = Math.floor(at / 100) + 1;
    const show = SHOWS[Math.floor(at / 20) % SHOWS.length];
    const episode = (at % 20) + 1;
    const id = `${show}-s${String(season).padStart(2, "0")}e${String(episode).padStart(2, "0")}-${(0x1000_0000 + at * 7919).toString(16)}`;
    const run = {
      run: id, show, show_name: NAMES[show] ?? null, season, episode, language: "ko", phase: "waiting", status: null, cancelled: false, lane: "bulk",
      submitted_at: "2026-11-26T05:00:00Z", analysis: null, encoding: null, finished_at: null, clips: null, spend: null,
    };
    const stand = (at * 7) % 10;
    if (stand >= 1) Object.assign(run, { phase: "analysis", analysis: { done: (at * 13) % 40, tasks: 40, failed: null } });
    if (stand >= 3) Object.assign(run, { phase: "encoding", analysis: { done: 40, tasks: 40, failed: 0 }, encoding: { done: (at * 11) % 20, tasks: 20, failed: null } });
    if (stand >= 5) Object.assign(run, {
      phase: "ended", status: at % 50 === 28 ? "failed" : at % 10 === 8 ? "partial" : "complete", lane: null, finished_at: "2026-11-26T06:30:00Z", clips: 20,
      encoding: { done: 20, tasks: 20, failed: at % 10 === 8 ? 2 : 0 }, spend: { amount: 0.12, requests: 41, input_tokens: 90_000, output_tokens: 12_000 },
    });
    made.push(run);
  }
  return made;
}

export function overview(all) {
  const of = (status) => all.filter((run) => run.status === status).length;
  const queue = (name, ready, parked = 0) => ({ name, ready, waiting: 0, consumers: 2, dead: 0, parked });
  return {
    version: "0.1.0", actions: true,
    runs: { open: of(null), complete: of("complete"), partial: of("partial"), failed: of("failed"), oldest_open_seconds: 812 },
    runs_error: null,
    seasons: [...new Set(all.filter((run) => run.status === null).map((run) => `${run.show}/${run.season}`))].map((name) => {
      const [show, season] = name.split("/");
      return { show, season: Number(season), chunks_a_minute: 30, clips_a_minute: 12.5, seconds_left: 1812 };
    }),
    spend: { currency: "USD", amount: 61.2, priced: true, requests: 20_910, input_tokens: 45_900_000, output_tokens: 6_120_000 },
    queues: [queue("episodes.v1", 2), queue("analysis.interactive.v1", 0), queue("analysis.bulk.v1", 1200, 3), queue("encoding.bulk.v1", 312), queue("stages.v1", 0)],
    queues_error: null,
    workers: [
      { id: "host-1/analysis-worker/4711", service: "analysis-worker", version: "0.1.0", host: "host-1", uptime_seconds: 8120, seen_seconds_ago: 3, ready: true,
        parts: [{ name: "queue", ready: true, waits: null, note: null }],
        running: [{ queue: "analysis.bulk.v1", run: all[0]?.run ?? "x", task: "chunk 3", attempt: 0, seconds: 3.2 }], gpu: null },
      { id: "host-2/encoding-worker/4712", service: "encoding-worker", version: "0.1.0", host: "host-2", uptime_seconds: 812, seen_seconds_ago: 1, ready: true,
        parts: [{ name: "gpu", ready: true, waits: null, note: "GeForce RTX 3060, 3 of 5 slots free" }],
        running: [{ queue: "encoding.bulk.v1", run: all[3]?.run ?? "x", task: "clip 4", attempt: 1, seconds: 12.2 }],
        gpu: { state: "ready", device: "GeForce RTX 3060", slots: 5, free_slots: 3 } },
      { id: "host-3/encoding-worker/77", service: "encoding-worker", version: "0.1.0", host: "host-3", uptime_seconds: 99_812, seen_seconds_ago: 4, ready: false,
        parts: [{ name: "gpu", ready: false, waits: "no NVENC engine: NVIDIA A100", note: null }], running: [],
        gpu: { state: "no_encoder", device: "NVIDIA A100", slots: 0, free_slots: 0 } },
      { id: "host-4/encoding-worker/78", service: "encoding-worker", version: "0.1.0", host: "host-4", uptime_seconds: 812, seen_seconds_ago: 4, ready: true,
        parts: [{ name: "gpu", ready: true, waits: null, note: "there is no NVIDIA driver or no GPU here: install the driver, or give the container a GPU and NVIDIA_DRIVER_CAPABILITIES=compute,video,utility; clips are encoded in software" }],
        running: [], gpu: { state: "no_driver", device: "auto", slots: 2, free_slots: 0 } },
    ],
    workers_error: null,
  };
}

const GROUPS = [
  { queue: "analysis.bulk.v1.parked", run: "suits-s01e10-1001165f", reason: "the key is refused", messages: 2 },
  { queue: "stages.v1.parked", run: null, reason: "the message cannot be read", messages: 1 },
];

function files(path) {
  const name = path === "/" ? "index.html" : path.slice(1);
  if (!/^[a-z]+\.(html|js|css|svg)$/.test(name)) return null;
  try {
    return { body: readFileSync(new URL(name, PAGE)), type: TYPES[name.split(".").pop()] };
  } catch {
    return null;
  }
}

/// Starts it; `tick(runs)` changes runs every second and gives those that it changed.
export async function serve({ count = 1000, port = 0, tick = null, every = 1000 } = {}) {
  const all = runs(count);
  const listeners = new Set();
  const json = (response, status, body, type = "application/json") => {
    response.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
    response.end(JSON.stringify(body));
  };
  const problem = (response, status, type, title, detail) => json(response, status, { type: `/problems/${type}`, title, status, detail }, "application/problem+json");
  const event = (name, data) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    response.setHeader("Content-Security-Policy", POLICY);
    response.setHeader("X-Content-Type-Options", "nosniff");
    const file = files(pathname);
    if (file) {
      response.writeHead(200, { "Content-Type": file.type, "Cache-Control": "no-cache" });
      return response.end(file.body);
    }
    if (pathname === "/api/v1/events") {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      response.write(event("overview", overview(all)) + event("runs", { runs: all }));
      listeners.add(response);
      return response.on("close", () => listeners.delete(response));
    }
    if (request.method === "POST") {
      if (request.headers.authorization !== "Bearer secret") return problem(response, 401, "wrong-token", "The token is wrong", "this token is not the right one");
      return json(response, 200, pathname.endsWith("drop") ? { dropped: 3 } : { runs_planned: 1, tasks: 3, republished: 0 });
    }
    if (pathname === "/api/v1/overview") return json(response, 200, overview(all));
    if (pathname === "/api/v1/dead") return json(response, 200, { groups: GROUPS, truncated: false });
    const run = all.find((known) => pathname === `/api/v1/runs/${known.run}`);
    if (run) {
      const failures = run.status === "partial" || run.status === "failed"
        ? [{ stage: "encoding", task: "0f3a", label: "clip 3: call it a day", kind: "encoder", message: "ffmpeg ended with 1: no frame" }] : [];
      return json(response, 200, { ...run, failures, notes: [] });
    }
    return problem(response, 404, "Not found", "There is nothing here.");
  });
  server.push = (name, data) => { for (const listener of listeners) listener.write(event(name, data)); };
  server.runs = all;
  const clock = tick && setInterval(() => {
    const changed = tick(all);
    if (changed.length > 0) server.push("runs", { runs: changed });
  }, every);
  server.end = () => { clearInterval(clock); server.closeAllConnections(); server.close(); };
  await new Promise((done) => server.listen(port, "127.0.0.1", done));
  server.url = `http://127.0.0.1:${server.address().port}/`;
  return server;
}

/// Moves a tenth of what goes on by a task.
export function work(all) {
  const going = all.filter((run) => run.status === null && run.phase !== "waiting").filter(() => Math.random() < 0.1);
  for (const run of going) {
    const stage = run.phase === "analysis" ? run.analysis : run.encoding;
    stage.done += 1;
    if (stage.done < stage.tasks) continue;
    if (run.phase === "analysis") Object.assign(run, { phase: "encoding", encoding: { done: 0, tasks: 20, failed: null } });
    else Object.assign(run, { phase: "ended", status: "complete", clips: 20, finished_at: new Date().toISOString() });
  }
  return going;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "1000" }, port: { type: "string", default: "0" } } });
  const server = await serve({ count: Number(values.runs), port: Number(values.port), tick: work });
  console.log(server.url);
}

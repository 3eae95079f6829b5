// How quickly a thousand episodes are drawn, and how much an update of a hundred takes. FIGURES has more of it measured and told.

import assert from "node:assert/strict";
import { availableParallelism, loadavg } from "node:os";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hear, HOME, isQuiet, launch, open, say, shoot } from "./browser.js";

const { FIGURES, COUNT, STEPS } = process.env;
const LOADS = FIGURES ? 15 : 3;
// What a machine that does much else may take; the strict figures are for one that does not.
const BUSY = FIGURES ? 1 : 10;
const STEP = 100;
const WANTED = { paint: 300, update: 50 };

let browser;
before(async () => { browser = await launch(); });
after(async () => {
  await browser.close();
  console.log(`load average: ${loadavg().map((load) => load.toFixed(1)).join(", ")} on ${availableParallelism()} cores`);
});

const median = (figures) => [...figures].sort((a, b) => a - b)[Math.floor(figures.length / 2)];
const tell = (name, figures, wanted) =>
  console.log(`${name}: median ${median(figures).toFixed(0)} ms of ${figures.length}, worst ${Math.max(...figures).toFixed(0)} ms${wanted ? `; wanted: under ${wanted} ms` : ""}`);

/// Notes when the first rows were drawn, and how long the main thread was busy with each piece of news about runs.
const watch = () => {
  const drawn = (then) => {
    // A message comes after the frame in whose making it was sent.
    const channel = new MessageChannel();
    channel.port1.onmessage = then;
    channel.port2.postMessage(null);
  };
  const rows = new MutationObserver(() => {
    if (!document.querySelector("tbody tr")) return;
    rows.disconnect();
    requestAnimationFrame(() => drawn(() => { window.rows = performance.now(); }));
  });
  rows.observe(document, { childList: true, subtree: true });

  window.updates = [];
  const measured = (listener) => (event) => {
    // Before and behind the page's own callback for the next frame.
    let frame;
    requestAnimationFrame(() => { frame = performance.now(); });
    const began = performance.now();
    listener(event);
    const handled = performance.now() - began;
    requestAnimationFrame(() => drawn(() => {
      window.updates.push({ runs: JSON.parse(event.data).runs.length, took: handled + performance.now() - frame });
    }));
  };
  const known = new Map();
  const { addEventListener: add, removeEventListener: remove } = EventTarget.prototype;
  const ours = (kind, listener) => {
    if (kind !== "runs") return listener;
    if (!known.has(listener)) known.set(listener, measured(listener));
    return known.get(listener);
  };
  EventSource.prototype.addEventListener = function (kind, listener) { return add.call(this, kind, ours(kind, listener)); };
  EventSource.prototype.removeEventListener = function (kind, listener) { return remove.call(this, kind, ours(kind, listener)); };
};

test("a thousand episodes are drawn at once", async () => {
  const [paints, rows] = [[], []];
  for (let load = 0; load < LOADS; load += 1) {
    const page = await open(browser);
    await page.addInitScript(watch);
    await page.goto(HOME);
    await page.waitForFunction(() => window.rows);
    await page.getByText("1,000 runs").waitFor();
    const [paint, row] = await page.evaluate(() => [performance.getEntriesByName("first-contentful-paint")[0].startTime, window.rows]);
    paints.push(paint);
    rows.push(row);
    if (load === 0) {
      await shoot(page, "thousand-light-1280");
      // Each run is in a season, and what is unfolded has its rows.
      const sums = await page.locator(".season .sums").allTextContents();
      assert.equal(sums.map((sum) => Number(/of (\d+) run/.exec(sum)[1])).reduce((a, b) => a + b), Number(COUNT));
      isQuiet(page);
    }
    await page.context().close();
  }
  tell("first contentful paint with 1,000 episodes", paints, WANTED.paint);
  tell("first rows of them drawn", rows);
  assert.ok(median(paints) < BUSY * WANTED.paint);
});

test("an update of a hundred of them leaves the main thread free", async () => {
  const page = await open(browser);
  await page.addInitScript(watch);
  await page.goto(HOME);
  await page.waitForFunction(() => window.rows);
  await page.getByRole("button", { name: "Unfold all" }).click();
  await page.waitForFunction((count) => document.querySelectorAll("tbody tr").length >= count, Number(COUNT));
  const known = () => page.evaluate(() => window.updates.reduce((sum, { runs }) => sum + runs, 0));
  const figures = [];
  for (const { go, done } of JSON.parse(STEPS)) {
    await sleep(1000);
    await page.evaluate(() => { window.updates = []; });
    say(go);
    await hear(done);
    for (let at = 0; (await known()) < STEP; at += 1) {
      assert.ok(at < 600, "the update does not arrive");
      await sleep(100);
    }
    // They may come in more than one piece, whose times add up.
    figures.push(await page.evaluate(() => window.updates.reduce((sum, { took }) => sum + took, 0)));
  }
  tell(`main thread for an update of ${STEP} episodes`, figures, WANTED.update);
  assert.ok(median(figures) < BUSY * WANTED.update);
  const complete = await page.locator('tbody .status[data-is="complete"]').count();
  assert.ok(complete >= JSON.parse(STEPS).length * STEP, `${complete}`);
  isQuiet(page);
});

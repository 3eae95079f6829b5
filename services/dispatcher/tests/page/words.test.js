// How numbers, estimates and texts from outside are said: no browser is needed for that.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

// The page's files stand outside of any package that would tell Node that they are modules.
const page = (name) => import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(`../../src/web/page/${name}`, import.meta.url), "utf8"))}`);
const { counted, failures, going, gpu, lasting, money, number, position, share, spent, standing, within } = await page("words.js");
const { label, text } = await page("dom.js");

const run = (more) => ({ status: null, phase: "analysis", cancelled: false, analysis: null, encoding: null, ...more });
const stage = (done, tasks, failed = null) => ({ done, tasks, failed });

test("each stage is a half of an episode, and an end is all of it", () => {
  assert.equal(share(run({})), 0);
  assert.equal(share(run({ analysis: stage(20, 40) })), 0.25);
  assert.equal(share(run({ analysis: stage(40, 40), encoding: stage(5, 20) })), 0.625);
  assert.equal(share(run({ analysis: stage(0, 0), encoding: stage(0, 0) })), 0);
  assert.equal(share(run({ status: "failed", analysis: stage(1, 40) })), 1);
});

test("a pace is told as far as the server knows it", () => {
  const pace = (chunks, clips, left) => going({ show: "suits", season: 1, chunks_a_minute: chunks, clips_a_minute: clips, seconds_left: left });
  assert.deepEqual(pace(null, null, null), []);
  assert.deepEqual(pace(30, 1, 812), ["30 chunks a minute", "1 clip a minute", "about 14 min left"]);
  assert.deepEqual(pace(0, 2.5, null), ["2.5 clips a minute"]);
});

test("numbers and times are said as people do", () => {
  assert.deepEqual([0, 999, 1000, 52_020_000, 1234.5].map(number), ["0", "999", "1,000", "52,020,000", "1,234.5"]);
  assert.deepEqual([0, 89, 90, 812, 7500, 7200, 200_000].map(lasting), ["0 s", "89 s", "2 min", "14 min", "2 h 5 min", "2 h", "2 d 7 h"]);
  assert.equal(position(3_723_999), "1:02:03");
  assert.equal(within(-200), "0:00");
  assert.equal(counted(1, "run"), "1 run");
  assert.equal(money(1234.5, "USD"), "1,234.50 USD");
  assert.equal(money(0.0012, "USD"), "0.0012 USD");
  assert.equal(spent({ amount: null, requests: 1, input_tokens: 900, output_tokens: 100 }, null), "1 request, 1,000 tokens");
});

test("a run's standing is in words, what they are not known for included", () => {
  assert.equal(standing(run({})), "Analysis");
  assert.equal(standing(run({ cancelled: true })), "Being cancelled");
  assert.equal(standing(run({ status: "failed", cancelled: true })), "Failed, cancelled");
  assert.equal(standing(run({ phase: "dreaming" })), "dreaming");
  assert.equal(failures(run({ analysis: stage(3, 40) })), null);
  assert.equal(failures(run({ analysis: stage(40, 40, 1), encoding: stage(20, 20, 2) })), 3);
});

test("a worker without a GPU says so in two words", () => {
  const worker = (state, slots, free, ready = true) => gpu({ ready, gpu: { state, device: state === "no_driver" ? "" : "NVIDIA A100", slots, free_slots: free } });
  assert.equal(gpu({ ready: true, gpu: null }), "none");
  assert.equal(worker("no_driver", 2, 0), "no GPU, 2 slots in software");
  assert.equal(worker("no_encoder", 1, 0), "no encoder, NVIDIA A100, 1 slot in software");
  // Nothing takes its place.
  assert.equal(worker("no_driver", 0, 0, false), "no driver, 0 of 0 slots free");
  assert.equal(worker("saturated", 5, 0), "saturated, NVIDIA A100, 0 of 5 slots free");
});

test("text closes what it opens and opens nothing that it does not close", () => {
  assert.equal(text("\u2066a\nb\u2069c"), "\u2066a\u2069\nbc");
  assert.equal(text("\u2067a\u2068b\u2069"), "\u2067a\u2068b\u2069\u2069");
  assert.equal(text("a\0b\r\nc\u{85}"), "a\u{fffd}b\nc\u{fffd}");
  assert.equal(label("\u{202e}evil\u{2066}\n  name"), "evil name");
  assert.equal(Array.from(label("😀".repeat(300))).length, 201);
});

// How numbers, estimates and texts from outside are said: no browser is needed for that.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

// The page's files stand outside of any package that would tell Node that they are modules.
const page = (name) => import(`data:text/javascript,${encodeURIComponent(readFileSync(new URL(`../../src/web/page/${name}`, import.meta.url), "utf8"))}`);
const { Pace, done, share } = await page("pace.js");
const { counted, failures, lasting, money, number, position, spent, standing, within } = await page("words.js");
const { label, text } = await page("dom.js");

const run = (more) => ({ status: null, phase: "analysis", cancelled: false, analysis: null, encoding: null, ...more });
const stage = (done, tasks, failed = null) => ({ done, tasks, failed });

test("each stage is a half of an episode, and an end is all of it", () => {
  assert.equal(share(run({})), 0);
  assert.equal(share(run({ analysis: stage(20, 40) })), 0.25);
  assert.equal(share(run({ analysis: stage(40, 40), encoding: stage(5, 20) })), 0.625);
  assert.equal(share(run({ analysis: stage(0, 0), encoding: stage(0, 0) })), 0);
  assert.equal(share(run({ status: "failed", analysis: stage(1, 40) })), 1);
  assert.equal(done(run({ analysis: stage(40, 40), encoding: stage(5, 20) })), 45);
});

test("a rate is told only once enough was seen, and of the last five minutes", () => {
  const pace = new Pace();
  pace.note(2, 100, 0);
  pace.note(2.5, 110, 10_000);
  assert.equal(pace.rate(7.5, 10_000), null);
  pace.note(3, 120, 30_000);
  assert.deepEqual(pace.rate(7, 30_000), { tasks: 40, left: 210 });
  // Standing still makes what is left longer.
  assert.deepEqual(pace.rate(7, 60_000), { tasks: 20, left: 420 });
  for (let at = 1; at <= 100; at += 1) pace.note(3 + at / 100, 120 + at, 30_000 + at * 10_000);
  const { tasks } = pace.rate(6, 1_030_000);
  assert.ok(Math.abs(tasks - 6) < 0.5, `${tasks}`);
});

test("what is done anew is measured anew", () => {
  const pace = new Pace();
  pace.note(2, 100, 0);
  pace.note(3, 120, 30_000);
  pace.note(1, 50, 40_000);
  assert.equal(pace.rate(9, 50_000), null);
});

test("updates that come close together keep the window moving", () => {
  const pace = new Pace();
  for (let at = 0; at <= 6000; at += 1) pace.note(at / 1000, at, at * 100);
  assert.ok(pace.samples.length < 200);
  assert.ok(pace.samples[0].now >= 290_000, `${pace.samples[0].now}`);
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

test("text closes what it opens and opens nothing that it does not close", () => {
  assert.equal(text("\u2066a\nb\u2069c"), "\u2066a\u2069\nbc");
  assert.equal(text("\u2067a\u2068b\u2069"), "\u2067a\u2068b\u2069\u2069");
  assert.equal(text("a\0b\r\nc\u{85}"), "a\u{fffd}b\nc\u{fffd}");
  assert.equal(label("\u{202e}evil\u{2066}\n  name"), "evil name");
  assert.equal(Array.from(label("😀".repeat(300))).length, 201);
});

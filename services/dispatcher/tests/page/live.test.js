// One episode from its plan to its clips, before eyes that never load the page again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fits, go, hear, HOME, isAccessible, isQuiet, launch, open, say, shoot } from "./browser.js";

const { RUN, WORK, HALT, KILL, BACK } = process.env;
const EPISODE = `The Long Way Home S01E01, ${RUN.slice(-8)}`;

let browser;
let page;
before(async () => {
  browser = await launch();
  page = await open(browser);
});
after(() => browser.close());

const text = (locator) => locator.evaluate((element) => element.innerText.trim());

test("progress arrives without the page being loaded again", async () => {
  await page.goto(HOME);
  const row = page.getByRole("row").filter({ has: page.getByRole("link", { name: EPISODE }) });
  await row.getByText("Analysis").waitFor();
  await page.getByRole("progressbar", { name: "Chunks analysed" }).waitFor();
  assert.match(await text(row), /0\/\d/);
  await page.evaluate(() => {
    window.kept = new Set();
    const status = document.querySelector("tbody .status");
    new MutationObserver(() => window.kept.add(status.textContent)).observe(status, { characterData: true, childList: true, subtree: true });
  });
  const own = await open(browser);
  await own.goto(`${HOME}#/run/${RUN}`);
  await own.locator(".stages").getByText(/^0 of \d+ chunks$/).waitFor();
  say(WORK);
  await row.getByText("Complete").waitFor({ timeout: 120_000 });
  assert.ok((await page.evaluate(() => [...window.kept])).includes("Complete"));
  assert.match(await text(row), /(\d+)\/\1\s+3\/3\s+3\s+0\s+ended/);
  await page.getByText("1 of 1 run ended").waitFor();
  await page.locator("#fleet").getByText("0 open, 1 complete, 0 partial, 0 failed").waitFor();
  // Its own view has its clips by itself.
  await own.getByRole("article").first().waitFor();
  assert.equal(await own.getByRole("article").count(), 3);
  isQuiet(own);
  await own.context().close();
  await page.waitForFunction(() => document.getElementById("said").textContent.includes("The Long Way Home S01E01: Complete."));
  isQuiet(page);
});

test("the workers say what they are", async () => {
  await page.getByRole("link", { name: "Workers" }).click();
  await page.getByRole("heading", { name: "Workers", level: 1 }).waitFor();
  for (const service of ["analysis-worker", "encoding-worker"]) {
    const row = page.getByRole("row", { name: new RegExp(service) });
    await row.getByText("Ready", { exact: true }).waitFor();
    assert.match(await text(row), /0 tasks/);
    // What is folded is not read: that there is no GPU is nothing to worry about.
    assert.ok(!(await text(row)).includes("NVIDIA"), await text(row));
  }
  await page.getByRole("link", { name: "Queues" }).click();
  assert.match(await text(page.getByRole("row", { name: /^analysis\.bulk\.v1/ })), /0\s+0\s+\d+\s+0\s+0/);
  isQuiet(page);
});

const focused = (is) => page.evaluate(is);
const onLink = () => focused(() => document.activeElement.getAttribute("aria-label"));

test("all of it is reached by the keyboard, and a clip plays", async () => {
  await page.goto("about:blank");
  await page.goto(HOME);
  await page.getByRole("link", { name: EPISODE }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await focused(() => document.activeElement.id), "skip");
  await page.keyboard.press("Enter");
  assert.equal(await focused(() => document.activeElement.id), "main");
  await page.keyboard.press("j");
  assert.equal(await onLink(), EPISODE);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "The Long Way Home S01E01", level: 1 }).waitFor();
  assert.equal(await focused(() => document.activeElement.tagName), "H1");
  await page.getByRole("article").first().waitFor();

  await page.keyboard.press("j");
  assert.equal(await focused(() => document.activeElement.id), "clip-1");
  assert.ok(page.url().endsWith(`/run/${RUN}/clip/1`));
  for (let at = 0; at < 30 && !(await focused(() => document.activeElement.matches("button.at"))); at += 1) await page.keyboard.press("Tab");
  assert.match((await onLink()) ?? "", /^Play from 0:\d\d$/);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => { const video = document.querySelector("#clip-1 video"); return video.videoWidth > 0 && video.currentTime > 0.3 && !video.paused; });
  await page.locator("#clip-1 .lines [aria-current=true]").first().waitFor();
  assert.ok(await page.evaluate(() => document.querySelector("#clip-1 video").poster.endsWith("/clips/1/poster.jpg")));
  await page.evaluate(() => document.querySelector("#clip-1 video").pause());

  await page.keyboard.press("j");
  assert.equal(await focused(() => document.activeElement.id), "clip-2");
  await page.keyboard.press("k");
  assert.equal(await focused(() => document.activeElement.id), "clip-1");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("j");
  assert.equal(await page.getByRole("dialog").count(), 1);
  await page.keyboard.press("Escape");
  assert.equal(await focused(() => document.activeElement.id), "clip-1");
  await page.keyboard.press("u");
  await page.getByRole("heading", { name: "Episodes", level: 1 }).waitFor();
  await page.keyboard.press("/");
  await page.keyboard.type("no such show");
  await page.getByText("No run matches.").waitFor();
  assert.ok(page.url().endsWith("#/?q=no+such+show"));

  await go(page, "#/?q=long");
  await page.getByRole("link", { name: EPISODE }).click();
  await page.getByRole("heading", { name: "The Long Way Home S01E01", level: 1 }).waitFor();
  await page.keyboard.press("u");
  await page.getByRole("link", { name: EPISODE }).waitFor();
  assert.ok(page.url().endsWith("#/?q=long"), page.url());
  isQuiet(page);
});

test("a clip says its lines, its meaning and its translations, and has them as tracks", async () => {
  await go(page, `#/run/${RUN}`);
  const clip = page.getByRole("article").first();
  await clip.waitFor();
  const manifest = await (await page.request.get(`${HOME}api/v1/runs/${RUN}/manifest`)).json();
  const said = await clip.evaluate((element) => element.textContent);
  const [first] = manifest.clips;
  for (const words of [first.expression, first.meaning, first.line, first.line_translation, first.why, first.level, ...first.cues.flatMap((cue) => [cue.text, cue.translation])]) {
    assert.ok(said.includes(words ?? ""), `${words} is not in ${said}`);
  }
  assert.ok(/[가-힣]/.test(said), "nothing is translated");
  const tracks = await clip.locator("video").evaluate(async (video) => {
    const found = [];
    for (const track of video.textTracks) {
      track.mode = "hidden";
      const element = [...video.querySelectorAll("track")].find((one) => one.track === track);
      while (element.readyState < 2) await new Promise((done) => setTimeout(done, 20));
      found.push([track.label, track.language, track.cues.length > 0]);
    }
    return found;
  });
  assert.deepEqual(tracks, [["English", "en", true], ["Korean", "ko", true]]);
  isQuiet(page);
});

test("every view can be read by all, in light and dark and on a telephone", async () => {
  const views = { episodes: "", queues: "#/queues", workers: "#/workers", "set-aside": "#/set-aside", run: `#/run/${RUN}`, nowhere: "#/nowhere" };
  for (const [scheme, width, height] of [["light", 1280, 900], ["dark", 1280, 900], ["light", 360, 780], ["dark", 360, 780]]) {
    const shown = await open(browser, { scheme, width, height });
    for (const [name, hash] of Object.entries(views)) {
      await shown.goto("about:blank");
      await shown.goto(HOME + hash);
      await shown.getByText("Live", { exact: true }).waitFor();
      if (name === "run") await shown.getByRole("article").first().waitFor();
      if (name === "run") await shown.locator("video[poster]").first().waitFor();
      await shown.waitForFunction(() => !document.body.innerText.includes("Loading"));
      await fits(shown);
      await shoot(shown, `${name}-${scheme}-${width}`);
      isQuiet(shown);
      await isAccessible(shown);
    }
    await shown.context().close();
  }
});

test("a page that finds no place to listen says why, and has one as soon as there is", async () => {
  await page.goto("about:blank");
  const listening = new AbortController();
  const listen = () => fetch(new URL("/api/v1/events", HOME), { signal: listening.signal });
  const answers = await Promise.all(Array.from({ length: 70 }, listen));
  assert.ok(answers.some((answer) => answer.status === 503));
  await page.goto(HOME);
  await page.locator("#link").getByText(/64 listen already, as many as may/).waitFor();
  listening.abort();
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
});

test("a lost connection is told, and so is its return", async () => {
  await go(page, "#/");
  await page.getByText("Live", { exact: true }).waitFor();
  say(HALT);
  await page.locator("#link").getByText(/^Connection lost, .*The server has fallen silent/).waitFor({ timeout: 60_000 });
  say(KILL);
  await page.locator("#link").getByText(/^Connection lost, last news at \d\d:\d\d:\d\d/).waitFor();
  await page.waitForFunction(() => document.getElementById("said").textContent.startsWith("Connection lost"));
  await shoot(page, "lost-light-1280");
  await hear(BACK);
  await page.getByText("Live", { exact: true }).waitFor({ timeout: 60_000 });
  await page.getByText("1 run").first().waitFor();
});

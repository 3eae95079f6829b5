// Names, subtitles, answers and reasons that would rather be something else than text.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fits, HOME, isAccessible, isQuiet, launch, open, shoot } from "./browser.js";

const RUNS = JSON.parse(process.env.RUNS);
const NASTY = JSON.parse(process.env.NASTY);

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

// As it is written, but for control characters and for what closes what it opened.
const shown = (nasty) => nasty.replace(/\r\n/g, "\n").replace(/[^\P{Cc}\n\t]/gu, "\u{fffd}").replaceAll("\u2069", "");

/// Holds that nothing on the page came from the text but text.
async function isText(page) {
  const found = await page.evaluate(() => ({
    scripts: [...document.scripts].map((script) => new URL(script.src).pathname).sort(),
    strange: [...document.querySelectorAll("img, iframe, object, embed, svg, form[action], style, base, meta[http-equiv], b, i")].map((element) => element.outerHTML),
    handlers: [...document.querySelectorAll("*")].flatMap((element) => [...element.attributes].filter(({ name }) => name.startsWith("on")).map(({ name }) => name)),
    links: [...document.querySelectorAll("a[href]")].map((link) => link.protocol).filter((protocol) => !["http:"].includes(protocol)),
    broken: typeof window.broken,
  }));
  assert.deepEqual(found, { scripts: ["/app.js", "/stream.js"], strange: [], handlers: [], links: [], broken: "undefined" });
}

test("whatever a manifest says is shown as it is written", async () => {
  const page = await open(browser);
  for (const [at, run] of RUNS.entries()) {
    await page.goto("about:blank");
    await page.goto(`${HOME}#/run/${run}`);
    await page.getByRole("article").first().waitFor();
    const said = await page.evaluate(() => document.getElementById("main").textContent.replaceAll("\u2069", ""));
    assert.ok(said.split(shown(NASTY[at])).length > 8, `${JSON.stringify(NASTY[at])} is not in ${JSON.stringify(said.slice(0, 2000))}`);
    // What stands behind the name runs as it did: its first letter is the leftmost.
    const [first, last] = await page.evaluate(() => {
      const [node] = document.querySelector("h1 .code").childNodes;
      return [0, node.length - 1].map((at) => {
        const range = new Range();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        return range.getBoundingClientRect().left;
      });
    });
    assert.ok(first < last, `${JSON.stringify(NASTY[at])} turns what stands behind it`);
    assert.ok(!/[\u202a-\u202e\u2066-\u2069]/.test(await page.title()));
    await isText(page);
    if (at === 1) await isAccessible(page);
    isQuiet(page);
  }
});

test("a list shows a show's name as it is written", async () => {
  const page = await open(browser);
  await page.goto(HOME);
  await page.getByRole("row").nth(NASTY.length).waitFor({ state: "attached" });
  const names = await page.evaluate(() => [...document.querySelectorAll("h2 bdi")].map((name) => name.textContent));
  assert.deepEqual(names, [shown(NASTY[0])]);
  await isText(page);
  isQuiet(page);
});

test("a telephone shows all of it without scrolling sideways", async () => {
  const page = await open(browser, { width: 360, height: 780 });
  for (const [at, run] of RUNS.entries()) {
    await page.goto("about:blank");
    await page.goto(`${HOME}#/run/${run}`);
    await page.getByRole("article").first().waitFor();
    await fits(page);
    await shoot(page, `hostile-${at}-360`);
  }
  await page.goto(`${HOME}#/set-aside`);
  await page.getByRole("row").nth(NASTY.length).waitFor({ state: "attached" });
  await fits(page);
  await shoot(page, "hostile-set-aside-360");
  isQuiet(page);
});

test("reasons and filters are text, too", async () => {
  const page = await open(browser);
  await page.goto(`${HOME}#/set-aside`);
  await page.getByRole("row").nth(NASTY.length).waitFor();
  const said = await page.evaluate(() => document.getElementById("main").textContent.replaceAll("\u2069", ""));
  // A broker's header holds no more than the beginning of a long reason.
  for (const nasty of NASTY) assert.ok(said.includes(shown(nasty.slice(0, 60))), nasty.slice(0, 60));
  await isText(page);
  await page.getByRole("button", { name: /^Drop:/ }).first().click();
  await page.getByRole("dialog").waitFor();
  await isText(page);
  for (const nasty of NASTY.slice(0, 3)) {
    await page.goto("about:blank");
    const sought = `nowhere ${nasty}`;
    await page.goto(`${HOME}#/?${new URLSearchParams({ q: sought, status: nasty })}`);
    await page.getByText("No run matches.").waitFor();
    assert.equal(await page.getByRole("searchbox").inputValue(), sought.replace(/[\r\n]/g, ""));
    await isText(page);
    await page.goto("about:blank");
    await page.goto(`${HOME}#/run/${encodeURIComponent(nasty)}`);
    await page.getByText(/no such run|not the name of a run/i).waitFor();
    await isText(page);
  }
  assert.ok(page.complaints.every((complaint) => /status of 40[04]/.test(complaint)), String(page.complaints));
});

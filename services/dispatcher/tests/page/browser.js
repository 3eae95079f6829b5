// The installed browser, and what every test holds of a page.

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const { URL: HOME, SHOTS = "." } = process.env;

export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"] });

/// A page in a window of its own, with what it complained of and asked for.
export async function open(browser, { scheme = "light", width = 1280, height = 900 } = {}) {
  const telephone = width < 600;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, isMobile: telephone, hasTouch: telephone });
  const page = await context.newPage();
  page.setDefaultTimeout(45_000);
  page.complaints = [];
  page.requests = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error.stack ?? error)));
  page.on("request", (request) => page.requests.push(request.url()));
  return page;
}

/// Holds that nothing was refused or thrown, and that nothing was asked of anybody else.
export function isQuiet(page, home = HOME) {
  assert.deepEqual(page.complaints, []);
  assert.ok(page.requests.length > 0);
  assert.deepEqual(page.requests.filter((url) => !url.startsWith(home)), []);
}

/// Holds that nothing reaches out of the window sideways.
export async function fits(page) {
  const wide = await page.evaluate(() => {
    const out = (element) => { const box = element.getBoundingClientRect(); return box.width > 1 && (box.right > innerWidth + 0.5 || box.left < -0.5); };
    return [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility() && !element.matches(".skip, .unseen, .unseen *, thead *") && out(element))
      .map((element) => `${element.tagName} ${element.className} ${element.textContent.slice(0, 40)}`).slice(0, 10);
  });
  assert.deepEqual(wide, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
}

/// Holds that a screen reader finds names and roles, and that every text can be read.
export async function isAccessible(page) {
  await page.evaluate(AXE);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = found.violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`).slice(0, 3) }));
  assert.deepEqual(told, []);
}

export const shoot = (page, name) => page.screenshot({ path: join(SHOTS, `${name}.png`) });

/// Tells the test that started this that it has got so far.
export const say = (path) => writeFileSync(path, "");

/// Waits until it says so.
export async function hear(path) {
  while (!existsSync(path)) await sleep(50);
}

/// Goes to a view by its address, as a link would.
export const go = (page, hash) => page.evaluate((to) => { location.hash = to; }, hash);

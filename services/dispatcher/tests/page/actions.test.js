// What changes something: only for whoever has the token, and only after it was asked for once more.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fits, go, HOME, isAccessible, isQuiet, launch, open, shoot } from "./browser.js";

const { TOKEN, ONLOOKER, PARKED, OPEN } = process.env;

let browser;
let page;
before(async () => {
  browser = await launch();
  page = await open(browser);
});
after(() => browser.close());

const dialog = () => page.getByRole("dialog");
const notice = (words) => page.getByRole("status").getByText(words);

test("where nobody may act there is no button to", async () => {
  const shown = await open(browser);
  await shown.goto(`${ONLOOKER}#/set-aside`);
  await shown.getByText("the key is refused").waitFor();
  assert.equal(await shown.getByRole("button", { name: /Retry|Drop/ }).count(), 0);
  const refused = await shown.evaluate(async () => {
    const answer = await fetch("/api/v1/dead/drop", { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    return [answer.status, answer.headers.get("Content-Type")];
  });
  assert.deepEqual(refused, [403, "application/problem+json"]);
  await shown.context().close();
});

test("what is not to be had now is asked for again", async () => {
  const shown = await open(browser);
  await shown.route("**/api/v1/dead", (route) => route.fulfill({ status: 503, json: { title: "Not to be had now", detail: "RabbitMQ is away." } }));
  await shown.goto(`${ONLOOKER}#/set-aside`);
  await shown.getByText("What was set aside is not known: RabbitMQ is away.").waitFor();
  await shown.unroute("**/api/v1/dead");
  await shown.getByText("the key is refused").waitFor();
  await shown.context().close();
});

test("a wrong token is refused, and nothing is done", async () => {
  await page.goto(`${HOME}#/set-aside`);
  const row = page.getByRole("row").filter({ hasText: "the key is refused" });
  await row.getByRole("button", { name: /^Retry/ }).click();
  await dialog().getByRole("heading", { name: "Retry 1 message?" }).waitFor();
  await shoot(page, "ask-light-1280");
  await isAccessible(page);
  await page.keyboard.type("not the token at all");
  await page.keyboard.press("Enter");
  await dialog().getByRole("alert").getByText(/./).waitFor();
  assert.ok(await dialog().getByLabel("Action token").isVisible());
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  await page.keyboard.press("Escape");
  assert.equal(await dialog().count(), 0);
  assert.match(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), /^Retry/);
  // The browser tells of the refusal by itself.
  assert.ok(page.complaints.every((complaint) => complaint.includes("401")), String(page.complaints));
  page.complaints.length = 0;
});

test("all that was set aside is dealt with only where that is said", async () => {
  await page.getByRole("button", { name: /^Drop all shown/ }).click();
  await dialog().getByLabel("Action token").fill("not the token at all");
  const [asked] = await Promise.all([page.waitForRequest(/dead.drop/), page.keyboard.press("Enter")]);
  assert.deepEqual(asked.postDataJSON(), { all: true });
  await dialog().getByRole("alert").getByText(/./).waitFor();
  await page.keyboard.press("Escape");
  page.complaints.length = 0;
});

test("what was set aside is retried with the token", async () => {
  await page.getByRole("row").filter({ hasText: "the key is refused" }).getByRole("button", { name: /^Retry/ }).click();
  await dialog().getByLabel("Action token").fill(TOKEN);
  await dialog().getByRole("button", { name: "Retry" }).click();
  await notice("1 run planned anew for 1 failed task, 0 messages back in the work queues.").waitFor();
  await page.getByText("the key is refused").waitFor({ state: "detached" });
});

test("what is dropped is gone, and the token is not asked for again", async () => {
  const row = page.getByRole("row").filter({ hasText: "the message cannot be read" });
  await row.getByRole("button", { name: /^Drop/ }).click();
  await dialog().getByRole("heading", { name: "Drop 1 message?" }).waitFor();
  assert.ok(!(await dialog().getByLabel("Action token").isVisible()));
  await dialog().getByRole("button", { name: "Leave it" }).click();
  assert.ok(await row.isVisible());
  await row.getByRole("button", { name: /^Drop/ }).click();
  await dialog().getByRole("button", { name: "Drop" }).click();
  await notice("1 message dropped.").waitFor();
  await row.waitFor({ state: "detached" });
  await fits(page);
  await shoot(page, "dropped-light-1280");
});

test("a run is cancelled from its own view", async () => {
  await go(page, `#/run/${OPEN}`);
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await dialog().getByRole("heading", { name: /^Cancel The Show S01E02\?/ }).waitFor();
  await dialog().getByRole("button", { name: "Cancel the run" }).click();
  await notice("The Show S01E02 is being cancelled.").waitFor();
  await page.getByText("Failed, cancelled").waitFor();
  assert.notEqual(PARKED, OPEN);
  isQuiet(page);
});

test("a run that failed is taken up again from its own view", async () => {
  await page.getByRole("button", { name: "Retry what failed in The Show S01E02" }).click();
  await dialog().getByRole("heading", { name: "Retry what failed in The Show S01E02?" }).waitFor();
  await dialog().getByText(/^[1-9]\d* failed tasks? is forgotten and done again; what is done stays\./).waitFor();
  await dialog().getByRole("button", { name: "Leave it" }).click();
  await page.getByText("Failed, cancelled").waitFor();
  await page.getByRole("button", { name: "Retry what failed in The Show S01E02" }).click();
  await dialog().getByRole("button", { name: "Retry", exact: true }).click();
  await notice(/^The Show S01E02: [1-9]\d* failed tasks? again\.$/).waitFor();
  // It is under way, and may be cancelled once more.
  await page.getByText("Failed, cancelled").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Cancel the run of The Show S01E02" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.tagName), "H1");
  assert.equal(await page.getByRole("button", { name: /^Retry/ }).count(), 0);
  await fits(page);
  await isAccessible(page);
  isQuiet(page);
});

// What the scripts of this folder share: a browser that asks nobody else, a login, and what every page must be.
"use strict";

const { chromium } = require("playwright-core");
const axe = require("axe-core");
const path = require("node:path");

const task = JSON.parse(process.argv[2]);

// Nothing that Chromium does on its own account: it would ask outside hosts.
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const DESKTOP = { viewport: { width: 1280, height: 900 }, colorScheme: "light" };
const PHONE = { viewport: { width: 390, height: 844 }, colorScheme: "dark", hasTouch: true, isMobile: true };
const WITHOUT_SCRIPT = { ...DESKTOP, javaScriptEnabled: false };

// A page that has logged in; `troubles` gets what it complains of, and what it asks of other hosts.
async function logIn(browser, options, troubles) {
  const context = await browser.newContext({ ...options, baseURL: task.address, timezoneId: "UTC", locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") troubles.push(`${page.url()}: ${message.text()}`);
  });
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol !== "data:" && asked.origin !== task.address) troubles.push(`asked for ${asked.href}`);
  });
  await page.goto("/login");
  await page.getByLabel("Name").fill(task.name);
  await page.getByLabel("Password").fill(task.password);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
}

// What axe finds against WCAG 2.2 A and AA on the page as it is, and whether it is wider than its screen.
async function judge(page, troubles) {
  if ((await page.evaluate("typeof axe")) !== "object") await page.evaluate(`${axe.source}; undefined`);
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), tags);
  for (const { id, help, nodes } of violations) {
    troubles.push(`${page.url()}: ${id}: ${help}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(" | ")}`);
  }
  const [wide, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > screen) troubles.push(`${page.url()}: ${wide} wide on a screen of ${screen}`);
}

async function shoot(page, name) {
  await page.screenshot({ path: path.join(task.screenshots, `${name}.png`), fullPage: true });
}

// Runs `work(browser, troubles, what)` and prints what it returns, with the troubles.
function run(work) {
  const main = async () => {
    const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args });
    const troubles = [];
    const seen = await work(browser, troubles, task.what);
    await browser.close();
    console.log(JSON.stringify({ ...seen, troubles }));
  };
  main().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

module.exports = { DESKTOP, PHONE, WITHOUT_SCRIPT, logIn, judge, shoot, run };

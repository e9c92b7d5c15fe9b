// Opens every page in three ways, judges each, and takes its picture.
"use strict";

const { DESKTOP, PHONE, WITHOUT_SCRIPT, logIn, judge, shoot, run } = require("./browser.cjs");

const WAYS = { desktop: DESKTOP, phone: PHONE, "without-script": WITHOUT_SCRIPT };

const named = (page) => page.replace(/[?=&]/g, "/").split("/").filter(Boolean).join("-") || "overview";

run(async (browser, troubles, what) => {
  let pages = 0;
  for (const [way, options] of Object.entries(WAYS)) {
    const page = await logIn(browser, options, troubles);
    for (const path of what.pages) {
      const reply = await page.goto(path);
      if (reply.status() !== 200) troubles.push(`${path}: ${reply.status()}`);
      pages += 1;
      await shoot(page, `${named(path)}-${way}`);
      if (way === "without-script") {
        const current = await page.locator("nav [aria-current=page]").count();
        if (current !== 1) troubles.push(`${path}: ${current} places in the navigation`);
        continue;
      }
      await judge(page, troubles);
      await page.keyboard.press("Tab");
      const first = await page.evaluate(() => document.activeElement.textContent);
      if (first !== "Skip to the content") troubles.push(`${path}: the keyboard begins at ${first}`);
    }
    await page.context().close();
  }
  return { pages };
});

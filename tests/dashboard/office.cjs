// Adds an account by keyboard, copies its secret, credits it, and finds out what a wrong number is told.
"use strict";

const { DESKTOP, PHONE, logIn, judge, shoot, run } = require("./browser.cjs");

run(async (browser, troubles) => {
  const seen = {};
  for (const [way, options] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
    const page = await logIn(browser, options, troubles);
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto("/accounts");
    await page.getByLabel("Name").focus();
    await page.keyboard.type(`Keyboard ${way}`);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "API key and secret" }).waitFor();
    const secret = await page.locator("#secret").textContent();
    await page.getByRole("button", { name: "Copy the secret" }).click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    if (copied !== secret) troubles.push(`${way}: the copy is not the secret`);
    await page.evaluate(() => { document.getElementById("secret").textContent = "x".repeat(24); });
    await judge(page, troubles);
    await shoot(page, `secret-${way}`);

    await page.getByRole("link", { name: "To the account" }).click();
    await page.getByLabel("Add credits").fill("1205");
    await page.keyboard.press("Enter");
    const notice = page.getByRole("status");
    await notice.waitFor();
    seen[way] = await notice.textContent();
    await judge(page, troubles);
    await page.reload();
    if (await page.getByRole("status").count()) troubles.push(`${way}: a notice is said twice`);

    await page.goto("/protection/blocklist");
    await page.getByLabel("Number, or prefix").fill("0770");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await judge(page, troubles);
    await shoot(page, `blocklist-wrong-${way}`);
    await page.context().close();
  }
  // Chromium complains of every reply with 422, which is what a form with a mistake in it gets.
  const own = troubles.filter((trouble) => !trouble.includes("status of 422"));
  troubles.splice(0, troubles.length, ...own);
  return { seen };
});

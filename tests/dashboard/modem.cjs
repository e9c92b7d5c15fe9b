// Sends a test SMS by keyboard alone, sees its delivery without loading the page again, and finds it on the virtual phone.
"use strict";

const { DESKTOP, logIn, judge, shoot, run } = require("./browser.cjs");

run(async (browser, troubles, what) => {
  const page = await logIn(browser, DESKTOP, troubles);
  const { keyboard } = page;
  await page.goto("/modems/sim1");
  await page.locator("summary", { hasText: "Send a test SMS" }).focus();
  await keyboard.press("Enter");
  await keyboard.press("Tab");
  await keyboard.type(what.number);
  await keyboard.press("Tab");
  await keyboard.press("Control+a");
  await keyboard.type(what.text);
  await keyboard.press("Tab");
  await keyboard.press("Space");
  await judge(page, troubles);
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  await page.locator("#trials").getByText("delivered", { exact: true }).waitFor();
  await judge(page, troubles);
  await shoot(page, "modem-tried");
  await page.goto("/phone");
  await page.locator("#screen").getByText(what.text).waitFor();
  // Written on the phone, it appears there by itself.
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#screen .out").getByText("STOP").waitFor();
  await judge(page, troubles);
  return {};
});

// Finds a verification by its number, looks at it, shows the number, and asks for the next event, which the open page
// shows by itself.
"use strict";

const { PHONE, logIn, judge, shoot, run } = require("./browser.cjs");

run(async (browser, troubles, what) => {
  const page = await logIn(browser, PHONE, troubles);
  await page.getByRole("link", { name: "Verifications", exact: true }).click();
  await page.getByLabel("Number, or request id").fill(what.number);
  await page.keyboard.press("Enter");
  await page.getByText("Of the number +44…23").waitFor();
  if (page.url().includes("900123") || (await page.content()).includes(what.digits)) troubles.push("the number is shown unasked");
  await page.getByRole("link", { name: what.request }).click();
  await page.getByRole("heading", { name: "Did it arrive?" }).waitFor();
  await page.getByRole("button", { name: "Show the number" }).click();
  await page.getByText(what.digits).waitFor();
  await judge(page, troubles);
  await shoot(page, "verification-revealed-phone");
  await page.getByRole("link", { name: "Hide the number" }).click();
  await page.getByRole("button", { name: "Next event now" }).click();
  await page.getByText("The next event begins.").waitFor();
  // The second SMS is on the way now: the page says so without being loaded again.
  await page.evaluate(() => (document.body.dataset.same = "page"));
  await page.getByText("SMS accepted by the network").nth(1).waitFor();
  return {};
});

// Does in a browser what a reader of /docs/ does: authorizes, fills in a form, executes, reads the reply.
//
// Usage: node try_it_out.cjs ADDRESS SCREENSHOT, with API_KEY and API_SECRET in the environment. Prints one JSON object.
const { chromium } = require("playwright-core");

const [address, screenshot] = process.argv.slice(2);
const { API_KEY, API_SECRET, CHROMIUM } = process.env;

// For each step, in milliseconds, on a busy machine.
const PATIENCE = 120_000;

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

async function execute(page, id, fields) {
  const block = page.locator(`#operations-Verify-${id}`);
  await block.locator(".opblock-summary-control").click();
  await block.getByRole("button", { name: "Try it out" }).click();
  for (const [name, value] of Object.entries(fields)) {
    const row = block.locator(`tr[data-property-name="${name}"]`);
    const select = row.locator("select");
    await ((await select.count()) ? select.selectOption(value) : row.locator("input[type=text]").fill(value));
  }
  await block.getByRole("button", { name: "Execute" }).click();
  const reply = block.locator(".live-responses-table tbody tr").first();
  const http = await reply.locator(".response-col_status").innerText();
  const body = await reply.locator(".response-col_description .highlight-code code").first().innerText();
  const curl = await block.locator(".curl").innerText();
  return { http, body: JSON.parse(body), sent: curl.match(/-d '(.*)'/)?.[1] };
}

async function main() {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args, timeout: PATIENCE });
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
  page.setDefaultTimeout(PATIENCE);
  const complaints = [];
  const hosts = new Set();
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("request", (request) => hosts.add(new URL(request.url()).host));

  await page.goto(`${address}/docs`);
  await page.locator("button.authorize").first().click();
  const basic = page.locator(".auth-container", { hasText: "basic" }).first();
  await basic.locator("input[type=text]").fill(API_KEY);
  await basic.locator("input[type=password]").fill(API_SECRET);
  await basic.getByRole("button", { name: "Apply credentials" }).click();
  await basic.getByRole("button", { name: "Close" }).click();

  const request = await execute(page, "verifyRequest", { number: "447700900123", brand: "Acme", pin_code: "7391" });
  const request_id = request.body.request_id;
  const search = await execute(page, "verifySearch", { request_id });
  const control = await execute(page, "verifyControl", { request_id, cmd: "trigger_next_event" });
  const check = await execute(page, "verifyCheck", { request_id, code: "7391" });
  await page.locator("#operations-Verify-verifyCheck").scrollIntoViewIfNeeded();
  await page.screenshot({ path: screenshot });
  await browser.close();
  console.log(JSON.stringify({ request, search, control, check, complaints, hosts: [...hosts] }));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Calls the official client as an application does: a call a line in, what it returned or threw a line out, in JSON.

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

// The packages lie elsewhere than this file.
const require = createRequire(`${process.env.PACKAGES}/`);
const { Vonage } = require("@vonage/server-sdk");

const vonage = new Vonage(
  { apiKey: process.env.API_KEY, apiSecret: process.env.API_SECRET },
  { apiHost: process.env.URL },
);

const calls = {
  start: (request) => vonage.verify.start(request),
  check: ({ requestId, code }) => vonage.verify.check(requestId, code),
  search: ({ requestId }) => vonage.verify.search(requestId),
  cancel: ({ requestId }) => vonage.verify.cancel(requestId),
  trigger: ({ requestId }) => vonage.verify.trigger(requestId),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, arguments: given } = JSON.parse(line);
  let outcome;
  try {
    outcome = { returned: await calls[call](given) };
  } catch (error) {
    outcome = { raised: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(outcome));
}

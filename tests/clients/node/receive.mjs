// Takes webhooks as an application does; says of each what the library says.

import { createServer } from "node:http";
import { createRequire } from "node:module";

// The packages lie elsewhere than this file.
const require = createRequire(`${process.env.PACKAGES}/`);
const { Webhook } = require("standardwebhooks");

const webhook = new Webhook(process.env.SECRET);
const say = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  let told;
  try {
    told = { verified: webhook.verify(body, request.headers).type };
  } catch (error) {
    told = { raised: error.constructor.name };
  }
  response.writeHead(204).end();
  say(told);
});

server.listen(0, "127.0.0.1", () => say({ port: server.address().port }));

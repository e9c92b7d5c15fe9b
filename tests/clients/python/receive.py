"""Takes webhooks as an application does; says of each what the library says."""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook

webhook = Webhook(os.environ["SECRET"])


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            told = {"verified": webhook.verify(body, dict(self.headers))["type"]}
        except Exception as error:
            told = {"raised": type(error).__name__}
        self.send_response(204)
        self.end_headers()
        print(json.dumps(told), flush=True)

    def log_message(self, *arguments):
        pass


server = HTTPServer(("127.0.0.1", 0), Receiver)
print(json.dumps({"port": server.server_port}), flush=True)
server.serve_forever()

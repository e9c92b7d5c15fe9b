#!/usr/bin/env python3
"""A web form that verifies a phone number: one field for the number, one for the code.

    export URL=http://127.0.0.1:8080 API_KEY=demo API_SECRET=…    (simverify demo prints them)
    python3 form.py                                               (then open http://127.0.0.1:8000/)

Nothing but Python itself. The secret and the request id never leave this server; the browser holds a session's name.
"""

import html
import json
import os
import secrets
import time
import urllib.parse
import urllib.request
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COOLDOWN = 30  # seconds until another message may be asked for
SESSION_MAX = 10_000  # the oldest goes

sessions = {}  # of a real site: in its database, with its other sessions

NUMBER_PAGE = """
<h1>Your phone number</h1>
<form method="post" action="/number">
  <label>Number, with its country code
    <input name="number" type="tel" autocomplete="tel" placeholder="+44 7700 900123" required autofocus></label>
  <button>Send me a code</button>
</form>"""

# One field: phones fill it in by themselves, and a pasted code fits, blanks and all.
CODE_PAGE = """
<h1>Your code</h1>
<p>We have sent a code to {number}. If it does not come, we call you.</p>
<form method="post" action="/code">
  <label>Code
    <input name="code" autocomplete="one-time-code" inputmode="numeric" maxlength="16" required autofocus></label>
  <button>Verify</button>
</form>
<form method="post" action="/again"><button id="again" data-wait="{wait}">Send it again</button></form>
<p><a href="/">Another number</a></p>
<script>
  // Without a script the server says how long to wait.
  const again = document.getElementById("again"), label = again.textContent;
  let wait = Number(again.dataset.wait);
  (function tick() {{
    again.disabled = wait > 0;
    again.textContent = wait > 0 ? `${{label}} (${{wait}} s)` : label;
    if (wait-- > 0) setTimeout(tick, 1000);
  }})();
  // Where the browser can read the code out of the SMS: simverify account set KEY --origin-domain …
  if ("OTPCredential" in window) {{
    navigator.credentials.get({{ otp: {{ transport: ["sms"] }} }}).then((otp) => {{
      const field = document.querySelector("[name=code]");
      field.value = otp.code;
      field.form.requestSubmit();
    }}).catch(() => {{}});
  }}
</script>"""

# What the person is told, by status; of any other: that it is our fault.
TOLD = {
    "3": "That is no phone number we know. Does it begin with its country code?",
    "6": "That code has run out. Please begin again.",
    "7": "We cannot send a code to this number. Please take another one.",
    "15": "We cannot send a code to this number. Please take another one.",
    "16": "That is not the code. Please look again.",
    "17": "That was not the code, for the last time. Please begin again.",
    "19": "No further message will come. Please wait for the last one, or begin again.",
}


def call(path, **parameters):
    """One operation of the API. Every value of its reply is a string."""
    parameters |= {"api_key": os.environ["API_KEY"], "api_secret": os.environ["API_SECRET"]}
    form = urllib.parse.urlencode(parameters).encode()
    try:
        with urllib.request.urlopen(os.environ["URL"] + path, form, timeout=10) as reply:
            return json.load(reply)
    except (OSError, ValueError) as error:
        return {"status": "5", "error_text": str(error)}


def told(reply):
    if reply["status"] not in TOLD:
        print("not verified:", reply)  # for us, not for the person
    return TOLD.get(reply["status"], "That did not work, by a fault of ours. Please try again in a minute.")


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/code" and "request_id" in self.session():
            self.code_page()
        else:
            self.page(NUMBER_PAGE)

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length") or 0), 4096)
        fields = urllib.parse.parse_qs(self.rfile.read(length).decode(errors="replace"))
        form = {name: values[0].strip() for name, values in fields.items()}
        session = self.session()
        if self.path == "/number":
            self.start(session, form.get("number", ""))
        elif "request_id" not in session:
            self.page(NUMBER_PAGE, "Please begin again.")
        elif self.path == "/code":
            self.check(session, form.get("code", ""))
        else:
            self.send_again(session)

    def start(self, session, number):
        # Behind a proxy of your own: the address that it passes on.
        reply = call("/verify/json", number=number, brand="Acme", ip_address=self.client_address[0])
        # 10: this number is being verified already; the code that was sent is still the right one.
        if reply["status"] not in ("0", "10"):
            return self.page(NUMBER_PAGE, told(reply))
        session |= {"request_id": reply["request_id"], "number": number, "sent": time.monotonic()}
        self.redirect("/code")

    def check(self, session, code):
        code = "".join(filter(str.isalnum, code))  # as it was typed: "12 34", "12-34"
        reply = call("/verify/check/json", request_id=session["request_id"], code=code)
        if reply["status"] == "0":
            number = session["number"]
            session.clear()
            # Store the number with the account, and when it was verified. A fresh session id belongs here too.
            return self.page(f"<h1>Verified</h1><p>{html.escape(number)} is yours.</p>")
        if reply["status"] in ("6", "17"):
            session.clear()
            return self.page(NUMBER_PAGE, told(reply))
        # 3: what cannot be a code is a wrong one.
        self.code_page(TOLD["16"] if reply["status"] in ("2", "3") else told(reply))

    def send_again(self, session):
        if time.monotonic() < session["sent"] + COOLDOWN:
            return self.code_page("The first message may still be on its way. Please wait a moment.")
        session["sent"] = time.monotonic()
        reply = call("/verify/control/json", request_id=session["request_id"], cmd="trigger_next_event")
        self.code_page("Another message is on its way." if reply["status"] == "0" else told(reply))

    def code_page(self, notice=""):
        session = self.session()
        wait = max(0, round(session["sent"] + COOLDOWN - time.monotonic()))
        self.page(CODE_PAGE.format(number=html.escape(session["number"]), wait=wait), notice)

    def session(self):
        """The browser's own, made with its first page."""
        if not hasattr(self, "key"):
            cookie = SimpleCookie(self.headers.get("Cookie", "")).get("session")
            self.key = cookie.value if cookie and cookie.value in sessions else secrets.token_urlsafe()
        while len(sessions) > SESSION_MAX:
            sessions.pop(next(iter(sessions)))
        return sessions.setdefault(self.key, {})

    def page(self, body, notice=""):
        self.session()
        notice = f'<p role="alert">{html.escape(notice)}</p>' if notice else ""
        head = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Acme</title>'
        self.answer(200, (head + notice + body).encode())

    def redirect(self, path):
        self.answer(303, b"", Location=path)

    def answer(self, status, body, **headers):
        self.send_response(status)
        # Lax: another site's page cannot post with this session. Add Secure where you speak HTTPS.
        self.send_header("Set-Cookie", f"session={self.key}; HttpOnly; SameSite=Lax; Path=/")
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Site) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}/", flush=True)
        server.serve_forever()

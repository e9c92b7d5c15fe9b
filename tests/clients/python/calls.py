"""Calls the official client as an application does: a call a line in, what it returned or raised a line out, in JSON."""

import json
import os
import sys

from vonage import Auth, HttpClientOptions, Vonage
from vonage_verify_legacy import Psd2Request, VerifyRequest

client = Vonage(
    Auth(api_key=os.environ["API_KEY"], api_secret=os.environ["API_SECRET"]),
    HttpClientOptions(api_host=os.environ["HOST"]),
)
verify = client.verify_legacy

CALLS = {
    "start": lambda arguments: verify.start_verification(VerifyRequest(**arguments)),
    "start_psd2": lambda arguments: verify.start_psd2_verification(Psd2Request(**arguments)),
    "check": lambda arguments: verify.check_code(**arguments),
    "search": lambda arguments: verify.search(**arguments),
    "cancel": lambda arguments: verify.cancel_verification(**arguments),
    "trigger": lambda arguments: verify.trigger_next_event(**arguments),
}


def plain(result):
    return [plain(one) for one in result] if isinstance(result, list) else result.model_dump()


for line in sys.stdin:
    call = json.loads(line)
    try:
        outcome = {"returned": plain(CALLS[call["call"]](call["arguments"]))}
    except Exception as error:
        outcome = {"raised": f"{type(error).__name__}: {error}"}
    print(json.dumps(outcome), flush=True)

"""Takes notifications on this machine, sees that each is genuine, and prints a line for it.

`HOOK_SECRET=whsec_… python -m examples.receiver 8098` listens at that port. It refuses with 401 whatever is not signed
with the secret, or was signed more than five minutes ago.
"""

import base64
import hmac
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from horolog.adapters.system import SystemClock

SECRET = os.environ.get("HOOK_SECRET", "")
AGE_S_MAX = 300
BODY_BYTES_MAX = 1024 * 1024


class Receiver(BaseHTTPRequestHandler):
    """Answers one notification after the other."""

    timeout = 10

    def do_POST(self) -> None:
        """Judge it, answer, and tell."""
        body = self.rfile.read(min(int(self.headers.get("content-length", "0")), BODY_BYTES_MAX))
        genuine = self._is_genuine(body)
        self.send_response(204 if genuine else 401)
        self.end_headers()
        if genuine:
            message = json.loads(body)
            print(message["type"], (message["data"]["job"] or {}).get("name", "-"), flush=True)

    def _is_genuine(self, body: bytes) -> bool:
        id_, sent_at = (self.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp"))
        if not sent_at.isdecimal() or abs(SystemClock().now().timestamp() - int(sent_at)) > AGE_S_MAX:
            return False
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        expected = b"v1," + base64.b64encode(hmac.digest(key, f"{id_}.{sent_at}.".encode() + body, "sha256"))
        told = self.headers.get("webhook-signature", "").encode()
        return any(hmac.compare_digest(expected, one) for one in told.split())


if __name__ == "__main__":
    if not SECRET:
        sys.exit("HOOK_SECRET is not set: it is the secret of the rule's channel.")
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()

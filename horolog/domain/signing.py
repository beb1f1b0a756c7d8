"""Signatures on requests, by which a target knows who sent them and that nothing was changed.

Guarantee: every attempt of an execution has the same `webhook-id`, so that a target can refuse a second one, and a
time of its own, so that an old request cannot be sent again later. A request may carry several signatures, while a
target's secret is being replaced.
Source: Standard Webhooks 1.0, "Webhook headers" and "Signature scheme" (symmetric, `v1`).
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"


def signed(secrets: str, message_id: str, at: datetime, body: bytes) -> Mapping[str, str]:
    """The headers for a body that is sent at an instant; `secrets` are one or several, with spaces between them."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = (base64.b64encode(hmac.digest(_key(one), content, "sha256")).decode() for one in secrets.split())
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _key(secret: str) -> bytes:
    """What is after `whsec_` is Base64; another text is taken as it is."""
    if not secret.startswith(PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        return secret.encode()

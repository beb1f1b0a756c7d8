"""The requests that carry a message, in the shape that each kind of receiver documents.

- `webhook`   Standard Webhooks 1.0: the document as it is, signed (`horolog.domain.signing`); any 2xx is an arrival.
- `service`   the same document to the operator's own service, with its bearer token.
- `slack`     an incoming webhook: `{"text": …}`, with `&`, `<` and `>` escaped.
- `dingtalk`  a custom robot: `{"msgtype": "text", …}`; with a secret the address is signed: `timestamp` in
              milliseconds, and `sign`, the Base64 of HMAC-SHA256 over "timestamp\\nsecret" under the secret.
              `errcode` 0 is an arrival.
- `wecom`     a group robot: `{"msgtype": "text", …}`, at most 2048 bytes of text; `errcode` 0 is an arrival.

Guarantee: a request is a function of the message, the target and the instant.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote_plus

from horolog.domain.notifications.attempts import Attempted
from horolog.domain.notifications.messages import text_of
from horolog.domain.notifications.rules import ChannelType, Target
from horolog.domain.signing import signed

WECOM_BYTES_MAX = 2048
TEXT_LENGTH_MAX = 4000
ANSWER_BYTES_MAX = 16 * 1024
_JSON = MappingProxyType({"content-type": "application/json", "user-agent": "horolog"})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message on its way: the same id and the same document however often it is sent.

    `http_allowed` are the networks of the tenant that it may go to besides public addresses.
    """

    id: str
    channel: ChannelType
    document: str
    target: Target = field(repr=False)
    http_allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A POST. `reads_answer`: whether the answer's body says if it has arrived."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes
    reads_answer: bool = False


def webhook(letter: Letter, at: datetime) -> Request:
    """As Standard Webhooks has it."""
    body = letter.document.encode()
    headers = signed(letter.target.secrets, letter.id, at, body)
    return Request(letter.target.url, {**_JSON, **headers}, body)


def service(letter: Letter, at: datetime) -> Request:
    """To the operator's service, which `target` names; its secret is the token."""
    token = {"authorization": f"Bearer {letter.target.secrets}"} if letter.target.secrets else {}
    told = {"webhook-id": letter.id, "webhook-timestamp": str(int(at.timestamp()))}
    return Request(letter.target.url, {**_JSON, **token, **told}, letter.document.encode())


def slack(letter: Letter, at: datetime) -> Request:
    """As an incoming webhook of Slack takes it."""
    text = _text(letter).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Request(letter.target.url, _JSON, _json({"text": text}))


def dingtalk(letter: Letter, at: datetime) -> Request:
    """As a custom robot of DingTalk takes it."""
    url, secret = letter.target.url, letter.target.secrets
    if secret:
        timestamp = str(int(at.timestamp() * 1000))
        digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")
        joint = "&" if "?" in url else "?"
        url = f"{url}{joint}timestamp={timestamp}&sign={quote_plus(base64.b64encode(digest))}"
    return Request(url, _JSON, _json({"msgtype": "text", "text": {"content": _text(letter)}}), reads_answer=True)


def wecom(letter: Letter, at: datetime) -> Request:
    """As a group robot of WeCom takes it."""
    text = _text(letter).encode()[:WECOM_BYTES_MAX].decode(errors="ignore")
    body = _json({"msgtype": "text", "text": {"content": text}})
    return Request(letter.target.url, _JSON, body, reads_answer=True)


Render = Callable[[Letter, datetime], Request]
RENDERERS: Mapping[ChannelType, Render] = MappingProxyType(
    {
        ChannelType.WEBHOOK: webhook,
        ChannelType.SLACK: slack,
        ChannelType.DINGTALK: dingtalk,
        ChannelType.WECOM: wecom,
        ChannelType.SERVICE: service,
    }
)


def judged(status: int, retry_after: str | None, answer: bytes | None) -> Attempted:
    """What an answer says; `answer` is its body, where that matters."""
    if not 200 <= status < 300:
        return Attempted(f"HTTP_{status}", status, retry_after_s=_seconds(retry_after))
    if answer is None:
        return Attempted(status_code=status)
    try:
        code = json.loads(answer)["errcode"]
    except (ValueError, KeyError, TypeError):
        return Attempted("ANSWER_UNREADABLE", status)
    if code == 0:
        return Attempted(status_code=status)
    return Attempted(f"ERRCODE_{code}" if isinstance(code, int) else "ANSWER_UNREADABLE", status)


def _seconds(text: str | None) -> float | None:
    # A date is allowed there, too (RFC 9110, section 10.2.3); then our own wait is as good.
    digits = (text or "").strip()
    return float(digits[:9]) if digits.isascii() and digits.isdigit() else None


def _text(letter: Letter) -> str:
    document: Mapping[str, Any] = json.loads(letter.document)
    return text_of(document)[:TEXT_LENGTH_MAX]


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()

"""What a call consists of, without saying how it is made: requests, what came of them, and the steps of a call.

A call is a generator that yields steps and is sent what came of each; it returns the answer. It does no I/O and reads
no clock, so one description serves a client that blocks and one that awaits (`clients`).
"""

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")
BASE = "/api/v1/scheduler"
ROOTS = ("/api/", "/internal/", "/health")
"""Paths that begin so are taken as they are; all others are below `BASE`."""
KEY_HEADER = "Idempotency-Key"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `is_repeatable` says that sending it twice does no more than sending it once."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came back. `was_sent` is false where the request has certainly not reached anybody."""

    was_sent: bool
    why: str


Outcome = Reply | Lost


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request; what came of it is sent back."""

    request: Request


@dataclass(frozen=True, slots=True)
class Pause:
    """Let so many seconds go by."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Alone:
    """Go through these steps while no other call of the client is at such steps."""

    steps: "Flow[None]"


Step = Send | Pause | Alone
Flow = Generator[Step, Outcome | None, T]


def reading(path: str, query: Mapping[str, object] | None = None) -> Request:
    """A request that changes nothing; parameters without a value are left out."""
    given = {name: _text(value) for name, value in (query or {}).items() if value is not None}
    return Request("GET", _place(path), given, is_repeatable=True)


def changing(method: str, path: str, body: Any, key: str, version: int | str | None = None) -> Request:
    """A request for a change under an idempotency key; with a version (or an entity tag), only of that one.

    Raises:
        ValueError: the body holds a number that JSON does not know.
    """
    headers = {KEY_HEADER: key}
    if version is not None:
        headers["If-Match"] = f'"{version}"' if isinstance(version, int) else version
    return Request(method, _place(path), {}, *_content(body, headers), is_repeatable=True)


def posting(path: str, body: Any, *, is_repeatable: bool) -> Request:
    """A request with a body that is no command: it is judged or proves something."""
    return Request("POST", _place(path), {}, *_content(body, {}), is_repeatable=is_repeatable)


def _content(body: Any, headers: dict[str, str]) -> tuple[bytes | None, dict[str, str]]:
    if body is None:
        return None, headers
    return json.dumps(body, allow_nan=False).encode(), {**headers, "Content-Type": "application/json"}


def _place(path: str) -> str:
    return path if path.startswith(ROOTS) else BASE + path


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

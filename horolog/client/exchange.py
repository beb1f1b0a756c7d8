"""One request and its answer: with the caller's authority, repeated where that is safe, read or raised.

Guarantee: only what may be repeated is sent again: reads, and changes under an idempotency key, whose key stays the
same. There are at most `try_count_max` tries with a bounded pause in between. An answer that is not Horolog's is never
taken for one.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from horolog.client.errors import HorologError, NoAnswer, NotTheApi, Unreachable, refusal
from horolog.client.tokens import Authority
from horolog.client.wire import Flow, Lost, Outcome, Pause, Reply, Request, Send

_PASSING = frozenset({502, 503, 504})
_TOO_MANY = 429
_POINTLESS = frozenset({"QUOTA_EXCEEDED", "TOO_MANY_ATTEMPTS"})
"""The first is an outcome, which the same key gets again; of the other each repeat makes the wait longer."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is made, and how long a client waits in between, in seconds.

    The pause before a repeat is anywhere between half of `pause_s` (doubled each time) and all of it, or what
    the API's Retry-After says; where that is more than `pause_s_max`, the refusal is told at once.
    With `awaits_start` an address where nobody listens is asked again as well.
    """

    try_count_max: int = 4
    pause_s: float = 0.2
    pause_s_max: float = 30.0
    awaits_start: bool = True

    def pause_after(self, tries: int, retry_after: str | None, chance: float) -> float | None:
        """How long to wait after so many tries; None when not to try again. `chance` is from 0 to 1."""
        if tries >= self.try_count_max:
            return None
        if retry_after is not None and retry_after.isascii() and retry_after.isdecimal():
            # Never less than what was asked for, and not all clients at the same moment.
            wait_s = float(retry_after[:9]) + chance * self.pause_s
            return wait_s if wait_s <= self.pause_s_max else None
        pause_s: float = min(self.pause_s * 2.0 ** (tries - 1), self.pause_s_max)
        return pause_s * (0.5 + chance / 2)


@dataclass(frozen=True, slots=True)
class Answer:
    """The JSON of an answer, and its entity tag if it has one."""

    body: Any
    etag: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Terms:
    """How the calls of one client are made."""

    authority: Authority
    patience: Patience
    chance: Callable[[], float]
    new_key: Callable[[], str]
    monotonic: Callable[[], float]
    place: str
    """The address, for the words of errors."""


def exchange(request: Request, terms: Terms) -> Flow[Answer]:
    """Make the request.

    Raises:
        HorologError: there is no answer, or it is a refusal.
    """
    tries = 0
    renewed = False
    while True:
        headers = yield from terms.authority.headers()
        outcome = yield Send(replace(request, headers={**request.headers, **headers}))
        assert outcome is not None
        if isinstance(outcome, Reply) and outcome.status == 401 and not renewed:
            renewed = True
            if terms.authority.rejected(headers):
                continue
        tries += 1
        pause_s = pause_before_repeat(request, outcome, tries, terms)
        if pause_s is None:
            return read_answer(request, outcome, terms.place)
        yield Pause(pause_s)


def pause_before_repeat(request: Request, outcome: Outcome, tries: int, terms: Terms) -> float | None:
    """How long to wait before the request is sent again; None when it is not to be."""
    if isinstance(outcome, Lost):
        may_repeat = request.is_repeatable if outcome.was_sent else terms.patience.awaits_start
        return terms.patience.pause_after(tries, None, terms.chance()) if may_repeat else None
    if not request.is_repeatable or outcome.status not in (_TOO_MANY, *_PASSING):
        return None
    if outcome.status == _TOO_MANY and _code(outcome) in (None, *_POINTLESS):
        return None
    return terms.patience.pause_after(tries, outcome.headers.get("retry-after"), terms.chance())


def read_answer(request: Request, outcome: Outcome, place: str) -> Answer:
    """The answer that came.

    Raises:
        HorologError: there is none, or it is a refusal.
    """
    if isinstance(outcome, Lost):
        raise _lost(request, outcome, place)
    try:
        body = json.loads(outcome.body) if outcome.body else None
    except ValueError:
        raise _foreign(outcome, place) from None
    if 200 <= outcome.status < 300:
        return Answer(body, outcome.headers.get("etag"), outcome.body)
    told = _told(body)
    if told is None:
        raise _foreign(outcome, place)
    message = str(told.get("message", "The API gave no reason."))
    raise refusal(str(told["code"]), message, outcome.status, told.get("details"))


def _told(body: object) -> Mapping[str, Any] | None:
    """What a refusal says of itself, in either of the API's two shapes."""
    if not isinstance(body, dict):
        return None
    found = body.get("error")
    if isinstance(found, dict) and "code" in found:
        return found
    return {"code": body["errorCode"], "message": body.get("message", "")} if "errorCode" in body else None


def _code(reply: Reply) -> str | None:
    try:
        told = _told(json.loads(reply.body))
    except ValueError:
        return None
    return None if told is None else str(told["code"])


def _foreign(reply: Reply, place: str) -> NotTheApi:
    return NotTheApi(f"{place} answered {reply.status}, but not as Horolog's API does.")


def _lost(request: Request, lost: Lost, place: str) -> HorologError:
    if not lost.was_sent:
        return Unreachable(f"{place} cannot be reached: {lost.why or 'no answer'}.")
    return NoAnswer(f"{place} gave no answer ({lost.why}).")

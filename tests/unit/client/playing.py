"""Going through the steps of a call with outcomes that a test has thought up."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from horolog.client.exchange import Patience, Terms
from horolog.client.tokens import Authority, Fixed
from horolog.client.wire import Alone, Flow, Lost, Outcome, Pause, Reply, Request, Send

T = TypeVar("T")
PLACE = "http://horolog.example"
NOBODY_LISTENS = Lost(was_sent=False, why="refused")
NO_ANSWER = Lost(was_sent=True, why="ReadTimeout")


class Time:
    """A clock that pauses move on."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@dataclass(slots=True)
class Play(Generic[T]):
    """What a call did: what was sent, how long it paused, and what it came to."""

    sent: list[Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    result: T | None = None
    error: Exception | None = None


def terms(authority: Authority | None = None, patience: Patience | None = None, time: Time | None = None) -> Terms:
    """Terms without chance, whose keys are counted."""
    count = iter(range(1, 1000))
    clock = time or Time()
    return Terms(
        authority or Fixed({}),
        patience or Patience(),
        lambda: 1.0,
        lambda: f"key-{next(count)}",
        clock.monotonic,
        PLACE,
    )


def play(steps: Flow[T], outcomes: Sequence[Outcome], time: Time | None = None) -> Play[T]:
    """Go through the steps; the last outcome stays."""
    told, played = list(outcomes), Play[T]()
    try:
        played.result = _go(steps, told, played, time or Time())
    except Exception as error:  # noqa: BLE001 - what it raises is what a test wants to see
        played.error = error
    return played


def reply(status: int = 200, body: Any = None, **headers: str) -> Reply:
    """An answer in JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, b"" if body is None else json.dumps(body).encode())


def refused(status: int, code: str, details: Any = None, **headers: str) -> Reply:
    """A refusal as the API words it."""
    error = {"code": code, "message": "It was refused.", "details": details}
    return reply(status, {"error": error, "timestamp": "2026-01-01T00:00:00Z", "path": "/"}, **headers)


def _go(steps: Flow[Any], told: list[Outcome], played: Play[Any], time: Time) -> Any:
    came: Outcome | None = None
    while True:
        try:
            step = steps.send(came)
        except StopIteration as end:
            return end.value
        came = None
        if isinstance(step, Send):
            played.sent.append(step.request)
            came = told.pop(0) if len(told) > 1 else told[0]
        elif isinstance(step, Pause):
            played.pauses.append(step.seconds)
            time.now_s += step.seconds
        else:
            assert isinstance(step, Alone)
            _go(step.steps, told, played, time)

"""One client's stream: what is read, beats, and whether its caller may still see it.

Guarantee: whoever may not see it any more is told nothing more, within `check_s` of that being known here. A stream
ends with an event that says why.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from horolog.limits import EVENT_STREAM_BEAT_S, EVENT_STREAM_CHECK_S, EVENT_STREAM_STALL_S
from horolog.log.port import LogError, PositionLost
from services.api.streams import frames
from services.api.streams.events import Within
from services.api.streams.hub import LOST, SLOW, Batch, Ended, Found
from services.api.streams.reading import CAUGHT_UP, Came, Reading
from services.api.streams.spots import Spot

STOPPING, GONE, FAULT, RUN_ENDED = "SHUTTING_DOWN", "EVENTS_GONE", "INTERNAL_ERROR", "EXECUTION_ENDED"
REASONS = {
    SLOW: "Events came faster than they were taken; come back with the last id to go on from there.",
    LOST: "The log cannot be read at present; come back with the last id.",
    CAUGHT_UP: "This is all that there is so far.",
    RUN_ENDED: "The execution has ended, and this was all of it.",
    STOPPING: "This process ends; come back with the last id.",
    GONE: "The log no longer keeps what comes next; begin anew without an id.",
    FAULT: "Something went wrong here; come back with the last id.",
    "UNAUTHORIZED": "The token is not valid any more.",
    "FORBIDDEN": "The token does not allow that any more.",
    "GRANT_CHANGED": "What the token allows has changed; come back with the last id.",
    "AUTH_UNAVAILABLE": "It cannot be known at present whether the token still allows that.",
    "DATABASE_UNAVAILABLE": "The read models cannot be reached at present; come back with the last id.",
}
"""Why a stream ends, in words. Whoever comes back is told by an error where that is of no use."""
_CHUNK_BYTES_MAX = 64 * 1024
_LOG = logging.getLogger("horolog.api.streams")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long what takes at most, in seconds."""

    beat_s: float = EVENT_STREAM_BEAT_S
    check_s: float = EVENT_STREAM_CHECK_S
    stall_s: float = EVENT_STREAM_STALL_S


USUAL = Pace()
Check = Callable[[], Awaitable[None]]
"""Raises `Ended` once whoever listens may not any more."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who listens; `within` says which jobs it reaches (None: all)."""

    check: Check
    within: Within | None = None


class Teller(Protocol):
    """Puts in words what was found."""

    def id_at(self, spot: Spot) -> str:
        """The id with which whoever was told everything up to this spot goes on."""
        ...

    def told(self, found: Sequence[Found]) -> AsyncIterator[tuple[str, bytes]]:
        """The frames to be sent, each with the id of where its client is then.

        Raises:
            Ended: nothing follows these.
        """
        ...


@dataclass(frozen=True, slots=True)
class Course:
    """What a stream consists of."""

    reading: Reading
    teller: Teller


class Stream:
    """One stream. `stopping` is set when all of them are to end."""

    def __init__(self, course: Course, check: Check, stopping: asyncio.Event, pace: Pace = USUAL) -> None:
        self._reading, self._teller = course.reading, course.teller
        self._check_caller = check
        self._stopping = stopping
        self._spot = self._reading.begin
        self._told_id = self._teller.id_at(self._spot)
        loop = asyncio.get_running_loop()
        self._pace, self._time = pace, loop.time
        self._check_at, self._beat_at = loop.time() + pace.check_s, loop.time() + pace.beat_s
        self._came: Came = asyncio.Queue(1)

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The stream as it is sent, until it ends. Close the iterator when it is needed no more."""
        yield frames.opening(self._told_id)
        reading = asyncio.create_task(self._read())
        try:
            while True:
                async for chunk in self._told(await self._next()):
                    yield chunk
                if (beat := self._beat()) is not None:
                    yield beat
        except Ended as end:
            yield frames.end(end.code, REASONS.get(end.code, REASONS[FAULT]))
        except Exception:  # noqa: BLE001 - logged, and told without a traceback
            _LOG.exception("a stream failed")
            yield frames.end(FAULT, REASONS[FAULT])
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _next(self) -> Batch | None:
        """What came; None when nothing did, and it is time to see to something else.

        Raises:
            Ended: the stream is over.
        """
        getting = asyncio.ensure_future(self._came.get())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            rest_s = max(0.0, min(self._check_at, self._beat_at) - self._time())
            await asyncio.wait((getting, stopping), timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
            if self._stopping.is_set():
                raise Ended(STOPPING)
            await self._check()
            if not getting.done():
                return None
            item = getting.result()
        finally:
            # A `get` that is cancelled takes nothing out.
            getting.cancel()
            stopping.cancel()
        if isinstance(item, Ended):
            raise item
        return item

    async def _check(self) -> None:
        if self._time() >= self._check_at:
            await self._check_caller()
            self._check_at = self._time() + self._pace.check_s

    async def _told(self, batch: Batch | None) -> AsyncIterator[bytes]:
        if batch is None:
            return
        chunk = bytearray()
        end: Ended | None = None
        try:
            async for id_, frame in self._teller.told(batch.found):
                self._told_id = id_
                chunk += frame
                if len(chunk) >= _CHUNK_BYTES_MAX:
                    yield bytes(chunk)
                    chunk.clear()
                    # The client may have taken its time.
                    await self._check()
        except Ended as ended:
            # What was to be told before that is told.
            end = ended
        if chunk:
            yield bytes(chunk)
            self._beat_at = self._time() + self._pace.beat_s
        if end is not None:
            raise end
        self._spot = batch.spot

    def _beat(self) -> bytes | None:
        if self._time() < self._beat_at:
            return None
        self._beat_at = self._time() + self._pace.beat_s
        if self._came.empty():
            # What was passed over is behind this stream as well.
            self._spot = self._reading.passed or self._spot
        id_ = self._teller.id_at(self._spot)
        news, self._told_id = id_ if id_ != self._told_id else None, id_
        return frames.beat(news)

    async def _read(self) -> None:
        """Read, beside what is sent."""
        try:
            await self._reading.read(self._came)
        except Ended as end:
            await self._came.put(end)
        except PositionLost:
            await self._came.put(Ended(GONE))
        except LogError:
            await self._came.put(Ended(LOST))
        except Exception:  # noqa: BLE001 - logged, and told without a traceback
            _LOG.exception("a stream failed")
            await self._came.put(Ended(FAULT))

"""One client's stream: the older, then the new, beats, and whether its caller may still see it.

Guarantee: what is told follows the spot at which the stream begins, without a gap and without a repeat, wherever older
and new meet. Whoever may not see it any more is told nothing more, within `check_s` of that being known here. A stream
ends with an event that says why.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from horolog.limits import EVENT_STREAM_BEAT_S, EVENT_STREAM_CHECK_S, EVENT_STREAM_STALL_S
from horolog.log.port import LogError, Place, PositionLost
from projections.views import ReadModelUnavailable
from services.api.streams import frames
from services.api.streams.facts import Fact
from services.api.streams.frontier import Frontier
from services.api.streams.hub import LOST, SLOW, Batch, Ended, Found, Hub, Listener, Tail
from services.api.streams.older import Older
from services.api.streams.spots import TOPICS, Spot, id_of, is_before

CAUGHT_UP, STOPPING, GONE, FAULT = "CAUGHT_UP", "SHUTTING_DOWN", "EVENTS_GONE", "INTERNAL_ERROR"
REASONS = {
    SLOW: "Events came faster than they were taken; come back with the last id to go on from there.",
    LOST: "The log cannot be read at present; come back with the last id.",
    CAUGHT_UP: "This is all that there is so far.",
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be told, and from where on. Without `follow` it is only what there is up to `goal`, which shows."""

    tenant_id: str
    types: frozenset[str]
    begin: Spot
    goal: Spot
    follow: bool = True
    job_id: str | None = None
    execution_id: str | None = None

    def takes(self, fact: Fact) -> bool:
        """Whether the fact is wanted."""
        is_job = self.job_id in (None, fact.job_id)
        return fact.type in self.types and is_job and self.execution_id in (None, fact.execution_id)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who listens: `check` raises `Ended` once it may not any more, `within` says which jobs it reaches (None: all)."""

    check: Callable[[], Awaitable[None]]
    within: Callable[[Sequence[str]], Awaitable[Sequence[str]]] | None = None


@dataclass(frozen=True, slots=True)
class Sources:
    """What streams are made from. `stopping` is set when all of them are to end."""

    hub: Hub
    older: Older
    frontier: Frontier
    partition_count: int
    stopping: asyncio.Event


class Stream:
    """One stream."""

    def __init__(self, sources: Sources, wanted: Wanted, partition: int, caller: Caller, pace: Pace = USUAL) -> None:
        self._sources = sources
        self._wanted = wanted
        self._partition = partition
        self._caller = caller
        self._spot = wanted.begin
        self._told_id = self._id(wanted.begin)
        loop = asyncio.get_running_loop()
        self._pace, self._time = pace, loop.time
        self._check_at, self._beat_at = loop.time() + pace.check_s, loop.time() + pace.beat_s
        self._came: asyncio.Queue[Batch | Ended] = asyncio.Queue(1)
        self._listener: Listener | None = None

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """The stream as it is sent, until it ends. Close the iterator when it is needed no more."""
        yield frames.opening(self._told_id)
        reading = asyncio.create_task(self._read(self._came))
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
        stopping = asyncio.ensure_future(self._sources.stopping.wait())
        try:
            rest_s = max(0.0, min(self._check_at, self._beat_at) - self._time())
            await asyncio.wait((getting, stopping), timeout=rest_s, return_when=asyncio.FIRST_COMPLETED)
            if self._sources.stopping.is_set():
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
            await self._caller.check()
            self._check_at = self._time() + self._pace.check_s

    async def _told(self, batch: Batch | None) -> AsyncIterator[bytes]:
        if batch is None:
            return
        chunk = bytearray()
        for one in await self._within(batch.found):
            self._told_id = self._id(one.spot)
            chunk += frames.event(self._told_id, one.fact.type, one.fact.data)
            if len(chunk) >= _CHUNK_BYTES_MAX:
                yield bytes(chunk)
                chunk.clear()
                # The client may have taken its time.
                await self._check()
        if chunk:
            yield bytes(chunk)
            self._beat_at = self._time() + self._pace.beat_s
        self._spot = batch.spot

    async def _within(self, found: Sequence[Found]) -> Sequence[Found]:
        """What the caller may see of it: jobs are judged by their tags at present."""
        if self._caller.within is None or not found:
            return found
        job_ids = sorted({one.fact.job_id for one in found if one.fact.job_id is not None})
        try:
            reached = frozenset(await self._caller.within(job_ids))
        except ReadModelUnavailable:
            raise Ended("DATABASE_UNAVAILABLE") from None
        return [one for one in found if one.fact.job_id in reached]

    def _beat(self) -> bytes | None:
        if self._time() < self._beat_at:
            return None
        self._beat_at = self._time() + self._pace.beat_s
        if self._came.empty() and self._listener is not None:
            # What was passed over is behind this stream as well.
            self._spot = self._listener.spot or self._spot
        id_ = self._id(self._spot)
        news, self._told_id = id_ if id_ != self._told_id else None, id_
        return frames.beat(news)

    def _id(self, spot: Spot) -> str:
        return id_of(spot, self._wanted.tenant_id, self._sources.partition_count)

    # -- reading, beside what is sent --------------------------------------------------------------------------

    async def _read(self, came: "asyncio.Queue[Batch | Ended]") -> None:
        try:
            if not self._wanted.follow:
                await self._read_older(self._wanted.begin, self._wanted.goal, came)
                raise Ended(CAUGHT_UP)
            async with self._sources.hub.tail(self._partition) as tail:
                spot = self._wanted.begin
                while is_before(spot, tail.spot):
                    spot = await self._read_older(spot, tail.spot, came)
                # Nothing is awaited in between: older and new meet here.
                await self._listen(tail, spot, came)
        except Ended as end:
            await came.put(end)
        except PositionLost:
            await came.put(Ended(GONE))
        except LogError:
            await came.put(Ended(LOST))
        except Exception:  # noqa: BLE001 - logged, and told without a traceback
            _LOG.exception("a stream failed")
            await came.put(Ended(FAULT))

    async def _listen(self, tail: Tail, spot: Spot, came: "asyncio.Queue[Batch | Ended]") -> None:
        if tail.is_lost:
            raise Ended(LOST)
        listener = self._listener = Listener(self._wanted.tenant_id, self._wanted.takes, spot)
        tail.add(listener)
        try:
            while True:
                await came.put(await listener.take())
        finally:
            tail.remove(listener)

    async def _read_older(self, spot: Spot, goal: Spot, came: "asyncio.Queue[Batch | Ended]") -> Spot:
        older, wanted = self._sources.older, self._wanted
        for index, topic in enumerate(TOPICS):
            place = Place(topic.name, self._partition)
            while spot[index] < goal[index]:
                batch = await older.piece(place, spot, goal[index], wanted.tenant_id, wanted.takes)
                if batch.found:
                    await self._sources.frontier.reach({place: batch.found[-1].offset + 1})
                spot = batch.spot
                await came.put(batch)
        return spot

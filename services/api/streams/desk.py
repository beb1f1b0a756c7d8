"""Opening a stream: where it begins, and whether there is room for it.

Guarantee: an id is judged before a stream is promised. One that nobody was given, or that is of another tenant, is told
as such; so is one from which the log cannot go on any more. Without an id a stream begins with what the read models do
not show yet: whoever reads them once it is open, and then listens, misses nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from horolog.limits import EVENT_STREAM_BEHIND_COUNT_MAX
from horolog.log.port import Log, LogError, Place
from horolog.ports import Clock
from projections.views import ReadModel
from schemas.topics import partition_of
from services.api.errors import ApiError
from services.api.streams.answer import EventStreamAnswer
from services.api.streams.events import EventTeller, Wanted
from services.api.streams.facts import EVENTS
from services.api.streams.frontier import Frontier
from services.api.streams.hub import Hub
from services.api.streams.older import Older
from services.api.streams.output import Look
from services.api.streams.output_desk import AskedOutput, OutputDesk
from services.api.streams.reading import LogReading, Sources, Stretch
from services.api.streams.seats import USUAL_ROOM, Room, Seats
from services.api.streams.spots import ForeignId, Spot, is_before, later, spot_of
from services.api.streams.stream import USUAL, Caller, Check, Course, Pace, Stream

_BEGIN_ANEW = "Begin anew without an id, after reading what there is from the lists."


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many streams there may be, how fast they go, and from how far back one may go on."""

    room: Room = USUAL_ROOM
    pace: Pace = USUAL
    behind_count_max: int = EVENT_STREAM_BEHIND_COUNT_MAX


USUAL_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for, besides where to begin."""

    tenant_id: str
    actor: str
    types: frozenset[str]
    job_id: str | None = None
    execution_id: str | None = None
    follow: bool = True


class StreamDesk:
    """One for a process."""

    def __init__(self, log: Log, read_model: ReadModel, clock: Clock, bounds: Bounds = USUAL_BOUNDS) -> None:
        self._log = log
        self._read_model = read_model
        self._bounds = bounds
        self._seats = Seats(bounds.room)
        self._stopping = asyncio.Event()
        frontier = Frontier(read_model, clock)
        self._sources = Sources(EVENTS, Hub(log, EVENTS, frontier.reach), Older(log), frontier.reach)
        self._output = OutputDesk(log, read_model, clock, frontier.reach, bounds.behind_count_max)

    @property
    def stream_count(self) -> int:
        """How many streams there are at present."""
        return self._seats.taken_count

    async def open(self, asked: Asked, caller: Caller, last_id: str | None) -> EventStreamAnswer:
        """The answer that is the stream.

        Raises:
            ApiError: as `stream` does; TOO_MANY_STREAMS, OVERLOADED
            ReadModelUnavailable: as `stream` does.
        """
        return self._answer(await self.stream(asked, caller, last_id), asked.tenant_id, asked.actor)

    async def open_output(self, asked: AskedOutput, check: Check, look: Look, last_id: str | None) -> EventStreamAnswer:
        """The answer that tells what a run prints; `look` reads the execution, within the caller's reach.

        Raises:
            ApiError: as `OutputDesk.course` does; TOO_MANY_STREAMS, OVERLOADED
            ReadModelUnavailable: as `OutputDesk.course` does.
        """
        stream = await self.output(asked, check, look, last_id)
        return self._answer(stream, asked.tenant_id, asked.actor)

    async def output(self, asked: AskedOutput, check: Check, look: Look, last_id: str | None) -> Stream:
        """As `open_output`, without its seat."""
        course = await self._output.course(asked, look, last_id)
        return Stream(course, check, self._stopping, self._bounds.pace)

    async def stream(self, asked: Asked, caller: Caller, last_id: str | None) -> Stream:
        """The stream, of which nothing is read before its frames are.

        Raises:
            ApiError: INVALID_EVENT_ID, EVENTS_GONE, LOG_UNAVAILABLE
            ReadModelUnavailable: it is not known how far the read models are.
        """
        partition = partition_of(asked.tenant_id, self._log.partition_count)
        begin, goal = await self._begin(asked.tenant_id, partition, last_id)
        wanted = Wanted(asked.tenant_id, asked.types, asked.job_id, asked.execution_id)
        stretch = Stretch(asked.tenant_id, partition, begin, goal, asked.follow)
        teller = EventTeller(asked.tenant_id, self._log.partition_count, caller.within)
        course = Course(LogReading(self._sources, stretch, wanted.takes), teller)
        return Stream(course, caller.check, self._stopping, self._bounds.pace)

    def stop(self) -> None:
        """End every stream, with a last event; idempotent."""
        self._stopping.set()

    async def close(self) -> None:
        """Read nothing more; idempotent."""
        self.stop()
        await self._sources.hub.close()
        await self._output.close()

    def _answer(self, stream: Stream, tenant_id: str, actor: str) -> EventStreamAnswer:
        seat = self._seats.take(tenant_id, actor)
        return EventStreamAnswer(stream.frames(), seat, self._bounds.pace.stall_s)

    async def _begin(self, tenant_id: str, partition: int, last_id: str | None) -> tuple[Spot, Spot]:
        """Where to begin, and up to where the read models show what there is."""
        places = EVENTS.places(partition)
        try:
            found = await self._log.ends(places)
            ends = tuple(found[place] for place in places)
            begin = None if last_id is None else await self._gone_on(last_id, tenant_id, places, ends)
        except LogError as error:
            raise ApiError("LOG_UNAVAILABLE", "The log cannot be reached at present.") from error
        positions = await self._read_model.positions()
        shown = tuple(min(positions.get(place, 0), end) for place, end in zip(places, ends, strict=True))
        if begin is None:
            # Read models that are so far behind are being made anew: what is old by then is no news.
            begin = ends if sum(ends) - sum(shown) > self._bounds.behind_count_max else shown
        return begin, later(begin, shown)

    async def _gone_on(self, last_id: str, tenant_id: str, places: Sequence[Place], ends: Spot) -> Spot:
        """The spot of an id from which the log can be read on."""
        try:
            begin = spot_of(last_id, tenant_id, self._log.partition_count)
        except ForeignId:
            raise ApiError("INVALID_EVENT_ID") from None
        if is_before(ends, begin):
            # A log that was restored, or another one: the id means nothing in it.
            raise ApiError("INVALID_EVENT_ID")
        kept = await self._log.starts(places)
        if is_before(begin, tuple(kept[place] for place in places)):
            raise ApiError("EVENTS_GONE", f"The log no longer keeps what follows this id. {_BEGIN_ANEW}")
        if sum(ends) - sum(begin) > self._bounds.behind_count_max:
            raise ApiError("EVENTS_GONE", f"More has happened since this id than is told in a stream. {_BEGIN_ANEW}")
        return begin

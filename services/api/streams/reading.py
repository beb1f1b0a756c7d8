"""What one stream reads: the older, piece by piece, then the new, from the hub.

Guarantee: what is read follows the spot at which the stream begins, without a gap and without a repeat, wherever older
and new meet.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from horolog.log.port import Place
from services.api.streams.facts import Fact, Subject
from services.api.streams.hub import LOST, Batch, Ended, Hub, Listener, Reach, Tail
from services.api.streams.older import Older
from services.api.streams.spots import Spot, is_before

CAUGHT_UP = "CAUGHT_UP"
Came = asyncio.Queue[Batch | Ended]
Hold = Callable[[Batch], Awaitable[None]]
"""Waits until what is in a batch may be told."""


class Reading(Protocol):
    """What a stream is made from."""

    @property
    def begin(self) -> Spot:
        """Where it begins."""
        ...

    @property
    def passed(self) -> Spot | None:
        """Up to where there is nothing more to tell, if that is known."""
        ...

    async def read(self, came: Came) -> None:
        """Put what there is into the queue, in order.

        Raises:
            Ended: there is nothing more.
            LogError: the log cannot be read.
        """


@dataclass(frozen=True, slots=True)
class Sources:
    """Where streams of one subject read. Older facts are told once `reach` has returned, as new ones are."""

    subject: Subject
    hub: Hub
    older: Older
    reach: Reach


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is to be read of a partition, for a tenant. Without `follow` only what there is up to `goal`."""

    tenant_id: str
    partition: int
    begin: Spot
    goal: Spot
    follow: bool = True


class LogReading:
    """Implements `Reading` over the log. A batch is handed on once `hold` has returned, if there is one."""

    def __init__(
        self, sources: Sources, stretch: Stretch, takes: Callable[[Fact], bool], hold: Hold | None = None
    ) -> None:
        self._sources = sources
        self._stretch = stretch
        self._takes = takes
        self._hold = hold
        self._listener: Listener | None = None

    @property
    def begin(self) -> Spot:
        return self._stretch.begin

    @property
    def passed(self) -> Spot | None:
        return None if self._listener is None else self._listener.spot

    async def read(self, came: Came) -> None:
        stretch = self._stretch
        if not stretch.follow:
            await self._read_older(stretch.begin, stretch.goal, came)
            raise Ended(CAUGHT_UP)
        async with self._sources.hub.tail(stretch.partition) as tail:
            spot = stretch.begin
            while is_before(spot, tail.spot):
                spot = await self._read_older(spot, tail.spot, came)
            # Nothing is awaited in between: older and new meet here.
            await self._listen(tail, spot, came)

    async def _listen(self, tail: Tail, spot: Spot, came: Came) -> None:
        if tail.is_lost:
            raise Ended(LOST)
        listener = self._listener = Listener(self._stretch.tenant_id, self._takes, spot)
        tail.add(listener)
        try:
            while True:
                await self._put(await listener.take(), came)
        finally:
            tail.remove(listener)

    async def _read_older(self, spot: Spot, goal: Spot, came: Came) -> Spot:
        sources, stretch = self._sources, self._stretch
        for index, topic in enumerate(sources.subject.topics):
            place = Place(topic.name, stretch.partition)
            while spot[index] < goal[index]:
                batch = await sources.older.piece(place, spot, goal[index], stretch.tenant_id, self._takes)
                if batch.found:
                    await sources.reach({place: batch.found[-1].offset + 1})
                spot = batch.spot
                await self._put(batch, came)
        return spot

    async def _put(self, batch: Batch, came: Came) -> None:
        if self._hold is not None:
            await self._hold(batch)
        await came.put(batch)

"""A log in memory whose facts the read models show when a test says so, and somebody who listens to streams of it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import orjson

from horolog.adapters.system import SystemClock
from horolog.client.server_events import Block, EventReader
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Log, Place
from schemas.base import Message
from schemas.events.executions import AttemptProgressed
from services.api.streams.desk import USUAL_BOUNDS, Asked, Bounds, StreamDesk
from services.api.streams.facts import PERMISSION_OF_TYPE
from services.api.streams.spots import TOPICS, Spot, spot_of
from services.api.streams.stream import Caller
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.projections.facts import HOME, PARTITIONS, TENANT, event, outgoing

DEADLINE_S = 30.0
EVERY_TYPE = frozenset(PERMISSION_OF_TYPE)
PLACES = [Place(topic.name, HOME) for topic in TOPICS]
ACTOR = "user:ada"


async def nothing_changes() -> None:
    """The caller may still do all that it could."""


ANYBODY = Caller(nothing_changes)


def asked(tenant_id: str = TENANT, **changes: Any) -> Asked:
    """What somebody of the tenant wants to hear: everything, unless told."""
    return Asked(**{"tenant_id": tenant_id, "actor": ACTOR, "types": EVERY_TYPE, **changes})


def memory_log() -> EmbeddedLog:
    """A log without a file."""
    return EmbeddedLog.open(None, SystemClock(), PARTITIONS)


@dataclass
class WatchedReadModel(MemoryReadModel):
    """Read models that tell when somebody looks how far they are."""

    looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def positions(self) -> Mapping[tuple[str, int], int]:
        self.looked.set()
        return await super().positions()


@dataclass
class Facts:
    """What happens, and what is shown of it."""

    log: Log = field(default_factory=memory_log)
    read_model: WatchedReadModel = field(default_factory=WatchedReadModel)

    async def write(self, *messages: Message) -> None:
        """Let it happen."""
        await self.log.append([outgoing(message) for message in messages])

    async def show(self) -> None:
        """Let the read models show all that has happened."""
        places = [Place(topic.name, partition) for topic in TOPICS for partition in range(PARTITIONS)]
        for place, end in (await self.log.ends(places)).items():
            self.read_model.positions_by_place[place] = end

    async def tell(self, *messages: Message) -> None:
        """Let it happen, and be shown."""
        await self.write(*messages)
        await self.show()

    def desk(self, bounds: Bounds = USUAL_BOUNDS) -> StreamDesk:
        """A process that serves streams."""
        return StreamDesk(self.log, self.read_model, SystemClock(), bounds)


class Listening:
    """Reads one stream; `id` is what was told last."""

    def __init__(self, frames: AsyncGenerator[bytes, None]) -> None:
        self.id = ""
        self.beat_count = 0
        self._frames = frames
        self._reader = EventReader()
        self._blocks: list[Block] = []

    async def next(self) -> tuple[str, Mapping[str, Any]]:
        """The type and the data of the next event, after whatever is none."""
        while True:
            block = await self.block()
            if block.data:
                return block.type, orjson.loads(block.data)

    async def block(self) -> Block:
        """The next block."""
        async with asyncio.timeout(DEADLINE_S):
            while not self._blocks:
                frame = await anext(self._frames)
                self.beat_count += frame.startswith(b": beat")
                self._blocks += self._reader.read(frame)
        block = self._blocks.pop(0)
        self.id = block.id or self.id
        return block

    async def progress(self, count: int) -> list[int]:
        """The progress that the next events tell of."""
        return [(await self.next())[1]["progress"] for _ in range(count)]

    async def close(self) -> None:
        """Listen no more."""
        await self._frames.aclose()


def progressed(number: int, execution: int = 1, **fields: Any) -> AttemptProgressed:
    """The number-th event that a test tells apart by its progress."""
    return event(AttemptProgressed, execution, number + 1, number, attempt=1, progress=number, **fields)


async def listen(desk: StreamDesk, last_id: str | None = None, caller: Caller = ANYBODY, **changes: Any) -> Listening:
    """Somebody who listens from now on, or after that id."""
    stream = await desk.stream(asked(**changes), caller, last_id)
    listening = Listening(stream.frames())
    await listening.block()
    return listening


async def all_told(desk: StreamDesk, last_id: str | None = None, **changes: Any) -> tuple[list[Any], str]:
    """What a stream that does not follow tells, without its end, and the last id."""
    stream = await desk.stream(asked(follow=False, **changes), ANYBODY, last_id)
    async with aclosing(stream.frames()) as frames:
        listening, told = Listening(frames), list[Any]()
        while (event_ := await listening.next())[0] != "end":
            told.append(event_)
    assert event_[1]["code"] == "CAUGHT_UP"
    return told, listening.id


def spot_at(id_: str) -> Spot:
    """Where an id leads."""
    return spot_of(id_, TENANT, PARTITIONS)

"""A log in memory whose members and commits do what a scenario says, a role that copies, and owners of it.

The copying role writes one `jobs.v1` record for every command that it reads: how many came before it in the partition,
and the command's value. So a command that is lost, doubled, or decided by a state that is not the log's, shows.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from enum import Enum, auto

from horolog.log.embedded.engine import Fence
from horolog.log.embedded.log import EmbeddedLog, EmbeddedWriter
from horolog.log.embedded.membership import EmbeddedMembership
from horolog.log.embedded.reader import EmbeddedReader
from horolog.log.owner import Owner, OwnerSettings, Role, Turn
from horolog.log.port import CommitUnknown, Log, LogUnavailable, Outgoing, Place, Record
from schemas.codec import decode
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS
from tests.unit.owning.virtual import VirtualClock, elapse

PARTITION_COUNT = 2
ALL = frozenset(range(PARTITION_COUNT))
COMMANDS, JOBS = "commands.v1", "jobs.v1"
DEADLINE_S = 120.0
PAUSE_S = 0.05


class Fault(Enum):
    """What becomes of a commit."""

    FENCED = auto()
    UNKNOWN_BUT_COMMITTED = auto()
    UNKNOWN_AND_LOST = auto()
    UNAVAILABLE = auto()
    DEFECT = auto()


class ScriptedWriter(EmbeddedWriter):
    """Commits with the next fault of its log, and not before the log's gate is open."""

    log: "ScriptedLog"

    @property
    def epoch(self) -> int:
        return self.log.epochs.get(super().epoch, super().epoch)

    async def commit(self, records: Sequence[Outgoing]) -> None:
        # Signs of life are left alone: a fault is for a commit that carries something.
        fault = self.log.faults.popleft() if len(records) > 1 and self.log.faults else None
        self.log.committing.set()
        await self.log.gates[self._fence.partition].wait()
        if fault is Fault.FENCED:
            await self.log.open_writer(self._fence.role, self._fence.partition)
        if fault is Fault.UNAVAILABLE:
            raise LogUnavailable("told to")
        if fault is Fault.DEFECT:
            raise ZeroDivisionError("told to")
        if fault is not Fault.UNKNOWN_AND_LOST:
            await super().commit(records)
        if fault in (Fault.UNKNOWN_BUT_COMMITTED, Fault.UNKNOWN_AND_LOST):
            raise CommitUnknown("told to")


class ScriptedLog(EmbeddedLog):
    """A log in memory. `members` take part as their scenario says, all others are given their shares.

    `faults` befall the next commits, `epochs` stand for the writers' own, a closed gate holds up a partition's
    commits, and so many readers as `broken_reader_count` says die at their first poll.
    """

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type] # handed through
        self.faults: deque[Fault | None] = deque()
        self.members: dict[str, EmbeddedMembership] = {}
        self.epochs: dict[int, int] = {}
        self.gates = {partition: asyncio.Event() for partition in ALL}
        self.committing = asyncio.Event()
        self.broken_reader_count = 0
        for gate in self.gates.values():
            gate.set()

    async def open_writer(self, role: str, partition: int) -> ScriptedWriter:
        fence = Fence(role, partition, await self._engine.raise_epoch(role, partition))
        writer = ScriptedWriter(self._engine, fence, self._partition_count)
        writer.log = self
        return writer

    async def join(self, role: str, member: str) -> EmbeddedMembership:
        return self.members.get(member) or await super().join(role, member)

    def reader(self) -> EmbeddedReader:
        if self.broken_reader_count:
            self.broken_reader_count -= 1
            return _BrokenReader(self._engine, self._tails)
        return super().reader()

    def forget(self, place: Place, start: int) -> None:
        """Keep nothing of the place before `start`."""
        self._tails.raise_start(place, start)

    def member(self, name: str, share: frozenset[int] = ALL) -> EmbeddedMembership:
        """A member whose share is what the scenario gives it with `hold`."""
        membership = self.members[name] = EmbeddedMembership(name, lambda leaver: leaver.hold(frozenset()))
        membership.hold(share)
        return membership


class _BrokenReader(EmbeddedReader):
    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        raise ZeroDivisionError("told to")


class Copying:
    """The state of one partition: how many commands were copied."""

    def __init__(self, role: "CopyingRole", partition: int, copied_count: int) -> None:
        self._role = role
        self._partition = partition
        self._copied_count = copied_count

    def turn(self, records: Sequence[Record], now: datetime, is_behind: bool = False) -> Turn:
        outputs = []
        for record in records:
            value = b"%d %s" % (self._copied_count, record.value)
            outputs.append(Outgoing(JOBS, record.partition, record.key, value))
            self._copied_count += 1
        if self._role.defect_count:
            self._role.defect_count -= 1
            raise ZeroDivisionError("told to")
        return Turn(outputs)

    async def sample(self, log: Log) -> None:
        """Nothing to learn but that it was time to."""
        self._role.sampled_at[self._partition].append(asyncio.get_running_loop().time())


class CopyingRole:
    """Its next `defect_count` turns fail after they have changed the state."""

    name = "dispatcher"
    inputs: Sequence[str] = (COMMANDS,)

    def __init__(self) -> None:
        self.defect_count = 0
        self.rebuilt_at: list[float] = []
        self.sampled_at: dict[int, list[float]] = defaultdict(list)

    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[Copying, Mapping[str, int]]:
        self.rebuilt_at.append(asyncio.get_running_loop().time())
        positions = checkpoint.positions if checkpoint is not None else {COMMANDS: 0}
        return Copying(self, partition, len(await values(log, JOBS, partition))), positions


def new_log() -> ScriptedLog:
    """An empty log."""
    return ScriptedLog.open(None, VirtualClock(), PARTITION_COUNT)


@asynccontextmanager
async def owning(log: Log, role: Role, *members: str) -> AsyncIterator[list[Owner]]:
    """Owners of the role, one for each member, which end with the block."""
    stop = asyncio.Event()
    owners = [Owner(log, VirtualClock(), role, OwnerSettings(member)) for member in members]
    running = [asyncio.create_task(owner.run(stop)) for owner in owners]
    try:
        yield owners
    finally:
        stop.set()
        await asyncio.gather(*running)


async def command(log: Log, number: int, partition: int = 0) -> None:
    """One command, which is its number."""
    await log.append([Outgoing(COMMANDS, partition, b"key", b"%d" % number)])


async def records(log: Log, topic: str, partition: int = 0) -> list[Record]:
    """All that is committed in a place."""
    place = Place(topic, partition)
    end = (await log.ends([place]))[place]
    return [record async for batch in log.scan(place, 0, end) for record in batch]


async def values(log: Log, topic: str, partition: int = 0) -> list[bytes | None]:
    """What the records of a place hold."""
    return [record.value for record in await records(log, topic, partition)]


async def copied(log: Log, count: int, partition: int = 0) -> None:
    """Wait until so many commands are copied, and see that each was, once, in order, by the log's own state."""
    async with asyncio.timeout(DEADLINE_S):
        while len(await values(log, JOBS, partition)) < count:
            await elapse(PAUSE_S)
    assert await values(log, JOBS, partition) == [b"%d %d" % (number, number) for number in range(count)]


async def held_by(owner: Owner, *partitions: int) -> None:
    """Wait until an owner holds exactly these."""
    async with asyncio.timeout(DEADLINE_S):
        while owner.holdings.keys() != set(partitions):
            await elapse(PAUSE_S)


async def checkpoints(log: Log, partition: int = 0) -> list[OwnerCheckpointed]:
    """Every checkpoint of a partition, in the log's order."""
    found = [decode(r.topic, r.headers, r.value) for r in await records(log, CHECKPOINTS.name, partition)]
    return [checkpoint for checkpoint in found if isinstance(checkpoint, OwnerCheckpointed)]

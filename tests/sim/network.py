"""The way from a process to the log, with everything that may go wrong on it.

Guarantee: whatever the faults, a process sees no more than the log port allows: a commit has taken effect, has not, or
is unknown; an append that failed may have been written in part, or be written later; a reader is late or fails. Once
healed, everything takes some milliseconds and succeeds.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from random import Random

from horolog.log.embedded import EmbeddedLog
from horolog.log.embedded.reader import EmbeddedReader
from horolog.log.port import CommitUnknown, Fenced, LogUnavailable, Membership, Outgoing, Place, Reader, Record, Writer
from schemas.topics import RESULTS, WORKERS
from tests.sim.group import Group
from tests.sim.loop import SimLoop
from tests.sim.process import Process
from tests.sim.trace import Trace

LATENCY_S = (0.0005, 0.008)
TIMEOUT_S = (0.5, 3.0)
LATE_S = (0.05, 4.0)

_MACHINE = re.compile(rb'"(pid|memoryMb)":\d+')


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit that took effect: by whom, under which epoch, and when."""

    at: float
    role: str
    partition: int
    epoch: int
    process: str


@dataclass(slots=True)
class Network:
    """What all ways to the log have in common. `faults` are those that may happen now; healing empties them."""

    core: EmbeddedLog
    loop: SimLoop
    random: Random
    trace: Trace
    faults: frozenset[str]
    rate: float
    groups: dict[str, Group]
    on_crash: Callable[[Process], None]
    commits: list[Commit] = field(default_factory=list)
    beats: dict[str, list[float]] = field(default_factory=dict)
    cut_off: set[Process] = field(default_factory=set)
    deaf: set[Process] = field(default_factory=set)

    def happens(self, fault: str) -> bool:
        """Whether this fault befalls the operation at hand."""
        return fault in self.faults and self.random.random() < self.rate

    async def latency(self) -> None:
        """The time that one way takes."""
        await asyncio.sleep(self.random.uniform(*LATENCY_S))

    async def crash(self, process: Process, where: str) -> None:
        """Let the process die here, and never go on."""
        self.trace.count(f"crash {where}")
        self.on_crash(process)
        await self.loop.create_future()

    def later(self, delay_s: float, write: Callable[[], None]) -> None:
        """Have something happen in the network, whatever becomes of the process."""
        self.loop.call_later(delay_s, write, context=Context())

    def spawn(self, records: Sequence[Outgoing]) -> None:
        """Append records that were under way."""
        self.loop.create_task(self.append(records), context=Context())

    async def append(self, records: Sequence[Outgoing]) -> None:
        """Write to the log itself."""
        await self.core.append(records)


class SimWriter:
    """Implements `Writer` for one process."""

    def __init__(self, inner: Writer, network: Network, process: Process, role: str, partition: int) -> None:
        self._inner = inner
        self._network = network
        self._process = process
        self._role = role
        self._partition = partition
        self._broken = False

    @property
    def epoch(self) -> int:
        return self._inner.epoch

    async def commit(self, records: Sequence[Outgoing]) -> None:
        network, process = self._network, self._process
        if self._broken:
            raise CommitUnknown("an earlier commit of this writer has failed")
        self._broken = True
        await network.latency()
        if network.happens("crash_at_commit"):
            await network.crash(process, "before a commit")
        if process in network.cut_off or network.happens("lost_commit"):
            await self._unknown("lost")
        if network.happens("late_commit"):
            network.later(network.random.uniform(*LATE_S), lambda: self._land(records))
            await self._unknown("late")
        await self._write(records)
        if network.happens("unknown_commit"):
            await self._unknown("written")
        if network.happens("crash_at_commit"):
            await network.crash(process, "after a commit")
        await network.latency()
        self._broken = False

    async def _unknown(self, what: str) -> None:
        self._network.trace.count(f"unknown commit, {what}")
        await asyncio.sleep(self._network.random.uniform(*TIMEOUT_S))
        raise CommitUnknown(what)

    async def _write(self, records: Sequence[Outgoing]) -> None:
        await self._inner.commit(records)
        network = self._network
        commit = Commit(network.loop.time(), self._role, self._partition, self.epoch, self._process.name)
        network.commits.append(commit)
        network.trace.tell(f"commits {len(records)} records to {self._role}/{self._partition} epoch {self.epoch}")

    def _land(self, records: Sequence[Outgoing]) -> None:
        self._network.loop.create_task(self._land_if_allowed(records), context=Context())

    async def _land_if_allowed(self, records: Sequence[Outgoing]) -> None:
        try:
            await self._write(records)
            self._network.trace.count("late commit took effect", self._process.name)
        except (Fenced, CommitUnknown):
            self._network.trace.count("late commit was fenced", self._process.name)

    async def close(self) -> None:
        # The inner writer stays open: what is under way may still arrive, and only the fence keeps it out.
        self._broken = True


class SimReader:
    """Implements `Reader` for one process."""

    def __init__(self, inner: EmbeddedReader, network: Network, process: Process) -> None:
        self._inner = inner
        self._network = network
        self._process = process

    def assign(self, positions: Mapping[Place, int]) -> None:
        self._inner.assign(positions)

    def pause(self, places: frozenset[Place]) -> None:
        self._inner.pause(places)

    def is_behind(self, place: Place) -> bool:
        return self._inner.is_behind(place)

    def lag(self, place: Place) -> int:
        return self._inner.lag(place)

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        await self._network.latency()
        if self._network.happens("reader_failure"):
            self._network.trace.count("reader failure")
            raise LogUnavailable("the reader was told to fail")
        if self._process in self._network.cut_off or self._process in self._network.deaf:
            await asyncio.sleep(timeout_s)
            return ()
        return await self._inner.poll(record_count_max, timeout_s)

    async def close(self) -> None:
        await self._inner.close()


class SimLog:
    """Implements `Log` for one process."""

    def __init__(self, network: Network, process: Process) -> None:
        self._network = network
        self._process = process
        self._core = network.core

    @property
    def partition_count(self) -> int:
        return self._core.partition_count

    async def create_topics(self) -> Sequence[str]:
        return await self._core.create_topics()

    async def append(self, records: Sequence[Outgoing]) -> None:
        network = self._network
        begun = network.loop.time()
        records = [_without_machine(record) for record in records]
        await network.latency()
        if self._process in network.cut_off or network.happens("failed_append"):
            await self._fail("lost")
        if network.happens("late_append"):
            network.later(network.random.uniform(*LATE_S), lambda: network.spawn(records))
            await self._fail("late")
        if network.happens("unknown_append"):
            written = records[: network.random.randint(1, len(records))]
            await self._write(written, begun)
            await self._fail("written")
        if records[0].topic == RESULTS.name and network.happens("crash_at_commit"):
            await network.crash(self._process, "before an append")
        await self._write(records, begun)
        if records[0].topic == RESULTS.name and network.happens("crash_at_commit"):
            await network.crash(self._process, "after an append")
        await network.latency()

    async def _fail(self, what: str) -> None:
        self._network.trace.count(f"failed append, {what}")
        await asyncio.sleep(self._network.random.uniform(*TIMEOUT_S))
        raise LogUnavailable(what)

    async def _write(self, records: Sequence[Outgoing], begun: float) -> None:
        await self._network.append(records)
        if records[0].topic == WORKERS.name:
            self._network.beats.setdefault(self._process.name, []).append(begun)

    def reader(self) -> Reader:
        return SimReader(self._core.reader(), self._network, self._process)

    async def open_writer(self, role: str, partition: int) -> Writer:
        await self._reach()
        inner = await self._core.open_writer(role, partition)
        self._network.trace.count("takeover")
        self._network.trace.tell(f"opens {role}/{partition} epoch {inner.epoch}")
        return SimWriter(inner, self._network, self._process, role, partition)

    async def join(self, role: str, member: str) -> Membership:
        await self._network.latency()
        return self._network.groups[role].join(self._process)

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        await self._reach()
        return await self._core.starts(places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        await self._reach()
        return await self._core.ends(places)

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        await self._reach()
        async for records in self._core.scan(place, start, end):
            yield records

    async def latest(self, place: Place, key: bytes) -> Record | None:
        await self._reach()
        return await self._core.latest(place, key)

    async def close(self) -> None:
        return

    async def _reach(self) -> None:
        await self._network.latency()
        if self._process in self._network.cut_off or self._network.happens("failed_append"):
            self._network.trace.count("log out of reach")
            await asyncio.sleep(self._network.random.uniform(*TIMEOUT_S))
            raise LogUnavailable("out of reach")


def _without_machine(record: Outgoing) -> Outgoing:
    """The record without what differs from one machine, and one start, to the next."""
    if record.topic != WORKERS.name or record.value is None:
        return record
    value = _MACHINE.sub(rb'"\1":1', record.value)
    return Outgoing(record.topic, record.partition, record.key, value, record.headers)

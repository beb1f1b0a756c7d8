"""The owners' loop, shared by every role that owns partitions (ticker and dispatcher).

    gain a partition → open the fenced writer → read the checkpoint → rebuild the state → loop:
        inputs since the last position, and the time → turn → one commit: outputs and checkpoint

Guarantee: whatever a turn decided takes effect whole, together with the positions that it consumed, or not at all,
and only while no newer owner exists. After a fencing the partition is given up; after an unknown outcome, or any other
failure, everything is dropped and rebuilt from what the log says.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from horolog.limits import CHECKPOINT_IDLE_S, TURN_RECORD_COUNT_MAX
from horolog.log.feed import Feed, Inbox
from horolog.log.port import CommitUnknown, Fenced, Log, LogError, Membership, Outgoing, Place, Record, Writer
from horolog.ports import Clock
from schemas.codec import RecordError, decode, headers_of
from schemas.events.owners import OwnerCheckpointed
from schemas.topics import CHECKPOINTS

_logger = logging.getLogger(__name__)

RETRY_S = 0.5
COMMIT_RECORD_COUNT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn decided: records to write, and when to turn again without input (monotone wall time)."""

    outputs: Sequence[Outgoing] = ()
    wake_at: datetime | None = None
    replay_from: int | None = None
    watermark: datetime | None = None


class Partition(Protocol):
    """The state of one owned partition. A turn may change it, so after a failed commit it must be dropped."""

    def turn(self, records: Sequence[Record], now: datetime) -> Turn:
        """Decide on the records and the time."""
        ...

    async def sample(self, log: Log) -> None:
        """Called now and then between turns, to learn of log positions; decides nothing."""


class Role(Protocol):
    """What makes an owner a ticker or a dispatcher."""

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> Sequence[str]:
        """The topics whose partition is read along with the owned one."""
        ...

    async def rebuild(
        self, log: Log, partition: int, checkpoint: OwnerCheckpointed | None, now: datetime
    ) -> tuple[Partition, Mapping[str, int]]:
        """The partition's state as the log has it, and the position to read each input from."""
        ...


@dataclass(slots=True)
class Holding:
    """One partition in this process's hands."""

    partition: int
    wake: asyncio.Event
    state: Partition | None = None
    epoch: int = 0
    turns: int = 0
    acquired_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """`turn_interval_s` is the least time between two turns of a partition under load: it makes commits larger."""

    member: str
    turn_interval_s: float = 0.0
    record_count_max: int = TURN_RECORD_COUNT_MAX


@dataclass(slots=True)
class OwnerCounters:
    """What the metrics report of ownership."""

    acquisitions: int = 0
    fencings: int = 0
    unknown_commits: int = 0
    commits: int = 0
    records: int = 0


@dataclass(slots=True)
class Owner:
    """Owns partitions of one role in this process, and runs their turns."""

    log: Log
    clock: Clock
    role: Role
    settings: OwnerSettings
    counters: OwnerCounters = field(default_factory=OwnerCounters)
    holdings: dict[int, Holding] = field(default_factory=dict)
    on_change: Callable[[], None] = lambda: None
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Own what falls to this member until `stop` is set; then finish the turns under way and leave."""
        feed = Feed(self.log)
        reading = asyncio.create_task(feed.run())
        membership = await self.log.join(self.role.name, self.settings.member)
        try:
            await self._follow(membership, feed, stop)
        finally:
            await self._give_up(set(self._tasks))
            await membership.leave()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _follow(self, membership: Membership, feed: Feed, stop: asyncio.Event) -> None:
        tasks = self._tasks
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                generation, owned = membership.generation, membership.owned
                await self._give_up(set(tasks) - owned)
                for partition in sorted(owned - set(tasks)):
                    tasks[partition] = asyncio.create_task(self._hold(partition, feed, stop))
                change = asyncio.create_task(membership.changed(generation))
                await asyncio.wait((change, stopping), return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
        finally:
            stopping.cancel()

    async def _give_up(self, partitions: set[int]) -> None:
        """End these partitions' loops; a commit under way is awaited, so that its outcome is known."""
        tasks = [self._tasks.pop(p) for p in partitions if p in self._tasks]
        for partition in partitions:
            if holding := self.holdings.pop(partition, None):
                holding.wake.set()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            self.on_change()

    async def _hold(self, partition: int, feed: Feed, stop: asyncio.Event) -> None:
        """Hold one partition: take it, turn, and take it anew after a failure, until fenced or given up."""
        while not stop.is_set():
            holding = Holding(partition, asyncio.Event())
            try:
                await self._take_and_turn(holding, feed, stop)
                return
            except Fenced:
                self.counters.fencings += 1
                _logger.warning(
                    "partition lost to a newer owner", extra={"partition": partition, "role": self.role.name}
                )
                return
            except CommitUnknown as error:
                self.counters.unknown_commits += 1
                _logger.warning("commit outcome unknown, rebuilding: %s", error, extra={"partition": partition})
            except LogError as error:
                _logger.warning("log failed, rebuilding: %s", error, extra={"partition": partition})
            finally:
                if self.holdings.get(partition) is holding:
                    del self.holdings[partition]
            await self.clock.sleep(RETRY_S)

    async def _take_and_turn(self, holding: Holding, feed: Feed, stop: asyncio.Event) -> None:
        partition = holding.partition
        writer = await self.log.open_writer(self.role.name, partition)
        try:
            checkpoint = await self._checkpoint(partition)
            now = self.clock.now()
            state, positions = await self.role.rebuild(self.log, partition, checkpoint, now)
            inbox = Inbox({Place(topic, partition): positions[topic] for topic in self.role.inputs}, holding.wake)
            holding.state, holding.epoch, holding.acquired_at = state, writer.epoch, now
            self.holdings[partition] = holding
            self.counters.acquisitions += 1
            self.on_change()
            await feed.start(inbox)
            try:
                await self._turns(holding, state, inbox, writer, stop)
            finally:
                await asyncio.shield(feed.stop(inbox))
        finally:
            with contextlib.suppress(LogError):
                await writer.close()

    async def _checkpoint(self, partition: int) -> OwnerCheckpointed | None:
        record = await self.log.latest(Place(CHECKPOINTS.name, partition), self.role.name.encode())
        if record is None or record.value is None:
            return None
        try:
            message = decode(record.topic, record.headers, record.value)
        except RecordError as error:
            raise LogError(f"the checkpoint of {self.role.name}/{partition} cannot be read: {error}") from error
        assert isinstance(message, OwnerCheckpointed)
        return message

    async def _turns(
        self, holding: Holding, state: Partition, inbox: Inbox, writer: Writer, stop: asyncio.Event
    ) -> None:
        last_commit = last_turn = float("-inf")
        last: Turn | None = None
        while not stop.is_set():
            now = self.clock.now()
            turn = state.turn(inbox.take(self.settings.record_count_max), now)
            last_turn = self.clock.monotonic()
            idle = last_turn - last_commit >= CHECKPOINT_IDLE_S
            if idle:
                await state.sample(self.log)
            if turn.outputs or idle:
                await self._commit(holding, inbox, writer, turn, now)
                last_commit = self.clock.monotonic()
            holding.turns += 1
            last = turn
            await self._wait(holding.wake, last.wake_at, last_turn)
            if not inbox and inbox.failure is None:
                holding.wake.clear()

    async def _commit(self, holding: Holding, inbox: Inbox, writer: Writer, turn: Turn, now: datetime) -> None:
        outputs = [*turn.outputs, self._checkpoint_record(holding, inbox, turn, now)]
        # A cancelled commit would leave its outcome unknown; it is bounded by the adapter, so it is seen through.
        commit = asyncio.ensure_future(writer.commit(outputs))
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            await asyncio.gather(commit, return_exceptions=True)
            raise
        self.counters.commits += 1
        self.counters.records += len(outputs)

    def _checkpoint_record(self, holding: Holding, inbox: Inbox, turn: Turn, now: datetime) -> Outgoing:
        checkpoint = OwnerCheckpointed(
            role=self.role.name,
            partition=holding.partition,
            owner=self.settings.member,
            epoch=holding.epoch,
            acquired_at=holding.acquired_at or now,
            at=now,
            positions={place.topic: position for place, position in inbox.positions.items()},
            watermark=turn.watermark,
            replay_from=turn.replay_from,
        )
        headers = headers_of(checkpoint, f"horolog/{self.role.name}", now)
        return Outgoing(CHECKPOINTS.name, holding.partition, self.role.name.encode(), checkpoint.to_json(), headers)

    async def _wait(self, wake: asyncio.Event, wake_at: datetime | None, last_turn: float) -> None:
        """Until there is input or the time comes, but not sooner than the turn interval after the last turn."""
        pause = last_turn + self.settings.turn_interval_s - self.clock.monotonic()
        if pause > 0:
            await self.clock.sleep(pause)
        seconds = CHECKPOINT_IDLE_S
        if wake_at is not None:
            seconds = min(seconds, (wake_at - self.clock.now()).total_seconds())
        if seconds > 0 and not wake.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await wake.wait()
        elif seconds <= 0:
            await asyncio.sleep(0)

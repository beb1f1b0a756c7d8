"""The owners' loop, shared by every role that owns partitions (ticker and dispatcher).

    gain a partition → open the fenced writer → read the checkpoint → rebuild the state → loop:
        inputs since the last position, and the time → turn → one commit: outputs and checkpoint

Guarantee: whatever a turn decided takes effect whole, together with the positions that it consumed, or not at all,
and only while no newer owner exists. After a fencing, an unknown outcome or any other failure everything is dropped;
if the partition is still this member's, it is taken anew and rebuilt from what the log says, after `RETRY_S_MAX` at the
latest. So no partition stays without an owner while members live, not even when two of them took it for theirs.

What the log no longer keeps, for nobody owned the partition for so long, cannot be decided on any more. The owner goes
on after it, never silently: an error, a counter, and a dead letter with the positions, in the commit that passes them.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from horolog.limits import CHECKPOINT_IDLE_S, TURN_RECORD_COUNT_MAX
from horolog.log.checkpoints import newest_checkpoint
from horolog.log.counters import OwnerCounters
from horolog.log.feed import Feed, Inbox
from horolog.log.lag import Reached, Standing
from horolog.log.port import CommitUnknown, Fenced, Log, LogError, Membership, Outgoing, Place, Record, Writer
from horolog.log.refusals import loss_letter
from horolog.ports import Clock
from schemas.codec import headers_of
from schemas.events.owners import OwnerCheckpointed, WorkerSetAside, ZoneDataUse
from schemas.topics import CHECKPOINTS

_logger = logging.getLogger(__name__)

RETRY_S = 0.5
FENCED_RETRY_S = 2.0
"""Longer than a member needs to hear of a new sharing out: usually that, and not this, ends the wait."""
RETRY_S_MAX = 10.0
"""Where a partition fails or is lost again and again, the waits double up to this; it bounds every one of them."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn decided: records to write, and when to turn again without input (monotone wall time)."""

    outputs: Sequence[Outgoing] = ()
    wake_at: datetime | None = None
    replay_from: int | None = None
    watermark: datetime | None = None
    zone_data: tuple[ZoneDataUse, ...] = ()
    set_aside: tuple[WorkerSetAside, ...] = ()
    decided_until: datetime | None = None
    holds_back: bool = False
    """Not all that was read is decided on yet: the checkpoint stays before it."""


class Partition(Protocol):
    """The state of one owned partition. A turn may change it, so after a failed commit it must be dropped."""

    def turn(self, records: Sequence[Record], now: datetime, is_behind: bool = False) -> Turn:
        """Decide on the records and the time; `is_behind` says that more records are there, which are older than now.

        Then what has not been heard may well have been said: nothing is concluded from silence.
        """
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
    """One partition in this process's hands. `epoch` is above that of every earlier checkpoint of the partition.

    `letters` are written with the first commit.
    """

    partition: int
    wake: asyncio.Event
    state: Partition | None = None
    epoch: int = 0
    turns: int = 0
    acquired_at: datetime | None = None
    letters: Sequence[Outgoing] = ()
    inbox: Inbox | None = None
    reached: Reached = field(default_factory=lambda: Reached(0))

    def standing(self, now_s: float) -> Standing:
        """How far this partition is behind its inputs."""
        waiting_count = 0 if self.inbox is None else self.inbox.waiting_count
        return self.reached.standing(self.partition, self.epoch, waiting_count, now_s)


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """`turn_interval_s` is the least time between two turns of a partition under load: it makes commits larger."""

    member: str
    turn_interval_s: float = 0.0
    record_count_max: int = TURN_RECORD_COUNT_MAX


@dataclass(frozen=True, slots=True)
class _Share:
    """What the loops of this member's partitions have in common."""

    membership: Membership
    feed: Feed
    stop: asyncio.Event

    def includes(self, partition: int) -> bool:
        """Whether the partition is to be held."""
        return not self.stop.is_set() and partition in self.membership.owned


@dataclass(slots=True)
class Owner:
    """Owns partitions of one role in this process, and runs their turns.

    `on_commit` hears what a turn decided, once that is known to be committed; it must not fail.
    """

    log: Log
    clock: Clock
    role: Role
    settings: OwnerSettings
    counters: OwnerCounters = field(default_factory=OwnerCounters)
    holdings: dict[int, Holding] = field(default_factory=dict)
    on_change: Callable[[], None] = lambda: None
    on_commit: Callable[[Sequence[Outgoing]], None] = lambda _: None
    _tasks: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _ending: set[asyncio.Task[None]] = field(default_factory=set)
    _abandoned: set[asyncio.Task[None]] = field(default_factory=set)
    _share: _Share | None = None

    @property
    def partitions(self) -> frozenset[int]:
        """What this member holds, or is about to take."""
        return frozenset(self._tasks)

    def is_ready(self) -> bool:
        """Whether this member takes part, and every partition that falls to it is rebuilt and turns."""
        share = self._share
        return share is not None and share.membership.generation > 0 and share.membership.owned <= self.holdings.keys()

    def standings(self) -> list[Standing]:
        """Of each partition held, how far it is behind its inputs."""
        now_s = self.clock.now().timestamp()
        return [holding.standing(now_s) for holding in self.holdings.values()]

    def take_anew(self, partition: int) -> bool:
        """Give a holding up that does not move on, and take the partition again; False when it is not this member's.

        The old loop is not waited for: the new holding fences it, and goes on from where the log says it stood.
        """
        share = self._share
        if share is None or partition not in self._tasks or not share.includes(partition):
            return False
        self._let_go(partition, self._abandoned)
        self._tasks[partition] = asyncio.create_task(self._hold(partition, share))
        return True

    async def run(self, stop: asyncio.Event) -> None:
        """Own what falls to this member until `stop` is set; then finish the turns under way and leave."""
        membership = await self.log.join(self.role.name, self.settings.member)
        try:
            while not stop.is_set():
                await self._follow(membership, stop)
        finally:
            await membership.leave()

    async def _follow(self, membership: Membership, stop: asyncio.Event) -> None:
        """Hold what is this member's until `stop` is set, or reading fails for good and has to begin anew."""
        share = self._share = _Share(membership, Feed(self.log), stop)
        reading = asyncio.create_task(share.feed.run())
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set() and not reading.done():
                generation = membership.generation
                self._hold_exactly(share)
                change = asyncio.create_task(membership.changed(generation))
                await asyncio.wait((change, stopping, reading), return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
        finally:
            self._share = None
            stopping.cancel()
            await self._give_up_all()
            reading.cancel()
            (failure,) = await asyncio.gather(reading, return_exceptions=True)
        if isinstance(failure, Exception):
            self.counters.failures += 1
            _logger.error("reading failed, beginning anew", exc_info=failure, extra={"role": self.role.name})
            await self.clock.sleep(RETRY_S)

    def _hold_exactly(self, share: _Share) -> None:
        """Begin to hold what is this member's, and let go of the rest, without waiting for either."""
        owned = share.membership.owned
        for partition in set(self._tasks) - owned:
            self._let_go(partition, self._ending)
        for partition in sorted(owned):
            if partition not in self._tasks or self._tasks[partition].done():
                self._tasks[partition] = asyncio.create_task(self._hold(partition, share))

    def _let_go(self, partition: int, among: set[asyncio.Task[None]]) -> None:
        """Cancel its loop, which is among the others until it has ended."""
        task = self._tasks.pop(partition)
        task.cancel()
        among.add(task)
        task.add_done_callback(among.discard)
        if self.holdings.pop(partition, None) is not None:
            self.on_change()

    async def _give_up_all(self) -> None:
        """End all loops; commits under way are awaited, so that their outcomes are known."""
        for partition in list(self._tasks):
            self._let_go(partition, self._ending)
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _hold(self, partition: int, share: _Share) -> None:
        """Hold a partition for as long as it is this member's: take it, turn, and after a failure take it anew."""
        failure_count = 0
        while share.includes(partition):
            holding, began = Holding(partition, asyncio.Event()), self.clock.monotonic()
            try:
                await self._take_and_turn(holding, share)
                continue
            except Exception as error:  # noqa: BLE001 - told and counted there; the partition must not be nobody's
                base_s = self._note_failure(partition, error)
                # An outage ends for all at the same time; what else fails again and again is tried ever less often.
                if isinstance(error, Fenced) or not isinstance(error, LogError):
                    failure_count += 1
            finally:
                if self.holdings.get(partition) is holding:
                    del self.holdings[partition]
            if self.clock.monotonic() - began > RETRY_S_MAX:
                failure_count = min(failure_count, 1)
            pause_s = min(base_s * 2 ** min(max(0, failure_count - 1), 16), RETRY_S_MAX)
            if await self._shared_out_within(share.membership, pause_s):
                failure_count = 0

    async def _shared_out_within(self, membership: Membership, seconds: float) -> bool:
        """Wait this long, or until there is a new sharing out; whether there was one."""
        change = asyncio.create_task(membership.changed(membership.generation))
        pause = asyncio.create_task(self.clock.sleep(seconds))
        try:
            await asyncio.wait((change, pause), return_when=asyncio.FIRST_COMPLETED)
            return change.done()
        finally:
            change.cancel()
            pause.cancel()

    def _note_failure(self, partition: int, error: Exception) -> float:
        """Count and tell why a partition cannot be gone on with; returns how long to wait at least, in seconds."""
        where = {"partition": partition, "role": self.role.name}
        match error:
            case Fenced():
                self.counters.fencings += 1
                _logger.warning("partition lost to a newer owner", extra=where)
                return FENCED_RETRY_S
            case CommitUnknown():
                _logger.warning("commit outcome unknown, rebuilding: %s", error, extra=where)
            case LogError():
                _logger.warning("log failed, rebuilding: %s", error, extra=where)
            case _:
                self.counters.failures += 1
                _logger.error("an owned partition failed, rebuilding", exc_info=error, extra=where)
        return RETRY_S

    async def _take_and_turn(self, holding: Holding, share: _Share) -> None:
        partition, feed = holding.partition, share.feed
        writer = await self.log.open_writer(self.role.name, partition)
        try:
            checkpoint = await newest_checkpoint(self.log, self.role.name, partition)
            now = self.clock.now()
            state, positions = await self.role.rebuild(self.log, partition, checkpoint, now)
            wanted = {Place(topic, partition): positions[topic] for topic in self.role.inputs}
            inbox = Inbox(await self._kept(holding, wanted, now), holding.wake)
            # A writer's epoch may start anew when Kafka's producer id is used up or expired; checkpoints count on.
            holding.epoch = max(writer.epoch, checkpoint.epoch + 1 if checkpoint is not None else 0)
            holding.state, holding.acquired_at, holding.inbox = state, now, inbox
            holding.reached = Reached((now if checkpoint is None else checkpoint.at).timestamp())
            self.holdings[partition] = holding
            self.counters.acquisitions += 1
            self.counters.takeovers += checkpoint is not None and checkpoint.owner != self.settings.member
            self.on_change()
            await feed.start(inbox)
            try:
                await self._turns(holding, state, inbox, writer, share.stop)
            finally:
                await asyncio.shield(feed.stop(inbox))
        finally:
            with contextlib.suppress(LogError):
                await writer.close()

    async def _kept(self, holding: Holding, wanted: Mapping[Place, int], now: datetime) -> Mapping[Place, int]:
        """Where reading can begin: as wanted, or at the start of what is kept, with letters about what is not."""
        starts = await self.log.starts(list(wanted))
        lost = {place: range(position, starts[place]) for place, position in wanted.items() if position < starts[place]}
        for place, positions in lost.items():
            self.counters.losses += 1
            _logger.error(
                "positions %d..%d of %s/%d were no longer kept when the partition was taken: what they held is lost",
                *(positions.start, positions.stop - 1, *place),
                extra={"partition": place.partition, "role": self.role.name, "topic": place.topic},
            )
        holding.letters = [loss_letter(place, gap, f"horolog/{self.role.name}", now) for place, gap in lost.items()]
        return {place: max(position, starts[place]) for place, position in wanted.items()}

    async def _turns(
        self, holding: Holding, state: Partition, inbox: Inbox, writer: Writer, stop: asyncio.Event
    ) -> None:
        last_commit = last_sample = float("-inf")
        while not stop.is_set():
            now = self.clock.now()
            records, is_behind = inbox.take(self.settings.record_count_max), inbox.is_behind
            holding.reached.note(records, is_behind, now.timestamp())
            turn = state.turn(records, now, is_behind)
            inbox.pass_taken(turn.holds_back)
            last_turn = self.clock.monotonic()
            # Not only when idle: who never is would leave its successor everything since it last was.
            if last_turn - last_sample >= CHECKPOINT_IDLE_S:
                await state.sample(self.log)
                last_sample = last_turn
            if turn.outputs or last_turn - last_commit >= CHECKPOINT_IDLE_S:
                await self._commit(holding, inbox, writer, turn, now)
                last_commit = self.clock.monotonic()
            holding.turns += 1
            holding.reached.in_hand_count = 0
            await self._wait(holding.wake, turn.wake_at, last_turn)
            if not inbox and inbox.failure is None:
                holding.wake.clear()

    async def _commit(self, holding: Holding, inbox: Inbox, writer: Writer, turn: Turn, now: datetime) -> None:
        outputs = [*holding.letters, *turn.outputs, self._checkpoint_record(holding, inbox, turn, now)]
        # A cancelled commit would leave its outcome unknown; it is bounded by the adapter, so it is seen through.
        commit = asyncio.ensure_future(self.counters.seen_through(writer.commit(outputs), outputs))
        try:
            await asyncio.shield(commit)
        except asyncio.CancelledError:
            (outcome,) = await asyncio.gather(commit, return_exceptions=True)
            if isinstance(outcome, Exception):
                self._note_failure(holding.partition, outcome)
            else:
                self.on_commit(turn.outputs)
            raise
        holding.letters = ()
        self.on_commit(turn.outputs)

    def _checkpoint_record(self, holding: Holding, inbox: Inbox, turn: Turn, now: datetime) -> Outgoing:
        checkpoint = OwnerCheckpointed(
            role=self.role.name,
            partition=holding.partition,
            owner=self.settings.member,
            epoch=holding.epoch,
            acquired_at=holding.acquired_at or now,
            at=now,
            positions={place.topic: position for place, position in inbox.passed.items()},
            watermark=turn.watermark,
            replay_from=turn.replay_from,
            zone_data=turn.zone_data,
            set_aside=turn.set_aside,
            decided_until=turn.decided_until,
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

"""The sender: takes what is due, sends it, and records how that went.

Guarantee: a delivery is sent until it arrives, until its receiver is gone (410), or `ATTEMPT_COUNT_MAX` times; each
time with the same id, so that a receiver can tell a repeat. One delivery of a rule is under way at a time, and a
bounded number of a tenant's: a receiver that is slow or dead holds up nobody else. An attempt takes `SEND_S_MAX`.
Kept and logged are codes, statuses and durations, never what a receiver wrote or a secret.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from horolog.domain.notifications.attempts import Attempted, next_attempt_at
from horolog.domain.notifications.rules import ChannelType
from horolog.domain.notifications.targets import TargetBroken, target_from
from horolog.domain.notifications.wire import Letter
from horolog.ports import Clock
from horolog.vault.cipher import SealBroken
from horolog.vault.places import rule_place
from horolog.vault.port import KeyErased, KeyMissing, TenantKeys, VaultError
from projections.connections import UNAVAILABLE
from projections.notifications.counters import NotifierCounters
from projections.notifications.outbox import LEASE_S, Busy, Due, Ending, Outbox
from projections.polling import first_of

_logger = logging.getLogger(__name__)

SEND_S_MAX = 15.0
SEND_COUNT_MAX = 128
OF_TENANT_COUNT_MAX = 8
LOOK_INTERVAL_S = 0.5
RETRY_S = 2.0
FIGURES_INTERVAL_S = 5.0
PRUNE_INTERVAL_S = 3600.0

assert SEND_S_MAX * 2 < LEASE_S


class Channel(Protocol):
    """A way on which messages travel."""

    async def send(self, letter: Letter) -> Attempted:
        """Send it, once. Every failure is in the answer, and none of them shows the target."""
        ...


@dataclass(slots=True)
class Sender:
    """Sends through `channels`; a kind of channel that is not among them is not set up here.

    `chance` draws from 0 up to 1; without `keys` no target can be read.
    """

    outbox: Outbox
    channels: Mapping[ChannelType, Channel]
    clock: Clock
    chance: Callable[[], float]
    keys: TenantKeys | None = None
    counters: NotifierCounters = field(default_factory=NotifierCounters)
    _woken: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _under_way: dict[asyncio.Task[None], Due] = field(init=False, default_factory=dict)

    def wake(self) -> None:
        """There may be something to be sent at once."""
        self._woken.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Send until stopped; then wait for what is under way."""
        upkeep = asyncio.create_task(self._look_after(stop))
        try:
            while not stop.is_set():
                await self._turn(stop)
        finally:
            upkeep.cancel()
            await asyncio.gather(upkeep, *self._under_way, return_exceptions=True)

    async def _turn(self, stop: asyncio.Event) -> None:
        self._woken.clear()
        try:
            await self.send_due()
            pause_s = LOOK_INTERVAL_S
        except (*UNAVAILABLE, TimeoutError) as error:
            _logger.warning("notifications cannot be sent, trying again: %s", type(error).__name__)
            pause_s = RETRY_S
        except Exception:
            self.counters.failures += 1
            _logger.exception("the sender of notifications failed, beginning anew")
            pause_s = RETRY_S
        await first_of(self._woken.wait(), stop.wait(), self.clock.sleep(pause_s))

    async def send_due(self) -> int:
        """Begin to send what is due and may be sent now; how many that are."""
        of_tenant = Counter(due.tenant_id for due in self._under_way.values())
        # Who has less than half of its share under way is given the other half at most.
        half = OF_TENANT_COUNT_MAX // 2
        busy = Busy(
            sorted({due.rule_id for due in self._under_way.values()}),
            sorted(tenant_id for tenant_id, count in of_tenant.items() if count >= half),
            half,
            SEND_COUNT_MAX - len(self._under_way),
        )
        if busy.count_max <= 0:
            return 0
        taken = await self.outbox.take(self.clock.now(), busy)
        for due in taken:
            task = asyncio.create_task(self._deliver(due))
            self._under_way[task] = due
            task.add_done_callback(self._done)
        return len(taken)

    async def idle(self) -> None:
        """Wait until nothing is under way."""
        while self._under_way:
            await asyncio.wait(list(self._under_way))

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._woken.set()
        error = None if task.cancelled() else task.exception()
        if isinstance(error, (*UNAVAILABLE, TimeoutError)):
            _logger.warning("how a notification went could not be kept, it is sent again: %s", type(error).__name__)
        elif error is not None:
            self.counters.failures += 1
            _logger.error("a notification could not be dealt with: %s", type(error).__name__)

    async def _deliver(self, due: Due) -> None:
        began = self.clock.monotonic()
        attempted = await self._attempt(due)
        duration_ms = round((self.clock.monotonic() - began) * 1000)
        now, again_at = self.clock.now(), None
        if attempted.failure is not None:
            again_at = next_attempt_at(due.attempt, attempted, now, self.chance())
        ending = Ending(due, attempted, duration_ms, now, again_at)
        if await self.outbox.record(ending):
            self._count(ending)

    def _count(self, ending: Ending) -> None:
        due, failure = ending.due, ending.attempted.failure
        if failure is None:
            self.counters.sent += 1
            return
        self.counters.failed += 1
        fields = {"tenant_id": due.tenant_id, "delivery_id": due.id, "rule_id": due.rule_id, "attempt": due.attempt}
        if ending.again_at is None:
            self.counters.dead += 1
            _logger.warning("a notification was given up: %s", failure, extra=fields)
        else:
            _logger.info("a notification was not taken: %s", failure, extra=fields)

    async def _attempt(self, due: Due) -> Attempted:
        if due.channel not in self.channels:
            return Attempted("CHANNEL_NOT_SET_UP")
        try:
            letter = await self._letter(due)
        except KeyErased:
            return Attempted("KEY_ERASED", is_final=True)
        except (SealBroken, KeyMissing, TargetBroken):
            return Attempted("TARGET_UNREADABLE", is_final=True)
        except VaultError:
            return Attempted("VAULT_UNAVAILABLE")
        if letter is None:
            return Attempted("RULE_DELETED", is_final=True)
        try:
            async with asyncio.timeout(SEND_S_MAX):
                return await self.channels[letter.channel].send(letter)
        except TimeoutError:
            return Attempted("TIMED_OUT")
        except Exception as error:  # noqa: BLE001 - a defect ends one attempt; its words might show the target
            self.counters.failures += 1
            _logger.error("a channel failed: %s", type(error).__name__)
            return Attempted("CHANNEL_FAILED")

    async def _letter(self, due: Due) -> Letter | None:
        if due.sealed_target is None:
            return None
        if self.keys is None:
            raise VaultError("this notifier has no HOROLOG_MASTER_KEYS")
        key = await self.keys.opening_key(due.tenant_id)
        target = target_from(key.open(due.sealed_target, rule_place(due.tenant_id, due.rule_id)))
        return Letter(due.id, ChannelType(due.channel), due.document, target, tuple(due.http_allowed))

    async def _look_after(self, stop: asyncio.Event) -> None:
        """Keep the figures, and remove what is old; what fails at the one does not hold up the other."""
        prunes_at = self.clock.now()
        while not stop.is_set():
            now = self.clock.now()
            await self._attended(self._keep_figures(now))
            if now >= prunes_at and await self._attended(self.outbox.prune(now)):
                prunes_at = now + timedelta(seconds=PRUNE_INTERVAL_S)
            await self.clock.sleep(FIGURES_INTERVAL_S)

    async def _keep_figures(self, now: datetime) -> None:
        self.counters.waiting, self.counters.behind_s = await self.outbox.figures(now)

    async def _attended(self, work: Awaitable[object]) -> bool:
        """Whether the work was done. Nobody waits for the task that it is part of: a defect is told here, or never."""
        try:
            await work
        except (*UNAVAILABLE, TimeoutError) as error:
            _logger.debug("the outbox could not be looked at: %s", type(error).__name__)
            return False
        except Exception:
            self.counters.failures += 1
            _logger.exception("looking after the outbox of notifications failed, trying again")
            return False
        return True

"""The watch over a ticker's own partitions: it repairs what stands still, and what has lost a schedule.

It runs beside the owners' loop, as a task of its own, and believes the log alone: the newest checkpoint says how far
a partition is, the job table what it owes. A partition whose watermark and positions have not moved for `OVERDUE_S`
although it is held, or whose memory is not what the job table says, is taken anew: fenced, and rebuilt from the log.

Guarantee: that is safe whatever the old loop still does. Its commits fail, for the new holding's writer is newer; and
since the watermark in the log decides what is owed, no instant after it is left out and none up to it is emitted again.
What a schedule that was lost had owed before the repair stays a finding of the ledger's proof. A repair that did not
help is not repeated for the same version of a schedule: it is told. A loop that never gives the process's event loop
back cannot be seen from here; the API's watch tells of it, and the group gives its partitions to others.
"""

import logging
from asyncio import timeout
from dataclasses import dataclass

from horolog.limits import OVERDUE_LOOK_INTERVAL_S, OVERDUE_LOOK_S_MAX, OVERDUE_S, TAKE_S_MAX
from horolog.log.checkpoints import newest_checkpoint
from horolog.log.owner import Owner
from horolog.log.port import Log, LogError
from horolog.ports import Clock
from schemas.events.owners import OwnerCheckpointed
from services.ticker.table_check import Difference, TableCheck

_logger = logging.getLogger(__name__)

ROLE = "ticker"
REPAIRED_KEPT_COUNT = 1000


@dataclass(slots=True)
class WatchCounters:
    """What the metrics report. `stalls` and `differences` are repairs, `defects` failures of the watch itself."""

    looks: int = 0
    stalls: int = 0
    differences: int = 0
    defects: int = 0

    @property
    def failures(self) -> int:
        """Everything that is a fault of the program."""
        return self.stalls + self.differences + self.defects


class TickerWatch:
    """Looks at the partitions of one owner again and again."""

    def __init__(self, log: Log, clock: Clock, owner: Owner) -> None:
        self.counters = WatchCounters()
        self._log = log
        self._clock = clock
        self._owner = owner
        self._check = TableCheck(log, owner)
        self._signs: dict[int, tuple[object, float]] = {}
        self._repaired: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Look until cancelled; a look that fails or hangs is given up."""
        while True:
            await self._clock.sleep(OVERDUE_LOOK_INTERVAL_S)
            try:
                async with timeout(OVERDUE_LOOK_S_MAX):
                    await self.look()
            except (LogError, TimeoutError) as error:
                # Who cannot read the log cannot write to it: that nothing moves is then no sign of a standstill.
                self._signs.clear()
                _logger.warning("the partitions cannot be looked at: %s", error, extra={"role": ROLE})
            except Exception:
                self.counters.defects += 1
                _logger.exception("looking at the partitions failed", extra={"role": ROLE})

    async def look(self) -> None:
        """Look at every partition held, and at the next part of the job table; repair what needs it.

        Raises:
            LogError: the log does not tell.
        """
        held = sorted(self._owner.partitions)
        self._signs = {partition: sign for partition, sign in self._signs.items() if partition in held}
        checkpoints: dict[int, OwnerCheckpointed] = {}
        for partition in held:
            checkpoint = await newest_checkpoint(self._log, ROLE, partition)
            if self._stands_still(partition, checkpoint):
                self._repair_standstill(partition, checkpoint)
            elif checkpoint is not None:
                checkpoints[partition] = checkpoint
        for difference in await self._check.look(checkpoints):
            self._repair(difference)
        self.counters.looks += 1

    def _stands_still(self, partition: int, checkpoint: OwnerCheckpointed | None) -> bool:
        holding = self._owner.holdings.get(partition)
        is_held = holding is not None
        # Who reads on, and holds back what it read until it has read all, does not stand still.
        taken = dict(holding.inbox.positions) if holding is not None and holding.inbox is not None else None
        reached = (checkpoint.epoch, checkpoint.watermark, checkpoint.positions) if checkpoint is not None else None
        sign, now_s = (is_held, reached, taken), self._clock.monotonic()
        known, since_s = self._signs.get(partition, (None, now_s))
        if known != sign:
            self._signs[partition] = sign, now_s
            return False
        if is_held and checkpoint is not None and checkpoint.watermark is not None:
            # After a clock was put back there is nothing to emit for as long.
            age = self._clock.now() - checkpoint.watermark
            if age.total_seconds() <= OVERDUE_S:
                return False
        # To take a partition is to read its whole table; that may take a while.
        return now_s - since_s > (OVERDUE_S if is_held else TAKE_S_MAX)

    def _repair_standstill(self, partition: int, checkpoint: OwnerCheckpointed | None) -> None:
        self._signs.pop(partition, None)
        if not self._owner.take_anew(partition):
            return
        self.counters.stalls += 1
        watermark = (
            "nowhere" if checkpoint is None or checkpoint.watermark is None else checkpoint.watermark.isoformat()
        )
        where = {"partition": partition, "role": ROLE}
        _logger.error("a partition stood still at %s although it was held; taking it anew", watermark, extra=where)

    def _repair(self, difference: Difference) -> None:
        repair = difference.job_id, difference.schedule_version
        where = {
            "tenant_id": difference.tenant_id,
            "job_id": difference.job_id,
            "partition": difference.partition,
            "role": ROLE,
        }
        if repair in self._repaired:
            _logger.error("a schedule is still not as it is in the log: %s", difference.words, extra=where)
            return
        if not self._owner.take_anew(difference.partition):
            return
        if len(self._repaired) >= REPAIRED_KEPT_COUNT:
            self._repaired.clear()
        self._repaired.add(repair)
        self._signs.pop(difference.partition, None)
        self.counters.differences += 1
        _logger.error(
            "a schedule is not as it is in the log: %s; taking its partition anew", difference.words, extra=where
        )

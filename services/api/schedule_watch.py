"""The watch over all schedules: a loop of its own that finds jobs which silently do not fire.

Guarantee: it shares neither loop nor code with the ticker, and decides nothing: it compares what the schedules named
with what the ledger tells, while the read models are known to reach. Nothing but its own end ends it; a look that
fails or hangs is given up and told, and the next one goes on where it was. One look takes `OVERDUE_LOOK_JOB_COUNT_MAX`
jobs at most, in the order of ids, so that any number of jobs is gone through, in pages and beside the event loop.
What was found stays found until the same job is looked at again.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from horolog.limits import (
    OVERDUE_KEPT_COUNT_MAX,
    OVERDUE_LOOK_INTERVAL_S,
    OVERDUE_LOOK_JOB_COUNT_MAX,
    OVERDUE_LOOK_S_MAX,
    OVERDUE_NAMED_COUNT_MAX,
    OVERDUE_PAGE_JOB_COUNT,
    OVERDUE_S,
)
from horolog.log.port import Log, LogError
from horolog.ports import Clock
from horolog.verify import Calendar
from horolog.verify.zones import zone_data_version
from projections.views import OwnerView, ReadModel, ReadModelUnavailable
from services.api.overdue import Findings, Frontier, Overdue, latest_fires
from services.api.patience import within
from services.api.reach import Reach

_logger = logging.getLogger(__name__)
_FIRST_ID = "00000000-0000-0000-0000-000000000000"
_SETTLED = timedelta(seconds=2 * OVERDUE_S)

OnOverdue = Callable[[Mapping[str, int]], None]
"""Told after each look how many jobs are overdue, by tenant; a tenant that is not named has none."""


class ScheduleWatch:
    """Looks again and again; `findings` are the latest. `failures` counts defects."""

    def __init__(
        self, log: Log, read_model: ReadModel, clock: Clock, on_overdue: OnOverdue = lambda counts: None
    ) -> None:
        self.findings = Findings()
        self.failures = 0
        self._log = log
        self._read_model = read_model
        self._clock = clock
        self._on_overdue = on_overdue
        self._reach = Reach(log, read_model, clock)
        self._calendar = Calendar()
        self._after_id = _FIRST_ID
        # In the order of ids: those found since the present sweep began, and those of the last one that it has not
        # come to yet. So each job stands in one of them at most.
        self._newer: list[Overdue] = []
        self._older: deque[Overdue] = deque()
        self._untold_count = 0
        self._told_count = 0

    async def run(self) -> None:
        """Look until cancelled. The first look waits for the interval: a system that starts is catching up."""
        while True:
            await self._clock.sleep(OVERDUE_LOOK_INTERVAL_S)
            try:
                await within(OVERDUE_LOOK_S_MAX, self.look())
            except (LogError, ReadModelUnavailable, TimeoutError) as error:
                _logger.warning("the schedules cannot be looked at: %s", str(error) or type(error).__name__)
            except Exception:
                self.failures += 1
                _logger.exception("looking at the schedules failed")

    async def look(self) -> None:
        """Look at the next jobs, in pages.

        Raises:
            LogError, ReadModelUnavailable: nobody can say at present what is overdue.
        """
        await self._reach.look()
        behind = self._reach.behind()
        reached = {p: at for p, at in self._reach.reached.items() if p not in behind}
        owners = await self._read_model.owners()
        frontier = Frontier(reached, _zone_data_from(owners), self._log.partition_count)
        self._told_count = self._untold_count = 0
        for _ in range(OVERDUE_LOOK_JOB_COUNT_MAX // OVERDUE_PAGE_JOB_COUNT):
            if not await self._look_at_page(frontier):
                break
        if self._untold_count:
            _logger.warning("%d more schedules are overdue since this look", self._untold_count)
        overdue = (*self._newer, *self._older)
        counts = Counter(found.tenant_id for found in overdue)
        self.findings = Findings(self._clock.monotonic(), overdue, counts, behind)
        self._on_overdue(counts)

    async def _look_at_page(self, frontier: Frontier) -> bool:
        """Look at the next page; whether there are more in this sweep."""
        page = await self._read_model.active_schedules(self._after_id, OVERDUE_PAGE_JOB_COUNT)
        fires, unreadable = await asyncio.to_thread(latest_fires, page, frontier, self._calendar)
        found = list(unreadable)
        if fires:
            owed = [fire for _, fire in fires.values()]
            for id_ in await self._read_model.unaccounted_fires(owed, self._clock.now() - _SETTLED):
                schedule, fire = fires[id_]
                found.append(Overdue(schedule.tenant_id, schedule.job_id, fire.at))
        found.sort(key=lambda one: one.job_id)
        is_last = len(page) < OVERDUE_PAGE_JOB_COUNT
        self._take(found, None if is_last else page[-1].job_id)
        return not is_last

    def _take(self, found: Sequence[Overdue], until_id: str | None) -> None:
        """What was found in the page up to `until_id` (None: to the end) replaces what was known of its jobs."""
        known = set()
        while self._older and (until_id is None or self._older[0].job_id <= until_id):
            known.add(self._older.popleft().job_id)
        for one in found:
            if one.job_id not in known:
                self._tell(one)
        over = known - {one.job_id for one in found}
        if over:
            _logger.info("%d schedules are no longer overdue", len(over))
        self._newer.extend(found)
        if until_id is None or len(self._newer) >= OVERDUE_KEPT_COUNT_MAX:
            self._older, self._newer, self._after_id = deque(self._newer), [], _FIRST_ID
        else:
            self._after_id = until_id

    def _tell(self, one: Overdue) -> None:
        if self._told_count >= OVERDUE_NAMED_COUNT_MAX:
            self._untold_count += 1
            return
        self._told_count += 1
        words = "a schedule that is in force since %s cannot be understood: it does not fire"
        if not one.is_unreadable:
            words = "a schedule is overdue: nothing tells of its instant %s"
        where = {"tenant_id": one.tenant_id, "job_id": one.job_id}
        _logger.warning(words, one.since.isoformat(), extra=where)


def _zone_data_from(owners: Sequence[OwnerView]) -> Mapping[int, float]:
    """For each partition since when its instants are computed by the time zone data that are installed here."""
    own = zone_data_version()
    latest = {owner.partition: owner.zone_data[-1] for owner in owners if owner.role == "ticker" and owner.zone_data}
    return {p: datetime.fromisoformat(use["after"]).timestamp() for p, use in latest.items() if use["version"] == own}

"""One job's owed instants, merged with its rows in the order of their instants.

Guarantee: one pass over both, and memory that does not grow with either. Each owed instant is accounted for by one
row, or by one range of missed instants; whatever is left over on either side is a finding. A hole of many instants
is one finding with their count.
"""

import math
from itertools import islice

from horolog.limits import LOOKAHEAD_S
from horolog.verify.calendar import Calendar
from horolog.verify.findings import Finding, Kind, Tally, Window
from horolog.verify.history import JobHistory
from horolog.verify.judging import CLOCKS_APART_S_MAX, flaws
from horolog.verify.rows import LedgerRow

AHEAD_S_MAX = LOOKAHEAD_S + CLOCKS_APART_S_MAX
"""How long before its instant a fire may have been admitted: the lookahead, and clocks that disagree."""
CHECKED_EVERY = 1024


class JobMatch:
    """The merge for one job: `take` its rows in order, then `finish`.

    Raises:
        UnreadableSchedule: a version of the job means nothing.
        TooMuchWork: as `Tally.check_work`.
    """

    def __init__(self, job: JobHistory, window: Window, calendar: Calendar, tally: Tally) -> None:
        self._job = job
        self._window = window
        self._calendar = calendar
        self._tally = tally
        self._owed = job.owed(calendar, window.begin_s - 1, window.end_s - 1)
        self._next = next(self._owed, None)
        self._covered_s = -math.inf
        self._hole: tuple[int, int, int] | None = None

    def take(self, row: LedgerRow) -> None:
        """Account for the row."""
        if row.trigger_type == "scheduled":
            if row.missed_until_s is not None:
                self._take_range(row, row.missed_until_s)
            elif row.scheduled_s == self._next:
                self._account(row.scheduled_s)
            else:
                self._take_unexpected(row)
        if row.status == "completed" and row.reason is None and row.attempt > 0:
            started_s = row.started_s
            if started_s is not None and started_s >= row.scheduled_s:
                return
        for kind, text in flaws(row, self._job, self._window.now_s):
            self._tally.find_in(self._job, kind, row.scheduled_s, text, row.execution_id)

    def finish(self) -> None:
        """Take note of what no row has told of."""
        self._miss_until(self._window.end_s)
        self._close_hole()

    def _account(self, until_s: float) -> None:
        """The next owed instant has its row."""
        self._tally.owed_count += 1
        self._next = next(self._owed, None)
        self._covered_s = until_s
        if self._hole is not None:
            self._close_hole()

    def _take_unexpected(self, row: LedgerRow) -> None:
        """A row whose instant is not the next one owed."""
        at_s = row.scheduled_s
        if at_s <= self._covered_s:
            self._find(Kind.DOUBLE, row, "another row has accounted for this instant")
            return
        self._miss_until(at_s)
        if self._next == at_s:
            self._account(at_s)
            return
        self._covered_s = at_s
        if self._was_admitted_ahead(row):
            self._tally.ahead_count += 1
        else:
            self._find(Kind.UNEXPLAINED, row, "no version of the job owed this instant")

    def _was_admitted_ahead(self, row: LedgerRow) -> bool:
        """Whether the row was admitted, as it is, a moment before a change took its instant away."""
        ahead_s = row.scheduled_s - row.created_s
        if not row.scheduled_s.is_integer() or not 0 <= ahead_s <= AHEAD_S_MAX:
            return False
        return self._job.named_at(self._calendar, row.created_s, int(row.scheduled_s))

    def _take_range(self, row: LedgerRow, until_s: float) -> None:
        """A row that stands for all missed instants of a range."""
        at_s, window = row.scheduled_s, self._window
        overlaps = at_s <= self._covered_s
        if overlaps:
            self._find(Kind.DOUBLE, row, "its range overlaps instants that another row has accounted for")
        self._miss_until(at_s)
        count = 0
        while self._next is not None and self._next <= until_s:
            count += 1
            self._account(until_s)
        self._covered_s = max(self._covered_s, until_s)
        if overlaps or at_s < window.begin_s or until_s >= window.end_s:
            count = self._count(at_s, until_s, row.missed_count or 0)
        if count != row.missed_count:
            told = f"{row.missed_count} instants are told to be missed, but {count} were owed in the range"
            self._find(Kind.UNEXPLAINED, row, told)

    def _count(self, at_s: float, until_s: float, enough: int) -> int:
        """How many instants were owed in the range, or one more than `enough`."""
        owed = self._job.owed(self._calendar, math.ceil(at_s) - 1, math.floor(until_s))
        return sum(1 for _ in islice(owed, enough + 1))

    def _miss_until(self, end_s: float) -> None:
        """Every owed instant before `end_s` is missing."""
        tally = self._tally
        while self._next is not None and self._next < end_s:
            first, _, count = self._hole or (self._next, 0, 0)
            self._hole = (first, self._next, count + 1)
            tally.owed_count += 1
            if tally.owed_count % CHECKED_EVERY == 0:
                tally.check_work()
            self._next = next(self._owed, None)

    def _close_hole(self) -> None:
        if self._hole is not None:
            first, last, count = self._hole
            text = "no row tells of it" if count == 1 else f"no row tells of these {count} instants"
            job = self._job
            text += job.told_zone_data(first, last)
            self._tally.find(Finding(Kind.MISSING, job.tenant_id, job.job_id, first, last, text, count))
            self._hole = None

    def _find(self, kind: Kind, row: LedgerRow, text: str) -> None:
        self._tally.find_in(self._job, kind, row.scheduled_s, text, row.execution_id)

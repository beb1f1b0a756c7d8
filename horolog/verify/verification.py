"""A whole proof: jobs in the order of their ids, and all their rows in the order of (job, instant).

Guarantee: one pass; a job without rows and a row without a job are findings like any other. A job that cannot be
read is told, and its rows are only judged by themselves.
"""

from collections import deque
from collections.abc import Iterable, Sequence

from horolog.verify.calendar import Calendar
from horolog.verify.expression import UnreadableSchedule
from horolog.verify.findings import Finding, Kind, Report, Tally, Window
from horolog.verify.history import JobHistory
from horolog.verify.judging import flaws
from horolog.verify.matching import CHECKED_EVERY, JobMatch
from horolog.verify.rows import LedgerRow

FINDINGS_KEPT = 1000


class Verification:
    """One proof. For each page of jobs: `expect` them, `take` their rows in any number of parts, `settle`."""

    def __init__(
        self, window: Window, calendar: Calendar, findings_max: int = FINDINGS_KEPT, work_max: int | None = None
    ) -> None:
        self._window = window
        self._calendar = calendar
        self._tally = Tally(findings_max, work_max)
        self._waiting: deque[JobHistory] = deque()
        self._job: JobHistory | None = None
        self._match: JobMatch | None = None

    def expect(self, jobs: Sequence[JobHistory]) -> None:
        """The next jobs, in the order of their ids.

        Raises:
            TooMuchWork: there is more than the limit allows.
        """
        self._waiting.extend(jobs)
        self._tally.version_count += sum(len(job.versions) for job in jobs)
        self._tally.check_work()

    def take(self, rows: Iterable[LedgerRow]) -> None:
        """The next rows.

        Raises:
            TooMuchWork: there is more than the limit allows.
        """
        tally = self._tally
        for row in rows:
            tally.row_count += 1
            if tally.row_count % CHECKED_EVERY == 0:
                tally.check_work()
            job = self._job
            if job is None or row.job_id != job.job_id:
                job = self._go_to(row.job_id)
            if job is None or row.tenant_id != job.tenant_id:
                self._find_stranger(row)
            elif self._match is None:
                self._judge_alone(row, job)
            else:
                self._match_row(self._match, row, job)

    def settle(self) -> None:
        """All rows of the jobs expected so far have been taken.

        Raises:
            TooMuchWork: there is more than the limit allows.
        """
        self._close()
        while self._waiting:
            self._open(self._waiting.popleft())
            self._close()
        self._tally.check_work()

    def report(self) -> Report:
        """What came of it."""
        return self._tally.report(self._window)

    def _go_to(self, job_id: str) -> JobHistory | None:
        """The job of that id, once those before it are done with; None when it is not among those expected."""
        while self._waiting and self._waiting[0].job_id <= job_id:
            self._close()
            self._open(self._waiting.popleft())
        return self._job if self._job is not None and self._job.job_id == job_id else None

    def _open(self, job: JobHistory) -> None:
        self._job, self._match = job, None
        self._tally.job_count += 1
        try:
            if job.flaw is not None:
                raise UnreadableSchedule(job.flaw)
            self._match = JobMatch(job, self._window, self._calendar, self._tally)
        except UnreadableSchedule as error:
            self._find_unreadable(job, error)

    def _match_row(self, match: JobMatch, row: LedgerRow, job: JobHistory) -> None:
        try:
            match.take(row)
        except UnreadableSchedule as error:
            self._match = None
            self._find_unreadable(job, error)

    def _close(self) -> None:
        job, match = self._job, self._match
        self._job = self._match = None
        if job is None or match is None:
            return
        try:
            match.finish()
        except UnreadableSchedule as error:
            self._find_unreadable(job, error)

    def _find_unreadable(self, job: JobHistory, error: UnreadableSchedule) -> None:
        self._tally.find_in(job, Kind.UNREADABLE, self._window.begin_s, str(error))

    def _find_stranger(self, row: LedgerRow) -> None:
        text = "there is no such job, or it is another tenant's"
        at_s = row.scheduled_s
        self._tally.find(
            Finding(Kind.UNEXPLAINED, row.tenant_id, row.job_id, at_s, at_s, text, execution_id=row.execution_id)
        )

    def _judge_alone(self, row: LedgerRow, job: JobHistory) -> None:
        for kind, text in flaws(row, job, self._window.now_s):
            self._tally.find_in(job, kind, row.scheduled_s, text, row.execution_id)

"""Whether a worker that gives signs of life also works, as far as its beats and reports tell.

A worker stalls in one of two ways: it does not take what it is handed (no beat names it), or it starts nothing of what
it holds although the instant has come and there is room. Guarantee: a stall is concluded only from beats that were
sent at least `WORKER_PROGRESS_S` after it could have done better. A worker that is full, a beat that comes late, a
clock that is wrong, and a hand-over that took long to be written are no stall.

A worker that stalls is set aside: it gets nothing until it has shown progress with what it had not taken or started,
or begun anew. After a rest, longer with each stall, one attempt is handed to it to see whether it works again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from horolog.domain.execution import Execution
from horolog.limits import REPORT_UNTOLD_S, WORKER_PROGRESS_S, WORKER_REST_S, WORKER_REST_S_MAX
from schemas.events.results import AttemptReport, ProgressReported
from schemas.events.workers import HeldAttempt, Stall, WorkerBeat

PROGRESS = timedelta(seconds=WORKER_PROGRESS_S)
UNTOLD = timedelta(seconds=REPORT_UNTOLD_S)
_LAG_GROWTH = timedelta(milliseconds=10)
"""By how much a worker's clock may fall behind from beat to beat. Beats that are late come later all at once."""


STALL_WORDS = MappingProxyType(
    {
        Stall.TAKES_NOTHING: "it does not take what it is handed",
        Stall.STARTS_NOTHING: "it starts nothing of what it holds",
    }
)


@dataclass(slots=True)
class Progress:
    """What is known of one worker's progress. All instants are those of the dispatcher's clock.

    `sent_at` is when its last beat was sent, `moved_at` when the last that told of a start or an end was, `full_at`
    when the last was at which it held all that it is willing to hold. With the attempts `owed`, or with the one that it
    is `tried` with, it is to show that it works again.
    """

    sent_at: datetime
    moved_at: datetime
    full_at: datetime
    lag: timedelta
    begun_at: datetime
    running_count: int
    finished_count: int
    capacity: int
    stall: Stall | None = None
    owed: set[HeldAttempt] = field(default_factory=set)
    tried: HeldAttempt | None = None
    rests_until: datetime | None = None
    stall_count: int = 0
    running_count_then: int = 0

    @classmethod
    def first_heard(cls, beat: WorkerBeat, now: datetime) -> "Progress":
        """Nothing is held against a worker that has just been heard of."""
        return cls(
            sent_at=now,
            moved_at=now,
            full_at=now,
            lag=now - beat.at,
            begun_at=beat.started_at,
            running_count=beat.running_count,
            finished_count=beat.finished_count,
            capacity=beat.capacity,
        )

    @property
    def is_on_trial(self) -> bool:
        """Whether one attempt may be handed to it, to see what becomes of it."""
        return self.stall is not None and self.rests_until is None and self.tried is None

    def hear(self, beat: WorkerBeat, now: datetime) -> None:
        """Take a beat into account.

        When it was sent is told by the worker's own clock, and by how far that was off at the quickest of its beats:
        the time at which a beat is heard says nothing when the log is slow.
        """
        self.lag = min(now - beat.at, self.lag + _LAG_GROWTH)
        self.sent_at = beat.at + self.lag
        counts = (beat.running_count, beat.finished_count)
        if counts != (self.running_count, self.finished_count) or beat.running_count >= beat.capacity:
            self.moved_at = self.sent_at
        if len(beat.held) >= beat.capacity + beat.prefetch:
            self.full_at = self.sent_at
        self.running_count, self.finished_count = counts
        self.capacity = beat.capacity
        if self.stall is not None and self._shows_progress(beat):
            self._works_again()

    def hear_report(self, report: AttemptReport) -> None:
        """Take a report into account: who tells of an attempt has taken it, and may have started it."""
        attempt = HeldAttempt(execution_id=report.execution_id, attempt=report.attempt)
        if self.stall is None or not (attempt in self.owed or attempt == self.tried):
            return
        is_started = isinstance(report, ProgressReported) or getattr(report, "started_at", None) is not None
        if self.stall is Stall.TAKES_NOTHING or is_started:
            self._works_again()

    def is_untaken(self, since: datetime) -> bool:
        """Whether the worker has left alone for too long what it could have taken since then."""
        return self.sent_at - max(since, self.full_at) >= PROGRESS

    def is_unstarted(self, since: datetime, other_count: int) -> bool:
        """Whether it has left alone what it could have started since then.

        `other_count` of those that run are known to take no room from it. Where an attempt has begun or ended since, or
        in the same beat, it may be that one, and the report of its end be still to come.
        """
        allowed = PROGRESS if self.moved_at < since else UNTOLD
        has_room = self.running_count <= other_count and self.running_count < self.capacity
        return has_room and self.sent_at - max(since, self.moved_at) >= allowed

    def set_aside(self, stall: Stall, owed: Iterable[HeldAttempt], now: datetime) -> None:
        """Hand nothing to the worker from now on."""
        rest_s = min(WORKER_REST_S * 2.0 ** min(self.stall_count, 16), WORKER_REST_S_MAX)
        self.stall, self.stall_count = stall, self.stall_count + 1
        self.rests_until = now + timedelta(seconds=rest_s)
        self.running_count_then = self.running_count
        self.owed.update(owed)
        self.tried = None

    def owes(self, execution: Execution) -> bool:
        """Whether the worker was set aside with this attempt in its hands."""
        return (
            bool(self.owed) and HeldAttempt(execution_id=execution.execution_id, attempt=execution.attempt) in self.owed
        )

    def pass_time(self, now: datetime) -> None:
        """Let the rest end."""
        if self.rests_until is not None and now >= self.rests_until:
            self.rests_until = None

    def handed(self, execution_id: str, attempt: int) -> None:
        """The worker was handed an attempt."""
        if self.stall is not None:
            self.tried = HeldAttempt(execution_id=execution_id, attempt=attempt)

    def released(self, execution_id: str) -> None:
        """The attempt is in its hands no longer, for whatever reason."""
        if self.tried is not None and self.tried.execution_id == execution_id:
            self.owed.add(self.tried)
            self.tried = None

    def _shows_progress(self, beat: WorkerBeat) -> bool:
        if self.stall is Stall.TAKES_NOTHING:
            return any(attempt in self.owed or attempt == self.tried for attempt in beat.held)
        return beat.running_count > self.running_count_then

    def _works_again(self) -> None:
        self.stall = self.rests_until = self.tried = None
        self.stall_count = 0
        self.owed.clear()

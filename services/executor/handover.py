"""A task on its way from the dispatcher to this worker, and what two clocks say of when it may start.

The dispatcher hands a task out `DISPATCH_AHEAD_S` ahead of its instant by its own clock, and dates the record. A worker
that looked at its own clock alone would start that much too early whenever its clock is ahead.

Guarantee: an attempt starts no earlier than its worker's wall clock allows, and, as long as the dispatcher's clock is
not ahead, no earlier than its instant by true time but for `TASK_TRANSIT_S`: two clocks that differ by less look like
a transit. A clock that is stepped ahead while the attempt waits makes no difference.

Cost: what took longer than `TASK_TRANSIT_S` (a backlog) looks like a clock that is ahead. What was sent ahead then
starts up to `DISPATCH_AHEAD_S` later than it might.
"""

from dataclasses import dataclass

from horolog.limits import TASK_TRANSIT_S
from schemas.codec import Headers
from schemas.events.workers import TaskAssigned


@dataclass(frozen=True, slots=True)
class HandOver:
    """A task and when it was sent, a POSIX timestamp by the dispatcher's clock; the headers that it came with."""

    task: TaskAssigned
    sent_at: float
    headers: Headers = ()

    def wait_s(self, received_at: float) -> float:
        """How long after its receipt the attempt waits at least, whatever the worker's wall clock says meanwhile.

        `received_at` is the wall time of the receipt. When both clocks may be right it counts, otherwise the
        dispatcher's time does, as if the task had arrived the moment it was sent.
        """
        is_plausible = 0.0 <= received_at - self.sent_at <= TASK_TRANSIT_S
        return max(0.0, self.task.not_before.timestamp() - (received_at if is_plausible else self.sent_at))

"""What is settled and must not be owed again, although nothing of it is open any more.

Two things could have an instant decided twice: a fire that ended before its instant came, whose job then gets another
schedule that names the instant, too; and a clock that is put back, after which a change would take effect before
instants that were decided on already.

Guarantee: no change takes effect before anything that this partition's owners, past and present, have decided on; and
a fire that ended ahead of its instant is known until no change can owe that instant any more.
"""

from collections.abc import Iterator
from datetime import datetime

from horolog.domain.execution import Execution
from schemas.events.executions import TriggerType


class Settled:
    """The latest time of any decision, and the fires that ended before their instants."""

    def __init__(self) -> None:
        self.latest: datetime | None = None
        self._ahead: dict[str, Execution] = {}

    def reach(self, now: datetime) -> datetime:
        """Decisions are made, or were made by an earlier owner, at this time by its clock; the latest of all times."""
        self.latest = now if self.latest is None else max(self.latest, now)
        for execution_id in [i for i, e in self._ahead.items() if e.scheduled_for <= self.latest]:
            del self._ahead[execution_id]
        return self.latest

    def in_force_from(self, now: datetime) -> datetime:
        """When a change that is decided on now can take effect."""
        return now if self.latest is None else max(now, self.latest)

    def end(self, execution: Execution, at: datetime) -> None:
        """Take note of the end of an execution."""
        if execution.trigger_type is TriggerType.SCHEDULED and execution.scheduled_for > at:
            self._ahead[execution.execution_id] = execution

    def knows(self, fire_id: str) -> bool:
        """Whether this fire ended ahead of its instant."""
        return fire_id in self._ahead

    def instants_of(self, job_id: str) -> list[datetime]:
        """The instants of the job whose fires ended ahead of them."""
        return [execution.scheduled_for for execution in self._ahead.values() if execution.job_id == job_id]

    def marks(self) -> Iterator[int]:
        """Offsets in the ledger from which a successor has to read to know the same."""
        return (execution.log_mark for execution in self._ahead.values())

"""The executions of one job without an end, by what they wait for, each in an order that follows from the ledger."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

from horolog.domain.execution import Execution, Stage


class Going(Sequence[Execution]):
    """Some of a book's executions, by their ids. Counting them and naming the first costs nothing."""

    def __init__(self, ids: Collection[str], executions: Mapping[str, Execution]) -> None:
        self._ids = ids
        self._executions = executions

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Execution]:
        return (self._executions[execution_id] for execution_id in self._ids)

    @overload
    def __getitem__(self, index: int) -> Execution: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Execution]: ...

    def __getitem__(self, index: int | slice) -> Execution | Sequence[Execution]:
        return next(iter(self)) if index == 0 and self._ids else list(self)[index]


@dataclass(slots=True)
class Line:
    """One job's executions. `going` were handed out and keep their slot; the longest that does comes first.

    `timely` and `late` wait, in the order in which their instants came; `late` are those that catch up.
    `catching_up` are all that do and were not handed out, in the order in which they were admitted.
    """

    open: dict[str, None] = field(default_factory=dict)
    going: dict[str, None] = field(default_factory=dict)
    timely: dict[str, None] = field(default_factory=dict)
    late: dict[str, None] = field(default_factory=dict)
    catching_up: dict[str, None] = field(default_factory=dict)
    going_late_count: int = 0
    ready_count: int = 0

    @property
    def going_timely_count(self) -> int:
        """How many of those with a slot do not catch up."""
        return len(self.going) - self.going_late_count

    @property
    def timely_count(self) -> int:
        """How many that do not catch up go on or wait, their instants come."""
        return self.going_timely_count + len(self.timely)

    @property
    def is_settled(self) -> bool:
        """Whether all that waits has been given a slot."""
        return len(self.timely) + len(self.late) == self.ready_count

    def keep(self, before: Execution | None, after: Execution) -> None:
        """Follow an execution from one state to the next."""
        name = after.execution_id
        if before is None:
            self.open[name] = None
        if after.catch_up and after.attempt == 0:
            self.catching_up[name] = None
        else:
            self.catching_up.pop(name, None)
        place = self._place(after)
        old_place = None if before is None else self._place(before)
        if old_place is not place:
            if old_place is not None:
                self._remove(after, old_place)
            if place is not None:
                place[name] = None
                self.going_late_count += after.catch_up and place is self.going
        self.ready_count += _is_ready(after) - (before is not None and _is_ready(before))

    def drop(self, execution: Execution) -> None:
        """Forget an execution that has ended."""
        place = self._place(execution)
        if place is not None:
            self._remove(execution, place)
        self.open.pop(execution.execution_id, None)
        self.catching_up.pop(execution.execution_id, None)
        self.ready_count -= _is_ready(execution)

    def _remove(self, execution: Execution, place: dict[str, None]) -> None:
        del place[execution.execution_id]
        self.going_late_count -= execution.catch_up and place is self.going

    def _place(self, execution: Execution) -> dict[str, None] | None:
        if execution.attempt > 0:
            return self.going
        if execution.stage is Stage.PLANNED:
            return None
        return self.late if execution.catch_up else self.timely


def _is_ready(execution: Execution) -> bool:
    return execution.attempt == 0 and execution.stage is Stage.READY

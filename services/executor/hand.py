"""The held attempts: which wait for their instant, which are ready, which run.

Guarantee: an attempt number that was taken in once is never taken in again, as far as memory reaches
(`REMEMBERED_COUNT`); of two attempts of one execution only the newer is taken in. Of ready attempts tenants' leave in
turn, a tenant's by priority, highest first, then by their instant, as far as their job type has room (`ready` says when
that is put aside for a moment). None is ready before both its monotonic second and its instant by the wall clock have
come.
"""

import heapq
from collections.abc import Iterator, Mapping

from horolog.domain.fairness import Turns
from schemas.jobs import JobType
from services.executor.attempt import Held
from services.executor.ready import Ready, Turn
from services.executor.runner import Runner

REMEMBERED_COUNT = 50_000
"""How many attempts that are over, or were revoked before they came, are remembered against repeats."""

_Waiting = tuple[float, int, Held]
_NEVER = float("inf")
_WAITING_COUNT = 64


class Hand:
    """What one worker holds. `capacity` attempts may run in all, and of each type as many as its runner takes."""

    def __init__(self, capacity: int, runners: Mapping[JobType, Runner]) -> None:
        self._room = {type_: runner.capacity for type_, runner in runners.items()}
        self._capacity = capacity
        self._latest: dict[str, Held] = {}
        self._superseded: set[Held] = set()
        self._kept_back: list[_Waiting] = []
        self._waiting: list[_Waiting] = []
        turns = Turns()
        self._ready = {type_: Ready(turns, runner.warmth) for type_, runner in runners.items()}
        self.running: set[Held] = set()
        self._past: dict[str, int] = {}
        self._revoked: dict[str, int] = {}
        self._taken_count = 0
        self._waiting_count_max = _WAITING_COUNT

    def __len__(self) -> int:
        return len(self._latest) + len(self._superseded)

    def __iter__(self) -> Iterator[Held]:
        yield from self._latest.values()
        yield from self._superseded

    def find(self, execution_id: str) -> Held | None:
        """The newest held attempt of the execution."""
        return self._latest.get(execution_id)

    def is_known(self, execution_id: str, attempt: int) -> bool:
        """Whether this attempt, or a newer one of the execution, is held or was."""
        held = self._latest.get(execution_id)
        if held is not None and held.attempt >= attempt:
            return True
        return self._past.get(execution_id, 0) >= attempt

    def was_revoked(self, execution_id: str, attempt: int) -> bool:
        """Whether the attempt was revoked before it came."""
        return self._revoked.get(execution_id, 0) >= attempt

    def remember_revoked(self, execution_id: str, attempt: int) -> None:
        """The attempt, not known so far, is not to run when it comes."""
        _remember(self._revoked, execution_id, attempt)

    def take_in(self, held: Held) -> Held | None:
        """Hold an attempt that is not known; returns the older one of the same execution, if that is held."""
        older = self._latest.get(held.execution_id)
        if older is not None:
            self._superseded.add(older)
        self._latest[held.execution_id] = held
        self._taken_count += 1
        if len(self._kept_back) + len(self._waiting) > self._waiting_count_max:
            self._drop_ended()
        heapq.heappush(self._kept_back, (held.earliest, self._taken_count, held))
        return older

    def next_to_run(self, now: float, monotonic: float) -> Held | None:
        """The attempt that is to start now, counted as running from here on."""
        while self._kept_back and self._kept_back[0][0] <= monotonic:
            _, count, held = heapq.heappop(self._kept_back)
            heapq.heappush(self._waiting, (held.due, count, held))
        while self._waiting and self._waiting[0][0] <= now:
            _, count, held = heapq.heappop(self._waiting)
            self._ready[held.task.job_type].push(held, count)
        if len(self.running) >= self._capacity:
            return None
        firsts: list[tuple[Turn, Ready]] = [
            (first, ready)
            for type_, ready in self._ready.items()
            if self._room[type_] > 0 and (first := ready.first()) is not None
        ]
        if not firsts:
            return None
        held = min(firsts, key=lambda pair: pair[0])[1].take(monotonic)
        self._room[held.task.job_type] -= 1
        self.running.add(held)
        return held

    def next_due(self) -> float:
        """The next instant that only the wall clock is behind of, a POSIX timestamp; infinite when there is none."""
        _drop_ended_first(self._waiting)
        return self._waiting[0][0] if self._waiting else _NEVER

    def next_earliest(self) -> float:
        """The next monotonic second that an attempt is kept back for; infinite when there is none."""
        _drop_ended_first(self._kept_back)
        return self._kept_back[0][0] if self._kept_back else _NEVER

    def let_go(self, held: Held) -> None:
        """The attempt is over."""
        if held in self.running:
            self.running.remove(held)
            self._room[held.task.job_type] += 1
        self._superseded.discard(held)
        if self._latest.get(held.execution_id) is held:
            del self._latest[held.execution_id]
        _remember(self._past, held.execution_id, max(held.attempt, self._past.get(held.execution_id, 0)))

    def _drop_ended(self) -> None:
        """Forget what has ended: it may stand behind what waits long."""
        for heap in (self._kept_back, self._waiting):
            heap[:] = [entry for entry in heap if entry[-1].ending is None]
            heapq.heapify(heap)
        self._waiting_count_max = _WAITING_COUNT + 2 * (len(self._kept_back) + len(self._waiting))


def _drop_ended_first(heap: list[_Waiting]) -> None:
    while heap and heap[0][-1].ending is not None:
        heapq.heappop(heap)


def _remember(memory: dict[str, int], execution_id: str, attempt: int) -> None:
    memory.pop(execution_id, None)
    memory[execution_id] = attempt
    if len(memory) > REMEMBERED_COUNT:
        del memory[next(iter(memory))]

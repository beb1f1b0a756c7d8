"""Whose turn it is: among tenants by their weights; within a tenant the timely first, by priority, then by instant.

Each tenant has a finish number, the work that it was given divided by its weight; the smallest is served. One that
comes back starts where the others are, so nobody saves up turns while it has nothing to do, and nobody pays for turns
that it took when nobody else wanted them (start-time fair queueing: Goyal, Vin and Cheng, SIGCOMM 1996).

Guarantee: of tenants that all wait, each is served in proportion to its weight, and never further from that than one
turn of each; while a tenant waits, no other of the same weight is served twice in a row. A tenant that may not be
served now (`is_open` says so) keeps its place and stands in nobody's way. Within a tenant nothing of lower priority
overtakes, and nothing that catches up overtakes what is timely. Who goes first among equals follows from their names,
not from when they came. Cost: O(log n) for each item. Memory: in proportion to the names that wait, and to the tenants
that were served since nobody waited last.
"""

import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from schemas.tenants import WEIGHT_MAX

_Entry = tuple[bool, int, datetime, str, int]
_KEPT_COUNT = 64
_TURN = 1 << 32
"""One turn of a tenant of weight 1; others' turns are whole parts of it, so that equals stay equal."""

assert WEIGHT_MAX < _TURN


class FairQueue:
    """Names waiting to be served. Removal is lazy: removed names are passed over.

    `weight_of` and `is_open` tell of a tenant its weight, and whether it may be served now; they are asked at each of
    its turns. Whoever was found closed is asked again after `reopen`.
    """

    __slots__ = (
        "_closed",
        "_entry_count",
        "_finish",
        "_heaps",
        "_is_open",
        "_now",
        "_sequence",
        "_tenant_of",
        "_turns",
        "_weight_of",
    )

    def __init__(
        self,
        weight_of: Callable[[str], int] = lambda _: 1,
        is_open: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._weight_of = weight_of
        self._is_open = is_open
        self._heaps: dict[str, list[_Entry]] = {}
        self._turns: list[tuple[int, int, str]] = []
        self._closed: dict[str, int] = {}
        self._finish: dict[str, int] = {}
        self._now = 0
        self._tenant_of: dict[str, tuple[str, int]] = {}
        self._sequence = 0
        self._entry_count = 0

    def __len__(self) -> int:
        return len(self._tenant_of)

    def __contains__(self, name: str) -> bool:
        return name in self._tenant_of

    def counts(self) -> Counter[str]:
        """How many names wait, by tenant."""
        return Counter(tenant_id for tenant_id, _ in self._tenant_of.values())

    @property
    def has_turns(self) -> bool:
        """Whether a tenant waits that was not found closed."""
        return bool(self._turns)

    def push(self, name: str, tenant_id: str, priority: int, instant: datetime, catch_up: bool = False) -> None:
        """Let `name` wait; a name that waits already keeps its place."""
        if name in self._tenant_of:
            return
        self._sequence += 1
        heap = self._heaps.get(tenant_id)
        if heap is None:
            heap = self._heaps[tenant_id] = []
            self._queue(tenant_id, max(self._now, self._finish.get(tenant_id, 0)))
        heapq.heappush(heap, (catch_up, -priority, instant, name, self._sequence))
        self._tenant_of[name] = (tenant_id, self._sequence)
        self._entry_count += 1
        if self._entry_count > _KEPT_COUNT + 2 * len(self._tenant_of):
            self._drop_removed()

    def remove(self, name: str) -> None:
        """Let `name` wait no longer; nothing happens when it does not."""
        self._tenant_of.pop(name, None)

    def reopen(self, tenant_id: str) -> None:
        """Ask again whether the tenant may be served, if it was found closed."""
        start = self._closed.pop(tenant_id, None)
        if start is not None:
            self._queue(tenant_id, max(self._now, start))

    def pop(self) -> str | None:
        """The next name in fair order, or None when nobody waits who may be served."""
        while self._turns:
            start, _, tenant_id = heapq.heappop(self._turns)
            if not self._is_open(tenant_id):
                self._closed[tenant_id] = start
                continue
            name = self._pop_of(tenant_id, start)
            if name is not None:
                return name
        return None

    def _pop_of(self, tenant_id: str, start: int) -> str | None:
        heap = self._heaps[tenant_id]
        while heap:
            _, _, _, name, sequence = heapq.heappop(heap)
            self._entry_count -= 1
            if self._tenant_of.get(name) == (tenant_id, sequence):
                del self._tenant_of[name]
                self._now = start
                finish = start + _TURN // self._weight_of(tenant_id)
                if heap:
                    self._queue(tenant_id, finish)
                else:
                    self._leave(tenant_id, finish)
                return name
        self._leave(tenant_id, start)
        return None

    def _queue(self, tenant_id: str, start: int) -> None:
        self._sequence += 1
        heapq.heappush(self._turns, (start, self._sequence, tenant_id))

    def _leave(self, tenant_id: str, finish: int) -> None:
        """Remember of one that waits no more where it would go on, as long as that is not where all others are."""
        del self._heaps[tenant_id]
        if not self._heaps:
            # Nobody waits: all begin anew, and none is ahead of another.
            self._finish.clear()
            return
        self._finish[tenant_id] = finish
        if len(self._finish) > 2 * len(self._heaps) + 64:
            self._finish = {known: value for known, value in self._finish.items() if value > self._now}

    def _drop_removed(self) -> None:
        """Forget the names that were removed: they may stand behind one that waits long."""
        for tenant_id, heap in self._heaps.items():
            heap[:] = [entry for entry in heap if self._tenant_of.get(entry[-2]) == (tenant_id, entry[-1])]
            heapq.heapify(heap)
        self._entry_count = len(self._tenant_of)

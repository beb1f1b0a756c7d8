"""Whose turn it is: among tenants in turn; within a tenant the timely first, by priority, then by nominal instant.

Guarantee: while a tenant waits, no other tenant of the same queue is served twice in a row; within a tenant nothing
of lower priority overtakes, and nothing that catches up overtakes what is timely. Who goes first among equals follows
from their names, not from when they came. Cost: O(log n) for each item.
"""

import heapq
from collections import deque
from datetime import datetime

_Entry = tuple[bool, int, datetime, str, int]


class FairQueue:
    """Names waiting to be served, one turn for each tenant. Removal is lazy: removed names are passed over."""

    __slots__ = ("_heaps", "_sequence", "_tenant_of", "_turns")

    def __init__(self) -> None:
        self._heaps: dict[str, list[_Entry]] = {}
        self._turns: deque[str] = deque()
        self._tenant_of: dict[str, tuple[str, int]] = {}
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._tenant_of)

    def __contains__(self, name: str) -> bool:
        return name in self._tenant_of

    def push(self, name: str, tenant_id: str, priority: int, instant: datetime, catch_up: bool = False) -> None:
        """Let `name` wait; a name that waits already keeps its place."""
        if name in self._tenant_of:
            return
        self._sequence += 1
        heap = self._heaps.get(tenant_id)
        if heap is None:
            heap = self._heaps[tenant_id] = []
            self._turns.append(tenant_id)
        heapq.heappush(heap, (catch_up, -priority, instant, name, self._sequence))
        self._tenant_of[name] = (tenant_id, self._sequence)

    def remove(self, name: str) -> None:
        """Let `name` wait no longer; nothing happens when it does not."""
        self._tenant_of.pop(name, None)

    def pop(self) -> str | None:
        """The next name in fair order, or None when nobody waits."""
        while self._turns:
            tenant_id = self._turns.popleft()
            name = self._pop_of(tenant_id)
            if name is not None:
                return name
        return None

    def _pop_of(self, tenant_id: str) -> str | None:
        heap = self._heaps[tenant_id]
        while heap:
            _, _, _, name, sequence = heapq.heappop(heap)
            if self._tenant_of.get(name) == (tenant_id, sequence):
                del self._tenant_of[name]
                self._turns.append(tenant_id)
                return name
        del self._heaps[tenant_id]
        return None

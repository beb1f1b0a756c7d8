"""Whose turn it is: among tenants by their weights; within a tenant the timely first, by priority, then by instant.

Each tenant has a next turn, the work that it was given divided by its weight; the smallest is served. One that comes
back starts where the others are, so nobody saves up turns while it has nothing to do, and nobody pays for turns that it
took when nobody else wanted them (start-time fair queueing: Goyal, Vin and Cheng, SIGCOMM 1996).

Guarantee: of tenants that all wait, each is served in proportion to its weight, and never further from that than one
turn of each; while a tenant waits, no other of the same weight is served twice in a row. A tenant that may not be
served now (`is_open` says so) keeps its place and stands in nobody's way. Within a tenant nothing of lower priority
overtakes, and nothing that catches up overtakes what is timely. Who goes first among equals follows from their names,
not from when they came. Cost: O(log n) for each item, taken together. Memory: in proportion to the names that wait, and
to the tenants that were served since nobody stood in line last.
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


class Turns:
    """The next turns of tenants. Several lines may share them: then a tenant has its turns over all of these.

    Who stands in no line saves up none, and none that was had is forgotten while anybody stands in one.
    """

    __slots__ = ("_kept_count_max", "_next", "_now", "_standing_count")

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._now = 0
        self._standing_count = 0
        self._kept_count_max = _KEPT_COUNT

    def __len__(self) -> int:
        """Of how many tenants something is remembered."""
        return len(self._next)

    def of(self, tenant_id: str) -> int:
        """The tenant's next turn: the smallest is served."""
        return self._next.get(tenant_id, self._now)

    def join(self, tenant_id: str) -> int:
        """A tenant stands in one line more; its next turn."""
        self._standing_count += 1
        turn = self._next[tenant_id] = max(self._now, self.of(tenant_id))
        return turn

    def leave(self) -> None:
        """Somebody stands in one line less. When nobody stands in any, all begin anew."""
        self._standing_count -= 1
        if self._standing_count == 0:
            self._next.clear()

    def take(self, tenant_id: str, weight: int = 1) -> None:
        """The tenant is served."""
        turn = self.of(tenant_id)
        self._now = max(self._now, turn)
        self._next[tenant_id] = turn + _TURN // weight
        if len(self._next) > self._kept_count_max:
            # The others' turn is now, remembered or not.
            self._next = {tenant: turn for tenant, turn in self._next.items() if turn > self._now}
            self._kept_count_max = _KEPT_COUNT + 2 * len(self._next)


class FairQueue:
    """Names waiting to be served. Removal is lazy: removed names are passed over.

    `weight_of` and `is_open` tell of a tenant its weight, and whether it may be served now; they are asked at each of
    its turns. Whoever was found closed stands in no line, and is asked again after `reopen`.
    """

    __slots__ = (
        *("_closed", "_entry_count", "_heaps", "_is_open", "_line"),
        *("_sequence", "_tenant_of", "_turns", "_weight_of"),
    )

    def __init__(
        self,
        weight_of: Callable[[str], int] = lambda _: 1,
        is_open: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._weight_of = weight_of
        self._is_open = is_open
        self._heaps: dict[str, list[_Entry]] = {}
        self._turns = Turns()
        self._line: list[tuple[int, int, str]] = []
        self._closed: set[str] = set()
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
        return bool(self._line)

    @property
    def remembered_count(self) -> int:
        """How much is remembered: of names that wait or were removed, and of tenants."""
        return self._entry_count + len(self._heaps) + len(self._turns)

    @property
    def closed(self) -> frozenset[str]:
        """Those that were found closed."""
        return frozenset(self._closed)

    def push(self, name: str, tenant_id: str, priority: int, instant: datetime, catch_up: bool = False) -> None:
        """Let `name` wait; a name that waits already keeps its place."""
        if name in self._tenant_of:
            return
        self._sequence += 1
        heap = self._heaps.get(tenant_id)
        if heap is None:
            heap = self._heaps[tenant_id] = []
            self._queue(tenant_id, self._turns.join(tenant_id))
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
        if tenant_id in self._closed:
            self._closed.remove(tenant_id)
            self._queue(tenant_id, self._turns.join(tenant_id))

    def pop(self) -> str | None:
        """The next name in fair order, or None when nobody waits who may be served."""
        while self._line:
            _, _, tenant_id = heapq.heappop(self._line)
            if not self._is_open(tenant_id):
                self._closed.add(tenant_id)
                self._turns.leave()
                continue
            name = self._pop_of(tenant_id)
            if name is not None:
                return name
        return None

    def _pop_of(self, tenant_id: str) -> str | None:
        heap = self._heaps[tenant_id]
        while heap:
            _, _, _, name, sequence = heapq.heappop(heap)
            self._entry_count -= 1
            if self._tenant_of.get(name) == (tenant_id, sequence):
                del self._tenant_of[name]
                self._turns.take(tenant_id, self._weight_of(tenant_id))
                if heap:
                    self._queue(tenant_id, self._turns.of(tenant_id))
                else:
                    self._leave(tenant_id)
                return name
        self._leave(tenant_id)
        return None

    def _queue(self, tenant_id: str, turn: int) -> None:
        self._sequence += 1
        heapq.heappush(self._line, (turn, self._sequence, tenant_id))

    def _leave(self, tenant_id: str) -> None:
        del self._heaps[tenant_id]
        self._turns.leave()

    def _drop_removed(self) -> None:
        """Forget the names that were removed: they may stand behind one that waits long."""
        for tenant_id, heap in self._heaps.items():
            heap[:] = [entry for entry in heap if self._tenant_of.get(entry[-2]) == (tenant_id, entry[-1])]
            heapq.heapify(heap)
        self._entry_count = len(self._tenant_of)
        for tenant_id in [tenant_id for tenant_id in self._closed if not self._heaps[tenant_id]]:
            # Who is in line leaves it at its turn.
            self._closed.remove(tenant_id)
            del self._heaps[tenant_id]

"""The attempts of one type that may start as soon as there is room: which of them is next.

Guarantee: tenants take turns, over all types together: of those whose attempts are ready none is served twice while
another, ready before, is not served at all. A tenant's own leave by priority, highest first, then by their instant; the
priority of one tenant is nothing to another. Where the runner keeps something for each tenant, such as a process, an
attempt that would take it from another tenant lets those go first that find theirs waiting. While there are such, one
attempt in `MOVE_INTERVAL_S` takes something all the same, the first: so nobody waits for ever, and making things anew
is a part of the work, and not most of it.
"""

import heapq

from horolog.domain.fairness import Turns
from services.executor.attempt import Held
from services.executor.runner import Warmth

MOVE_INTERVAL_S = 0.25
"""How often something is taken for a tenant while others find theirs: a process costs some 40 ms of CPU."""
_KEPT_COUNT = 64

Entry = tuple[int, float, int, Held]
"""The priority with its sign turned, the instant, a number of its own, the attempt."""
Turn = tuple[int, Entry]
"""The tenant's turn, and what it would begin with it."""


class Ready:
    """All ready attempts of one type. Those that have ended are passed over."""

    def __init__(self, turns: Turns, warmth: Warmth | None = None) -> None:
        self._turns = turns
        self._warmth = warmth
        self._of_tenant: dict[str, list[Entry]] = {}
        self._joined: dict[str, int] = {}
        self._queue: list[tuple[int, int, str]] = []
        self._count = 0
        self._count_max = _KEPT_COUNT
        self._moved_at = float("-inf")

    def __len__(self) -> int:
        """How many are kept, those included that have ended and were not come across yet."""
        return self._count

    def push(self, held: Held, number: int) -> None:
        """One more; `number` is this attempt's alone."""
        tenant_id = held.task.tenant_id
        if self._count >= self._count_max:
            self._drop_ended()
        entries = self._of_tenant.get(tenant_id)
        if entries is None:
            entries = self._of_tenant[tenant_id] = []
            self._joined[tenant_id] = number
            heapq.heappush(self._queue, (self._turns.join(tenant_id), number, tenant_id))
        heapq.heappush(entries, (-held.task.priority, held.due, number, held))
        self._count += 1

    def first(self) -> Turn | None:
        """The first attempt of the tenant whose turn it is."""
        while self._queue:
            turn, number, tenant_id = self._queue[0]
            entry, present = self._clear(tenant_id), self._turns.of(tenant_id)
            is_there = entry is not None and self._joined[tenant_id] == number
            if entry is not None and is_there and turn == present:
                return turn, entry
            heapq.heappop(self._queue)
            if is_there:
                # Served meanwhile, with this type or another.
                heapq.heappush(self._queue, (present, number, tenant_id))
        return None

    def take(self, monotonic: float) -> Held:
        """The one that is to start now; only while `first` is not None."""
        _, entry = self._chosen(monotonic)
        tenant_id = entry[-1].task.tenant_id
        heapq.heappop(self._of_tenant[tenant_id])
        self._count -= 1
        self._turns.take(tenant_id)
        self._clear(tenant_id)
        return entry[-1]

    def _chosen(self, monotonic: float) -> Turn:
        first, warmth = self.first(), self._warmth
        assert first is not None, "nothing is ready"
        if warmth is None or warmth.has_room_for(first[1][-1].task.tenant_id):
            return first
        idle = ((tenant_id, self._clear(tenant_id)) for tenant_id in warmth.idle_tenants())
        rivals = [(self._turns.of(tenant_id), entry) for tenant_id, entry in idle if entry is not None]
        if rivals and monotonic - self._moved_at < MOVE_INTERVAL_S:
            return min(rivals)
        self._moved_at = monotonic
        return first

    def _clear(self, tenant_id: str) -> Entry | None:
        """Drop what has ended from the front of the tenant's; its first, if there is one."""
        entries = self._of_tenant.get(tenant_id)
        while entries and entries[0][-1].ending is not None:
            heapq.heappop(entries)
            self._count -= 1
        if entries:
            return entries[0]
        if entries is not None:
            del self._of_tenant[tenant_id], self._joined[tenant_id]
            self._turns.leave()
        return None

    def _drop_ended(self) -> None:
        """Forget all that has ended: it may stand behind what waits long."""
        for entries in self._of_tenant.values():
            entries[:] = [entry for entry in entries if entry[-1].ending is None]
            heapq.heapify(entries)
        self._count = sum(map(len, self._of_tenant.values()))
        self._count_max = _KEPT_COUNT + 2 * self._count

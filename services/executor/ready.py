"""The attempts of one type that may start as soon as there is room: which of them is next.

Guarantee: they leave by priority, highest first, then by their instant. Where the runner keeps something for each
tenant, such as a process, an attempt that would take it from another tenant lets those of the same priority go first
that find theirs waiting. While there are such, one attempt in `MOVE_INTERVAL_S` takes something all the same, the
first: so nobody waits for ever, and making things anew is a part of the work, and not most of it.
"""

import heapq
from collections import defaultdict

from services.executor.attempt import Held
from services.executor.runner import Warmth

MOVE_INTERVAL_S = 0.25
"""How often something is taken for a tenant while others find theirs: a process costs some 40 ms of CPU."""

Entry = tuple[int, float, int, Held]
"""The priority with its sign turned, the instant, a number of its own, the attempt."""


class Ready:
    """All ready attempts of one type. Those that have ended are passed over."""

    def __init__(self, warmth: Warmth | None = None) -> None:
        self._warmth = warmth
        self._all: list[Entry] = []
        self._of_tenant: defaultdict[str, list[Entry]] = defaultdict(list)
        self._taken: set[int] = set()
        self._moved_at = float("-inf")

    def push(self, held: Held, number: int) -> None:
        """One more; `number` is this attempt's alone."""
        entry = (-held.task.priority, held.due, number, held)
        heapq.heappush(self._all, entry)
        if self._warmth is not None:
            heapq.heappush(self._of_tenant[held.task.tenant_id], entry)

    def first(self) -> Entry | None:
        """The one with the highest priority and the earliest instant."""
        while self._all and self._is_gone(self._all[0]):
            entry = heapq.heappop(self._all)
            self._clear(entry[-1].task.tenant_id)
            self._taken.discard(entry[2])
        return self._all[0] if self._all else None

    def take(self, monotonic: float) -> Held:
        """The one that is to start now; only while `first` is not None."""
        entry = self._chosen(monotonic)
        self._taken.add(entry[2])
        self._clear(entry[-1].task.tenant_id)
        return entry[-1]

    def _chosen(self, monotonic: float) -> Entry:
        first, warmth = self.first(), self._warmth
        assert first is not None, "nothing is ready"
        if warmth is None or warmth.has_room_for(first[-1].task.tenant_id):
            return first
        tops = (self._clear(tenant_id) for tenant_id in warmth.idle_tenants())
        rivals = [top for top in tops if top is not None and top[0] == first[0]]
        if rivals and monotonic - self._moved_at < MOVE_INTERVAL_S:
            return min(rivals)
        self._moved_at = monotonic
        return first

    def _is_gone(self, entry: Entry) -> bool:
        return entry[2] in self._taken or entry[-1].ending is not None

    def _clear(self, tenant_id: str) -> Entry | None:
        """Drop what is gone from the front of the tenant's; its first, if there is one."""
        entries = self._of_tenant.get(tenant_id)
        while entries and self._is_gone(entries[0]):
            heapq.heappop(entries)
        if entries:
            return entries[0]
        self._of_tenant.pop(tenant_id, None)
        return None

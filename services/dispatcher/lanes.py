"""Who waits for a worker: most for any, and in lanes of their own those for whom no worker with room would do.

Guarantee: what demands more of a worker than those with room give keeps nobody else waiting, costs nothing while it
waits, and takes turns with all others, one by one, once there is room where it may run. How many functions are waited
for is the tenants' to say, and slows nothing: only those are looked at that workers have registered.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from horolog.domain.fairness import FairQueue
from services.dispatcher.demand import PLAIN, Demand


class Lanes:
    """Queues in fair order, one for each demand that somebody waits with. A name is in one of them.

    `weight_of` and `is_open` tell of a tenant what `FairQueue` asks of it.
    """

    def __init__(
        self, weight_of: Callable[[str], int] = lambda _: 1, is_open: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._weight_of = weight_of
        self._is_open = is_open
        plain = FairQueue(weight_of, partial(self._may_be_served, PLAIN))
        self._queues: dict[Demand, FairQueue] = {PLAIN: plain}
        self._by_function: dict[str | None, dict[Demand, FairQueue]] = {None: {PLAIN: plain}}
        self._lanes: dict[str, Demand] = {}
        self._closed: dict[str, dict[Demand, None]] = {}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._lanes)

    def __contains__(self, name: str) -> bool:
        return name in self._lanes

    def lane(self, name: str) -> Demand | None:
        """The demand with which the name waits, if it does."""
        return self._lanes.get(name)

    def push(
        self,
        demand: Demand,
        name: str,
        tenant_id: str,
        priority: int,
        instant: datetime,
        catch_up: bool = False,
    ) -> None:
        """Let `name` wait for a worker that gives what is demanded; a name that waits already keeps its place."""
        if name in self._lanes:
            return
        queue = self._queues.get(demand)
        if queue is None:
            queue = FairQueue(self._weight_of, partial(self._may_be_served, demand))
            self._queues[demand] = self._by_function.setdefault(demand.function, {})[demand] = queue
        queue.push(name, tenant_id, priority, instant, catch_up)
        self._lanes[name] = demand

    def remove(self, name: str) -> None:
        """Let `name` wait no longer; nothing happens when it does not."""
        demand = self._lanes.pop(name, None)
        if demand is not None:
            self._queues[demand].remove(name)
            self._tidy(demand)

    def counts(self) -> dict[str, Counter[str]]:
        """How many wait, by the workers that would do (`any`, those that reach a level, or have `registered` the
        function) and by tenant."""
        found: dict[str, Counter[str]] = {}
        for demand, queue in self._queues.items():
            found.setdefault(_pool_of(demand), Counter()).update(queue.counts())
        return found

    @property
    def has_turns(self) -> bool:
        """Whether a tenant waits that was not found closed."""
        return any(queue.has_turns for queue in self._queues.values())

    def reopen(self, tenant_id: str) -> None:
        """Ask again whether the tenant may be served, if it was found closed."""
        for demand in self._closed.pop(tenant_id, ()):
            if (queue := self._queues.get(demand)) is not None:
                queue.reopen(tenant_id)

    def round(self, functions: Collection[str], is_met: Callable[[Demand], bool]) -> "Round":
        """Those that may be served as long as room goes away only: `functions` are all that workers have registered."""
        fewer, more = sorted((functions, self._by_function.keys()), key=len)
        names = (None, *(name for name in fewer if name in more))
        return Round(self, [demand for name in names for demand in self._by_function[name]], self._turn, is_met)

    def pop(self, demand: Demand) -> str | None:
        """The next in order of those that wait with this demand, or None when nobody may be served."""
        queue = self._queues.get(demand)
        name = None if queue is None else queue.pop()
        if name is not None:
            del self._lanes[name]
            self._tidy(demand)
            self._turn += 1
        return name

    def _may_be_served(self, demand: Demand, tenant_id: str) -> bool:
        if self._is_open(tenant_id):
            return True
        self._closed.setdefault(tenant_id, {})[demand] = None
        return False

    def _tidy(self, demand: Demand) -> None:
        if demand != PLAIN and not len(self._queues[demand]):
            for tenant_id in self._queues.pop(demand).closed:
                self._forget(tenant_id, demand)
            pool = self._by_function[demand.function]
            del pool[demand]
            if not pool:
                del self._by_function[demand.function]

    def _forget(self, tenant_id: str, demand: Demand) -> None:
        """Who is found closed has nothing in the lane any more."""
        demands = self._closed.get(tenant_id, {})
        demands.pop(demand, None)
        if not demands:
            self._closed.pop(tenant_id, None)


class Round:
    """Some of the lanes, one after the other. One that is not met, or has nobody to serve, is not looked at again."""

    def __init__(self, lanes: Lanes, demands: Collection[Demand], turn: int, is_met: Callable[[Demand], bool]) -> None:
        self._lanes = lanes
        self._is_met = is_met
        self._demands = deque(demands)
        # Rounds may be of one turn each: they go on where the last one ended, or the first lanes would be preferred.
        self._demands.rotate(-(turn % len(demands)))

    def pop(self) -> str | None:
        """The next in order among those whose demands a worker with room meets; None when there is none."""
        while self._demands:
            demand = self._demands.popleft()
            if self._is_met(demand) and (name := self._lanes.pop(demand)) is not None:
                self._demands.append(demand)
                return name
        return None


def _pool_of(demand: Demand) -> str:
    if demand.function is not None:
        return "registered"
    return "any" if demand == PLAIN else demand.isolation.value

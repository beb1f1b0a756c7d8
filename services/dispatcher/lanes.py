"""Who waits for a worker: most for any, and in lanes of their own those for whom no worker with room would do.

Guarantee: what demands more of a worker than those with room give keeps nobody else waiting, costs nothing while it
waits, and takes turns with all others, one by one, once there is room where it may run.
"""

from collections import Counter
from collections.abc import Callable
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
        self._new_queue = partial(FairQueue, weight_of, is_open)
        self._queues: dict[Demand, FairQueue] = {PLAIN: self._new_queue()}
        self._lanes: dict[str, Demand] = {}
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
            queue = self._queues[demand] = self._new_queue()
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
        for queue in self._queues.values():
            queue.reopen(tenant_id)

    def pop(self, is_met: Callable[[Demand], bool]) -> str | None:
        """The next in order among those whose demands a worker with room meets; None when there is none."""
        demands = [demand for demand in self._queues if is_met(demand)]
        self._turn += 1
        for number in range(len(demands)):
            demand = demands[(self._turn + number) % len(demands)]
            if (name := self._queues[demand].pop()) is not None:
                del self._lanes[name]
                self._tidy(demand)
                return name
        return None

    def _tidy(self, demand: Demand) -> None:
        if demand != PLAIN and not len(self._queues[demand]):
            del self._queues[demand]


def _pool_of(demand: Demand) -> str:
    if demand.function is not None:
        return "registered"
    return "any" if demand == PLAIN else demand.isolation.value

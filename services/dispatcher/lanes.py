"""Who waits for a worker: most for any, and in lanes of their own those for whom no worker with room would do.

Guarantee: what demands more of a worker than those with room give keeps nobody else waiting, costs nothing while it
waits, and takes turns with all others, one by one, once there is room where it may run.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

from horolog.domain.fairness import FairQueue
from schemas.isolation import Isolation


class Lanes:
    """Queues in fair order. A name is in one of them: the open one, until it is put aside.

    `weight_of` and `is_open` tell of a tenant what `FairQueue` asks of it.
    """

    def __init__(
        self, weight_of: Callable[[str], int] = lambda _: 1, is_open: Callable[[str], bool] = lambda _: True
    ) -> None:
        self._open = FairQueue(weight_of, is_open)
        self._aside = {level: FairQueue(weight_of, is_open) for level in Isolation}
        self._turn = 0

    def __len__(self) -> int:
        return len(self._open) + sum(map(len, self._aside.values()))

    def __contains__(self, name: str) -> bool:
        return name in self._open or self.is_aside(name)

    def is_aside(self, name: str) -> bool:
        """Whether the name waits for a worker that reaches a level."""
        return any(name in queue for queue in self._aside.values())

    def push(self, name: str, tenant_id: str, priority: int, instant: datetime, catch_up: bool = False) -> None:
        """Let `name` wait; a name that waits already keeps its place."""
        if not self.is_aside(name):
            self._open.push(name, tenant_id, priority, instant, catch_up)

    def put_aside(
        self, demanded: Isolation, name: str, tenant_id: str, priority: int, instant: datetime, catch_up: bool = False
    ) -> None:
        """Let `name`, which was taken, wait until a worker with room reaches the level."""
        self._aside[demanded].push(name, tenant_id, priority, instant, catch_up)

    def remove(self, name: str) -> None:
        """Let `name` wait no longer; nothing happens when it does not."""
        self._open.remove(name)
        for queue in self._aside.values():
            queue.remove(name)

    def counts(self) -> dict[str, Counter[str]]:
        """How many wait, by the workers that would do (`any`, or those that reach a level) and by tenant."""
        return {"any": self._open.counts(), **{level.value: queue.counts() for level, queue in self._aside.items()}}

    @property
    def has_turns(self) -> bool:
        """Whether a tenant waits that was not found closed."""
        return any(queue.has_turns for queue in (self._open, *self._aside.values()))

    def reopen(self, tenant_id: str) -> None:
        """Ask again whether the tenant may be served, if it was found closed."""
        for queue in (self._open, *self._aside.values()):
            queue.reopen(tenant_id)

    def pop(self, reached: Isolation) -> str | None:
        """The next in order, when the best that a worker with room reaches is this; None when there is none."""
        queues = [self._open, *(q for level, q in self._aside.items() if len(q) and reached.suffices_for(level))]
        self._turn += 1
        for number in range(len(queues)):
            if (name := queues[(self._turn + number) % len(queues)].pop()) is not None:
                return name
        return None

"""A worker as one partition of the dispatcher sees it: what it can take, and what is in its hands.

Guarantee: whatever a worker holds for other partitions, each partition may always have its share of it. Their owners
do not ask one another; with the shares, nobody waits for the end of another partition's crowd (ADR 37).
"""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.isolation import Isolation
from services.dispatcher.progress import Progress


@dataclass(slots=True)
class WorkerSlot:
    """One worker as this partition, one of `partition_count`, sees it. `others` is what it holds for other partitions.

    With `functions` it runs these registered ones and nothing else.
    """

    worker_id: str
    inbox: int
    capacity: int
    prefetch: int
    last_beat: datetime
    accepts: bool
    progress: Progress
    partition_count: int
    isolation: Isolation = Isolation.PROCESS
    functions: frozenset[str] | None = None
    held: set[str] = field(default_factory=set)
    others: int = 0

    @property
    def load(self) -> int:
        """Attempts in its hands, as far as known."""
        return len(self.held) + self.others

    @property
    def share(self) -> int:
        """How much it holds for this partition at least, whatever it holds for others.

        The shares of all partitions are no more than it willingly holds, so that all it can be handed beyond that is
        as much again, which it takes in; but for a worker that is too small for one each.
        """
        return max(1, (self.capacity + self.prefetch) // self.partition_count) if self.capacity else 0

    @property
    def is_full(self) -> bool:
        """Whether it has no room but this partition's share."""
        return self.load >= self.capacity + self.prefetch

    @property
    def room(self) -> int:
        """How many more it is to get."""
        if not self.accepts:
            return 0
        room = max(0, self.capacity + self.prefetch - self.load, self.share - len(self.held))
        return room if self.progress.stall is None else min(room, int(self.progress.is_on_trial))

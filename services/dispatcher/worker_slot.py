"""A worker as one partition of the dispatcher sees it: what it can take, and what is in its hands."""

from dataclasses import dataclass, field
from datetime import datetime

from schemas.isolation import Isolation
from services.dispatcher.progress import Progress


@dataclass(slots=True)
class WorkerSlot:
    """One worker as this partition sees it. `others` is what it holds for other partitions.

    With `functions` it runs these registered ones and nothing else.
    """

    worker_id: str
    inbox: int
    capacity: int
    prefetch: int
    last_beat: datetime
    accepts: bool
    progress: Progress
    isolation: Isolation = Isolation.PROCESS
    functions: frozenset[str] | None = None
    held: set[str] = field(default_factory=set)
    others: int = 0

    @property
    def load(self) -> int:
        """Attempts in its hands, as far as known."""
        return len(self.held) + self.others

    @property
    def room(self) -> int:
        """How many more it is to get."""
        if not self.accepts:
            return 0
        room = max(0, self.capacity + self.prefetch - self.load)
        return room if self.progress.stall is None else min(room, int(self.progress.is_on_trial))

"""What an owner counts by itself, for the figures: partitions taken and lost, commits by their outcome, refusals.

Guarantee: every commit is counted once, when its outcome is known or known to be unknown, also one that the end of its
owner has met under way.
"""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field

from horolog.log.port import CommitUnknown, LogError, Outgoing
from schemas.topics import DLQ

COMMITTED, ABORTED, UNKNOWN = "committed", "aborted", "unknown"


@dataclass(slots=True)
class OwnerCounters:
    """What the metrics report of ownership. `failures` are defects: of a turn, of a rebuild, of reading.

    `takeovers` are those of the acquisitions that took the partition from another member. `losses` counts how often an
    input had to be gone on with after what the log no longer kept.
    """

    acquisitions: int = 0
    takeovers: int = 0
    fencings: int = 0
    failures: int = 0
    losses: int = 0
    records: int = 0
    dead_letters: int = 0
    transactions: dict[str, int] = field(default_factory=lambda: {COMMITTED: 0, ABORTED: 0, UNKNOWN: 0})

    async def seen_through(self, commit: Awaitable[None], outputs: Sequence[Outgoing]) -> None:
        """Await a commit of these records, and count how it ended."""
        outcome = UNKNOWN
        try:
            await commit
            outcome = COMMITTED
        except CommitUnknown:
            raise
        except LogError:
            outcome = ABORTED
            raise
        finally:
            self.transactions[outcome] += 1
        self.records += len(outputs)
        self.dead_letters += sum(output.topic == DLQ.name for output in outputs)

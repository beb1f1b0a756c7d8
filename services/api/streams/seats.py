"""How many streams there may be: of all, of one tenant, of one caller.

Guarantee: each stream takes one seat and gives it back once; whoever has none is refused before anything is read.
"""

from collections import Counter
from dataclasses import dataclass

from horolog.limits import (
    EVENT_STREAM_COUNT_MAX,
    EVENT_STREAM_PER_CALLER_COUNT_MAX,
    EVENT_STREAM_PER_TENANT_COUNT_MAX,
)
from services.api.errors import ApiError


@dataclass(frozen=True, slots=True)
class Room:
    """How many streams one process serves at a time."""

    count_max: int = EVENT_STREAM_COUNT_MAX
    per_tenant_count_max: int = EVENT_STREAM_PER_TENANT_COUNT_MAX
    per_caller_count_max: int = EVENT_STREAM_PER_CALLER_COUNT_MAX


USUAL_ROOM = Room()


class Seat:
    """One taken seat."""

    def __init__(self, seats: "Seats", tenant_id: str, actor: str) -> None:
        self._seats: Seats | None = seats
        self.tenant_id = tenant_id
        self.actor = actor

    def give_back(self) -> None:
        """The stream is over; idempotent."""
        if self._seats is not None:
            self._seats.freed(self)
            self._seats = None


class Seats:
    """All seats of a process."""

    def __init__(self, room: Room = USUAL_ROOM) -> None:
        self._room = room
        self._of_tenant: Counter[str] = Counter()
        self._of_caller: Counter[tuple[str, str]] = Counter()

    @property
    def taken_count(self) -> int:
        """How many there are."""
        return self._of_tenant.total()

    def take(self, tenant_id: str, actor: str) -> Seat:
        """A seat.

        Raises:
            ApiError: TOO_MANY_STREAMS, of the caller or its tenant; OVERLOADED, of all.
        """
        if self._of_caller[tenant_id, actor] >= self._room.per_caller_count_max:
            raise ApiError("TOO_MANY_STREAMS", f"You have {self._room.per_caller_count_max} streams open already.")
        if self._of_tenant[tenant_id] >= self._room.per_tenant_count_max:
            raise ApiError(
                "TOO_MANY_STREAMS", f"The tenant has {self._room.per_tenant_count_max} streams open already."
            )
        if self.taken_count >= self._room.count_max:
            raise ApiError("OVERLOADED", "As many streams are open as this process serves.")
        self._of_tenant[tenant_id] += 1
        self._of_caller[tenant_id, actor] += 1
        return Seat(self, tenant_id, actor)

    def freed(self, seat: Seat) -> None:
        """Take one back."""
        # What comes to nought is dropped: who has left leaves nothing behind.
        self._of_tenant -= Counter([seat.tenant_id])
        self._of_caller -= Counter([(seat.tenant_id, seat.actor)])

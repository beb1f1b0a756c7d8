"""The ports of the core besides the log: clock, ids, chance, and where traces go.

Everything that is not a pure function of its arguments comes through one of these, so that a simulation or a test
can put its own in place. `horolog.adapters.system` has the real ones.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from horolog.domain.tracing import Span

Chance = Callable[[], float]
"""A number that nobody can foresee, from 0 up to but not including 1; each call gives another."""


class Clock(Protocol):
    """Time. `now` may step; `monotonic` never goes back."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait at least this long (not at all when negative)."""


class Ids(Protocol):
    """Names that nobody else has."""

    def new(self) -> str:
        """A random UUID in canonical text form."""
        ...


class Tracing(Protocol):
    """Where spans go. Without one nothing is traced."""

    @property
    def ratio(self) -> float:
        """The share of the traces that begin here which is kept, from 0 to 1."""
        ...

    def tell(self, span: Span) -> None:
        """Take the span of a trace that is kept. Never waits, never fails: what there is no room for is counted."""

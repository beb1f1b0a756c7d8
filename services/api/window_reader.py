"""What the API reads of the figures by the minute."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from projections.views import WindowView


class WindowReader(Protocol):
    """What the analytics worker has counted; nothing, where there is none.

    Every call raises `ReadModelUnavailable` when the database is gone; none ever blocks longer than its bound.
    """

    async def windows(self, tenant_id: str, start: datetime, end: datetime, limit: int) -> Sequence[WindowView]:
        """The tenant's windows that begin in [`start`, `end`), oldest first; the first `limit` of them."""
        ...

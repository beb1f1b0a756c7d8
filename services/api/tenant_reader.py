"""What the API reads of tenants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from projections.views import Cursor, TenantView, UsageView


class TenantReader(Protocol):
    """The tenants about which something was decided, and what every tenant has used.

    Every call raises `ReadModelUnavailable` when the database is gone; none ever blocks longer than its bound.
    """

    async def tenant(self, tenant_id: str) -> TenantView | None:
        """The tenant; None when nothing was ever decided about it."""
        ...

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        """Newest first by (`created_at`, `tenant_id`)."""
        ...

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        """Of the tenant's executions whose instants are in [`start`, `end`), by day and status, oldest first."""
        ...

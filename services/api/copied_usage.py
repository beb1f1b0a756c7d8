"""What tenants have used, with the days that are over from copies, where there are any.

Guarantee: a copy is believed for the tenant and the day only that it names itself; one that cannot be read is none.
Without copies every question is answered as ever. What is not over yet, or is asked for in part, is never copied.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

import orjson

from horolog.domain.closed_days import TenantDay, beginning, is_copied
from horolog.ports import Clock
from projections.views import Cursor, TenantView, UsageView
from services.api.tenant_reader import TenantReader

_DAY = timedelta(days=1)


class Copies(Protocol):
    """Copies of days' figures, which may be gone at any time; see `horolog.adapters.redis_days`."""

    async def copies(self, days: Sequence[TenantDay]) -> Sequence[bytes | None]:
        """The copies that there are, in the order of the days."""
        ...

    async def keep(self, copies: Mapping[TenantDay, bytes]) -> None:
        """Keep these copies, if that is possible."""


@dataclass(frozen=True, slots=True)
class CopiedUsage:
    """Implements `TenantReader` over another one."""

    reader: TenantReader
    days: Copies
    clock: Clock

    async def tenant(self, tenant_id: str) -> TenantView | None:
        return await self.reader.tenant(tenant_id)

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        return await self.reader.tenants(after, limit)

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        now = self.clock.now()
        whole = [(tenant_id, day) for day in _whole_days(start, end) if is_copied(day, now)]
        found = [_read(day, copy) for day, copy in zip(whole, await self.days.copies(whole), strict=True)]
        if not whole or None in found:
            rows = await self.reader.usage(tenant_id, start, end)
            await self.days.keep({day: _written(day, rows) for day in whole})
            return rows
        known = [row for rows in found if rows is not None for row in rows]
        begin, over = beginning(whole[0][1]), beginning(whole[-1][1]) + _DAY
        before = await self.reader.usage(tenant_id, start, begin) if start < begin else ()
        after = await self.reader.usage(tenant_id, over, end) if over < end else ()
        return [*before, *known, *after]


def _whole_days(start: datetime, end: datetime) -> list[date]:
    """The days in UTC that lie in the range from their beginning to their end."""
    first = start.astimezone(UTC).date()
    if start > beginning(first):
        first += _DAY
    count = (end.astimezone(UTC).date() - first).days
    return [first + number * _DAY for number in range(count)]


def _written(day: TenantDay, rows: Sequence[UsageView]) -> bytes:
    told = [[row.status, row.count, row.duration_ms] for row in rows if row.day == day[1]]
    return orjson.dumps({"tenantId": day[0], "day": day[1].isoformat(), "rows": told})


def _read(day: TenantDay, copy: bytes | None) -> list[UsageView] | None:
    """The rows of a copy; None when it is none of this tenant and day, whoever has written it."""
    if copy is None:
        return None
    try:
        told = orjson.loads(copy)
        if (told["tenantId"], told["day"]) != (day[0], day[1].isoformat()):
            return None
        return [UsageView(day[1], str(status), int(count), int(spent)) for status, count, spent in told["rows"]]
    except (ValueError, KeyError, TypeError):
        return None

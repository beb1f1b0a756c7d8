"""Days that are over come from copies, of the tenant's own and of nothing else; all others are asked for."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest

from horolog.domain.closed_days import COPIED_AFTER, TOLD_AFTER, TenantDay, beginning, is_copied, told_before
from projections.views import Cursor, TenantView, UsageView
from services.api.copied_usage import CopiedUsage
from tests.unit.api.world import OURS, START, THEIRS, HandClock

TODAY = START.date()
DAY = timedelta(days=1)


@dataclass
class CountedReader:
    """Every day has one completed execution for each day of its month; notes what it is asked for."""

    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def tenant(self, tenant_id: str) -> TenantView | None:
        return None

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        return []

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        self.asked.append((start, end))
        days = [start.date() + number * DAY for number in range((end - start).days + 2)]
        return [UsageView(day, "completed", day.day, 10) for day in days if start <= beginning(day) < end]


@dataclass
class MemoryCopies:
    """Copies in memory."""

    kept: dict[TenantDay, bytes] = field(default_factory=dict)

    async def copies(self, days: Sequence[TenantDay]) -> Sequence[bytes | None]:
        return [self.kept.get(day) for day in days]

    async def keep(self, copies: Mapping[TenantDay, bytes]) -> None:
        self.kept |= copies


@dataclass
class Copied:
    """A reader with copies."""

    reader: CountedReader = field(default_factory=CountedReader)
    copies: MemoryCopies = field(default_factory=MemoryCopies)

    def usage(self, start: datetime, end: datetime, tenant: str = OURS) -> Sequence[UsageView]:
        usage = CopiedUsage(self.reader, self.copies, HandClock())
        return asyncio.run(usage.usage(tenant, start, end))


def test_a_day_that_is_over_is_asked_for_once() -> None:
    world, start, end = Copied(), beginning(TODAY) - 3 * DAY, START
    first = world.usage(start, end)
    assert {day for _, day in world.copies.kept} == {TODAY - number * DAY for number in (1, 2, 3)}
    assert world.usage(start, end) == first
    assert world.reader.asked == [(start, end), (beginning(TODAY), end)]


def test_what_is_asked_for_in_part_or_not_over_is_never_copied() -> None:
    world, moment = Copied(), timedelta(seconds=1)
    world.usage(beginning(TODAY) - DAY + moment, START)
    world.usage(beginning(TODAY) - DAY, beginning(TODAY) - moment)
    assert world.copies.kept == {}


def test_parts_of_days_around_the_copies_are_asked_for() -> None:
    world = Copied()
    start, end = beginning(TODAY) - 3 * DAY + timedelta(hours=5), START
    wanted = world.usage(start, end)
    world.reader.asked.clear()
    assert world.usage(start, end) == wanted
    assert world.reader.asked == [(start, beginning(TODAY) - 2 * DAY), (beginning(TODAY), end)]


@pytest.mark.parametrize(
    "forged",
    [
        {"tenantId": THEIRS, "day": (TODAY - DAY).isoformat(), "rows": [["completed", 7_000, 1]]},
        {"tenantId": OURS, "day": TODAY.isoformat(), "rows": [["completed", 7_000, 1]]},
        {"tenantId": OURS, "day": (TODAY - DAY).isoformat(), "rows": [["completed"]]},
        {"rows": []},
        ["completed"],
    ],
)
def test_a_copy_of_another_tenant_or_day_or_of_nonsense_is_none(forged: object) -> None:
    world = Copied()
    world.copies.kept[OURS, TODAY - DAY] = orjson.dumps(forged)
    (row,) = world.usage(beginning(TODAY) - DAY, beginning(TODAY))
    assert row.count == (TODAY - DAY).day


def test_tenants_have_copies_of_their_own() -> None:
    world = Copied()
    for tenant in (OURS, THEIRS):
        world.usage(beginning(TODAY) - DAY, beginning(TODAY), tenant)
    assert len(world.reader.asked) == 2


def test_changes_are_told_from_before_a_day_is_copied() -> None:
    day = date(2026, 3, 1)
    over = datetime(2026, 3, 2, tzinfo=UTC)
    assert TOLD_AFTER < COPIED_AFTER
    assert [is_copied(day, over + COPIED_AFTER - DAY / 86_400), is_copied(day, over + COPIED_AFTER)] == [False, True]
    assert told_before(over + TOLD_AFTER) == over
    assert told_before(over + TOLD_AFTER - DAY / 86_400) == over - DAY

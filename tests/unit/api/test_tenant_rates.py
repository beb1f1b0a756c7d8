"""A tenant's quota of requests holds, and nobody waits for the database to learn of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from pydantic import JsonValue

from horolog.domain.rates import Rate
from projections.views import Cursor, ReadModelUnavailable, TenantView, UsageView
from schemas.tenants import CLOSED, Quotas, TenantSettings
from services.api.tenant_rates import FRESH_S, KEPT_COUNT_MAX, TenantRates
from tests.unit.api.world import OURS, START, THEIRS, HandClock

USUAL = Rate(100, 200)


@dataclass
class Tenants:
    """Tenants that somebody created, or (without `has_own`) only stopped; `is_away` makes them unknown."""

    quotas: dict[str, float] = field(default_factory=dict)
    is_away: bool = False
    has_own: bool = True
    asked: list[str] = field(default_factory=list)

    async def tenant(self, tenant_id: str) -> TenantView | None:
        self.asked.append(tenant_id)
        if self.is_away:
            raise ReadModelUnavailable("away")
        if tenant_id not in self.quotas:
            return None
        settings: dict[str, JsonValue] = {"quotas": {"requestsPerSecond": self.quotas[tenant_id]}}
        return TenantView(tenant_id, 1, "active", settings, "user:1", START, START, self.has_own)

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        raise AssertionError("nobody asks for all of them")

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        raise AssertionError("nobody asks for their use")


def rates_of(tenants: Tenants, clock: HandClock, defaults: TenantSettings = CLOSED) -> TenantRates:
    return TenantRates(tenants, defaults, USUAL, clock)


@pytest.mark.parametrize(
    ("quota", "rate"), [(10, Rate(10, 20)), (0.2, Rate(0.2, 1)), (99.5, Rate(99.5, 199)), (500, USUAL)]
)
async def test_a_quota_holds_once_it_is_known_and_never_widens_what_is_usual(quota: float, rate: Rate) -> None:
    rates = rates_of(Tenants({OURS: quota}), HandClock())
    assert rates.of(OURS) == USUAL
    await rates.settled()
    assert (rates.of(OURS), rates.of(THEIRS)) == (rate, USUAL)
    await rates.settled()
    assert rates.of(THEIRS) == USUAL


async def test_tenants_that_nobody_created_have_the_default_quota_at_once() -> None:
    defaults = TenantSettings(quotas=Quotas(requests_per_second=5))
    rates = rates_of(Tenants(), HandClock(), defaults)
    assert rates.of(OURS) == Rate(5, 10)
    await rates.settled()


async def test_a_tenant_that_was_only_stopped_goes_on_with_the_default_quota() -> None:
    defaults = TenantSettings(quotas=Quotas(requests_per_second=5))
    rates = rates_of(Tenants({OURS: 50}, has_own=False), HandClock(), defaults)
    rates.of(OURS)
    await rates.settled()
    assert rates.of(OURS) == Rate(5, 10)


async def test_a_change_is_learnt_of_in_time_and_no_tenant_is_asked_for_more_often() -> None:
    tenants, clock = Tenants({OURS: 10}), HandClock()
    rates = rates_of(tenants, clock)
    for _ in range(3):
        rates.of(OURS)
        await rates.settled()
    assert tenants.asked == [OURS]
    tenants.quotas[OURS] = 1
    await clock.sleep(FRESH_S)
    assert rates.of(OURS) == Rate(10, 20)
    await rates.settled()
    assert rates.of(OURS) == Rate(1, 2)
    assert tenants.asked == [OURS, OURS]


async def test_what_was_known_holds_while_the_database_is_away() -> None:
    tenants, clock = Tenants({OURS: 10}), HandClock()
    rates = rates_of(tenants, clock)
    rates.of(OURS)
    await rates.settled()
    tenants.is_away = True
    await clock.sleep(2 * FRESH_S)
    rates.of(OURS)
    await rates.settled()
    assert rates.of(OURS) == Rate(10, 20)


async def test_no_more_tenants_are_remembered_than_there_is_room_for() -> None:
    tenants = Tenants()
    rates = rates_of(tenants, HandClock())
    for number in range(KEPT_COUNT_MAX + 1):
        rates.of(f"tenant-{number}")
    await rates.settled()
    rates.of("tenant-0")
    await rates.settled()
    assert tenants.asked.count("tenant-0") == 2

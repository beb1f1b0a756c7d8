"""How often each tenant's callers may ask: the quota of the tenant, or what is usual.

Guarantee: no request waits for the database because of this. What is known of a tenant is at most `FRESH_S` old while
the database answers; until something is known, and for tenants without a quota, the usual rate holds. No quota allows
more than is usual: what is usual protects everybody.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

from horolog.domain.rates import Rate
from horolog.ports import Clock
from projections.views import ReadModelUnavailable
from schemas.tenants import TenantSettings
from services.api.tenant_reader import TenantReader

FRESH_S = 15.0
KEPT_COUNT_MAX = 10_000
BURST_S = 2
"""What a quota fills in in so many seconds may come at once."""


@dataclass(slots=True)
class _Known:
    rate: Rate
    asked_at: float


class TenantRates:
    """The rates of tenants, asked in the background."""

    def __init__(self, tenants: TenantReader, defaults: TenantSettings, usual: Rate, clock: Clock) -> None:
        self._tenants = tenants
        self._usual = usual
        self._default = self._rate(defaults)
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: set[asyncio.Task[None]] = set()

    def of(self, tenant_id: str) -> Rate:
        """The tenant's rate, as far as it is known."""
        now = self._clock.monotonic()
        known = self._known.get(tenant_id)
        if known is None:
            known = self._known[tenant_id] = _Known(self._default, now - FRESH_S)
            if len(self._known) > KEPT_COUNT_MAX:
                self._known.popitem(last=False)
        if now - known.asked_at >= FRESH_S:
            known.asked_at = now
            task = asyncio.create_task(self._ask(tenant_id, known))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return known.rate

    async def settled(self) -> None:
        """Wait for what is being asked."""
        await asyncio.gather(*self._asking)

    async def _ask(self, tenant_id: str, known: _Known) -> None:
        try:
            view = await self._tenants.tenant(tenant_id)
        except ReadModelUnavailable:
            return
        if view is None or not view.own_settings:
            known.rate = self._default
        else:
            known.rate = self._rate(TenantSettings.model_validate(view.settings))

    def _rate(self, settings: TenantSettings) -> Rate:
        per_s = settings.quotas.requests_per_second
        if per_s is None or per_s >= self._usual.per_s:
            return self._usual
        return Rate(per_s, min(self._usual.burst, max(1, ceil(per_s * BURST_S))))

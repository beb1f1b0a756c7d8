"""How often callers may ask: limits for each tenant, each caller and each address.

Guarantee: a request beyond one of the limits is refused before anything is done for it, and told when to come again;
it takes nothing from the other limits. Whoever proves to be nobody pays `NOBODY_COUNT` from the limit of the address,
so that guessing tokens is soon slow. Other services, and the health check, are not limited.

Source: RFC 6585, section 4 (429); the RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset fields of the IETF
HTTPAPI group's draft, up to its sixth version, which most clients know.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from horolog.domain.rates import Demand, Grant, Rate
from services.api.errors import ApiError
from services.api.ports import Principal, Rates
from services.api.tenant_rates import TenantRates

NOBODY_COUNT = 5


@dataclass(frozen=True, slots=True)
class RateLimits:
    """The limits: what a tenant's callers may do together, a single caller, and whoever comes from one address.

    A tenant's quota may be less than `tenant`.
    """

    tenant: Rate
    caller: Rate
    address: Rate


USUAL = RateLimits(tenant=Rate(500, 1000), caller=Rate(200, 500), address=Rate(300, 1000))


class RateGuard:
    """Lets requests through, or refuses them."""

    def __init__(self, rates: Rates, limits: RateLimits, tenants: TenantRates) -> None:
        self._rates = rates
        self._limits = limits
        self._tenants = tenants

    async def admit(self, principal: Principal, address: str) -> Mapping[str, str]:
        """The headers that tell a recognised caller what is left.

        Raises:
            ApiError: RATE_LIMITED
        """
        digest = hashlib.sha256(f"{principal.tenant_id} {principal.actor}".encode()).hexdigest()[:32]
        demands = [
            Demand(f"tenant:{principal.tenant_id}", self._tenants.of(principal.tenant_id)),
            Demand(f"caller:{digest}", self._limits.caller),
            self._of_address(address, 1),
        ]
        return _told(await self._rates.take(demands))

    async def nobody(self, address: str) -> None:
        """Let somebody who proved to be nobody hear just that, unless he asks too often.

        Raises:
            ApiError: RATE_LIMITED
        """
        _told(await self._rates.take([self._of_address(address, NOBODY_COUNT)]))

    def _of_address(self, address: str, count: int) -> Demand:
        return Demand(f"address:{address}", self._limits.address, count)


def _told(grants: Sequence[Grant]) -> Mapping[str, str]:
    """The headers of the limit that is nearest.

    Raises:
        ApiError: RATE_LIMITED, when one refuses.
    """
    nearest = max(grants, key=lambda one: (one.retry_in_s, -one.remaining))
    headers = {
        "RateLimit-Limit": str(nearest.demand.rate.burst),
        "RateLimit-Remaining": str(nearest.remaining),
        "RateLimit-Reset": str(ceil(nearest.full_in_s)),
    }
    if not all(one.allowed for one in grants):
        raise ApiError("RATE_LIMITED", headers={**headers, "Retry-After": str(max(1, ceil(nearest.retry_in_s)))})
    return headers

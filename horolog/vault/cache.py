"""Data keys in memory, so that neither a request nor an attempt waits for the vault each time.

Guarantee: a key that was erased is used no longer than `FRESH_S` seconds after; while the vault is away, a key that is
known goes on being used for `STALE_S_MAX` seconds, and no longer. One question at a time is asked, and none for
`AWAY_S` seconds after one that was not answered.
"""

import asyncio

from horolog.ports import Clock
from horolog.vault.cipher import DataKey
from horolog.vault.port import KeyErased, TenantKeys, VaultUnavailable

FRESH_S = 60.0
STALE_S_MAX = 900.0
AWAY_S = 5.0
KEPT_COUNT_MAX = 10_000
"""Keys of more tenants are not kept; the one known longest goes first."""


class CachedKeys:
    """Implements `TenantKeys` over another."""

    def __init__(self, keys: TenantKeys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self._known: dict[str, tuple[DataKey | KeyErased, float]] = {}
        self._away_until = float("-inf")
        self._asking = asyncio.Lock()

    async def sealing_key(self, tenant_id: str) -> DataKey:
        return self._fresh(tenant_id) or await self._ask(tenant_id, is_sealing=True)

    async def opening_key(self, tenant_id: str) -> DataKey:
        return self._fresh(tenant_id) or await self._ask(tenant_id, is_sealing=False)

    async def _ask(self, tenant_id: str, is_sealing: bool) -> DataKey:
        async with self._asking:
            if key := self._fresh(tenant_id):
                return key
            if self._clock.monotonic() < self._away_until:
                return self._stale(tenant_id)
            try:
                known: DataKey | KeyErased = await self._load(tenant_id, is_sealing)
            except KeyErased as erased:
                known = erased
            except VaultUnavailable:
                self._away_until = self._clock.monotonic() + AWAY_S
                return self._stale(tenant_id)
            self._keep(tenant_id, known)
        return _key_of(known)

    async def _load(self, tenant_id: str, is_sealing: bool) -> DataKey:
        return await (self._keys.sealing_key(tenant_id) if is_sealing else self._keys.opening_key(tenant_id))

    def _fresh(self, tenant_id: str) -> DataKey | None:
        known, at = self._known.get(tenant_id, (None, 0.0))
        return _key_of(known) if known is not None and self._clock.monotonic() - at < FRESH_S else None

    def _stale(self, tenant_id: str) -> DataKey:
        known, at = self._known.get(tenant_id, (None, 0.0))
        if known is None or self._clock.monotonic() - at >= STALE_S_MAX:
            raise VaultUnavailable("the vault does not answer, and the key is not known here")
        return _key_of(known)

    def _keep(self, tenant_id: str, known: DataKey | KeyErased) -> None:
        self._known.pop(tenant_id, None)
        self._known[tenant_id] = known, self._clock.monotonic()
        if len(self._known) > KEPT_COUNT_MAX:
            del self._known[next(iter(self._known))]


def _key_of(known: DataKey | KeyErased) -> DataKey:
    if isinstance(known, KeyErased):
        raise KeyErased(str(known))
    return known

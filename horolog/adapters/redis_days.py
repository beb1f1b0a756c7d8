"""Figures of closed days in Redis, under `scheduler:stats:{tenantId}:{date}`: written by the API, kept for a day, and
forgotten by projections.

Guarantee: nobody waits for Redis longer than `ANSWER_S_MAX`, and without it there are simply no copies. A copy whose
day has changed is removed at once, and again later, in case that it was being written at that moment; while Redis does
not answer it is remembered and removed afterwards. Should the projector end meanwhile, a copy may be a day old.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from redis.asyncio import Redis
from redis.exceptions import RedisError

from horolog.domain.closed_days import TenantDay

PREFIX = "scheduler:stats:"
KEPT_S = 86_400
ANSWER_S_MAX = 0.3
MUTED_S = 2.0
AGAIN_S = 30.0
"""Whoever read the rows before they changed has written its copy by then: its question is bounded by less."""
PENDING_COUNT_MAX = 100_000
_UNREACHABLE = (RedisError, OSError, TimeoutError)


class RedisDays:
    """Copies, by tenant and day; opaque bytes to it."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=ANSWER_S_MAX, health_check_interval=10)
        self._muted_until = float("-inf")
        self._pending: dict[TenantDay, float] = {}
        self._due_at = float("inf")

    async def copies(self, days: Sequence[TenantDay]) -> Sequence[bytes | None]:
        """The copies that there are, in the order of the days."""
        if not days or self._is_muted():
            return [None] * len(days)
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                found = await self._redis.mget([_key(day) for day in days])
                return [copy if isinstance(copy, bytes) else None for copy in found]
        except _UNREACHABLE:
            self._mute()
            return [None] * len(days)

    async def keep(self, copies: Mapping[TenantDay, bytes]) -> None:
        """Keep these copies, if that is possible."""
        if not copies or self._is_muted():
            return
        try:
            async with asyncio.timeout(ANSWER_S_MAX), self._redis.pipeline(transaction=False) as pipeline:
                for day, copy in copies.items():
                    pipeline.set(_key(day), copy, ex=KEPT_S)
                await pipeline.execute()
        except _UNREACHABLE:
            self._mute()

    async def forget(self, days: Iterable[TenantDay]) -> None:
        """Remove the copies of these days, now and once more."""
        wanted, now = list(days), asyncio.get_running_loop().time()
        is_done = await self._removed(wanted)
        for day in wanted[: max(0, PENDING_COUNT_MAX - len(self._pending))]:
            self._pending[day] = now + (AGAIN_S if is_done else MUTED_S)
        self._due_at = min(self._pending.values(), default=float("inf"))

    async def look(self) -> None:
        """Remove what is due."""
        now = asyncio.get_running_loop().time()
        if now < self._due_at:
            return
        due = [day for day, at in self._pending.items() if at <= now]
        if await self._removed(due):
            for day in due:
                del self._pending[day]
        else:
            self._pending |= dict.fromkeys(due, now + MUTED_S)
        self._due_at = min(self._pending.values(), default=float("inf"))

    async def close(self) -> None:
        """Release the connections."""
        await self._redis.aclose()

    async def _removed(self, days: Sequence[TenantDay]) -> bool:
        if self._is_muted():
            return not days
        if not days:
            return True
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                await self._redis.delete(*[_key(day) for day in days])
        except _UNREACHABLE:
            self._mute()
            return False
        return True

    def _is_muted(self) -> bool:
        return asyncio.get_running_loop().time() < self._muted_until

    def _mute(self) -> None:
        self._muted_until = asyncio.get_running_loop().time() + MUTED_S


def _key(day: TenantDay) -> str:
    return f"{PREFIX}{day[0]}:{day[1].isoformat()}"

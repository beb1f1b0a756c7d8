"""Connections of HTTP jobs, kept apart by the networks that they may lead to.

The library's pools give a connection to whoever asks for the same host next, and a connection is judged only when it
is opened. Guarantee: no request travels over a connection that was opened under another list of networks, however the
lists of tenants differ or change. At most `TENANT_POOL_COUNT_MAX` lists have connections kept for them; with any other
each request has a connection of its own.
"""

import itertools
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from horolog.domain.addresses import Network, networks
from horolog.limits import TENANT_POOL_COUNT_MAX
from horolog.runtime.egress import GuardedBackend, Resolve, guarded_transport

KEPT_CONNECTION_COUNT = 128
POOL_COUNT = 8
"""A pool looks at all of its connections for every request, so several small ones cost less than a large one."""
KEPT_COUNT = KEPT_CONNECTION_COUNT // POOL_COUNT


@dataclass(slots=True)
class _Kept:
    """The pool of one list of networks, and how many requests it carries."""

    pool: httpx.AsyncBaseTransport
    user_count: int = 0


class Pools:
    """All pools of one worker. `allowed` are networks that every job may call besides public ones."""

    def __init__(self, resolve: Resolve, allowed: Sequence[Network], context: ssl.SSLContext) -> None:
        self._resolve = resolve
        self._allowed = tuple(allowed)
        self._context = context
        self._open = [self._pool((), KEPT_COUNT) for _ in range(POOL_COUNT)]
        self._turn = itertools.cycle(self._open)
        self._kept: OrderedDict[frozenset[str], _Kept] = OrderedDict()

    @asynccontextmanager
    async def lent(self, also_allowed: Sequence[str]) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """A pool for one request, which may go to these networks as well."""
        if not also_allowed:
            yield next(self._turn)
            return
        key = frozenset(also_allowed)
        forgotten = self._make_room() if key not in self._kept else None
        if key not in self._kept and len(self._kept) >= TENANT_POOL_COUNT_MAX:
            async with self._pool(also_allowed, 0) as pool:
                yield pool
            return
        kept = self._kept.get(key)
        if kept is None:
            kept = self._kept[key] = _Kept(self._pool(also_allowed, KEPT_COUNT))
        self._kept.move_to_end(key)
        kept.user_count += 1
        try:
            if forgotten is not None:
                await forgotten.aclose()
            yield kept.pool
        finally:
            kept.user_count -= 1

    async def close(self) -> None:
        """Close every connection."""
        for pool in (*self._open, *(kept.pool for kept in self._kept.values())):
            await pool.aclose()

    def _make_room(self) -> httpx.AsyncBaseTransport | None:
        """When there are as many pools as may be, forget the one that has been idle for longest, if one is."""
        if len(self._kept) < TENANT_POOL_COUNT_MAX:
            return None
        idle = next((known for known, kept in self._kept.items() if kept.user_count == 0), None)
        return None if idle is None else self._kept.pop(idle).pool

    def _pool(self, also_allowed: Sequence[str], kept_count: int) -> httpx.AsyncBaseTransport:
        backend = GuardedBackend(self._resolve, (*self._allowed, *networks(also_allowed)))
        return guarded_transport(backend, self._context, kept_count)

"""The walls between tenants in PostgreSQL: who a transaction of the API is, and whose rows it sees.

Guarantee: every question of the API is one transaction that first gives up the login's own rights, read-only but for
what a tenant changes itself (`changed_by_tenant`). As `horolog_api` it names one tenant, and the policies of the tables
let through that tenant's rows only, whatever the statement says; without a tenant they let nothing through, with an
error. As `horolog_platform` it sees the rows of all, and can run the statements of `ACROSS_TENANTS` only. Both end with
the transaction (SET LOCAL), so that no connection of a pool ever carries them to its next user.

Costs one round trip more than the statement alone: role and tenant travel with BEGIN, and what ends the transaction
takes the place of the pool's reset.

No statement is ever prepared as one of the roles and run as the other (their texts differ): versions of PostgreSQL
before 15.9, 16.5 and 17.1 can apply the policies of the role that a plan was made for (CVE-2024-10976).
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from projections.connections import QUERY_TIMEOUT_S, UNAVAILABLE
from projections.roles import API_ROLE, PLATFORM_ROLE, TENANT_SETTING
from projections.statements import statement
from projections.views import ReadModelUnavailable

_logger = logging.getLogger(__name__)

ACROSS_TENANTS = frozenset(
    {
        "ping",
        # Health and figures: counts over all tenants, and rows that belong to none.
        "count_jobs",
        "queue",
        "workers",
        "owners",
        "all_positions",
        "audit_sink_health",
        # The list of tenants, for whoever manages them.
        "tenants",
        # The watch over all schedules.
        "active_schedules",
        "unaccounted_fires",
        # One question for all who wait for their commands; each is given its own (`services/api/outcomes.py`).
        "outcomes",
    }
)
"""The statements that may see the rows of all tenants, by name; what is not here cannot."""
_MARK = "-- across tenants\n"


class Walls:
    """Runs the API's questions through a pool of `projections.connections.open_pool`.

    Every call raises `ReadModelUnavailable` when the database does not answer, or does not let its login be the role.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._refusal_told = False

    async def of_tenant(self, tenant_id: str, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of one statement, which sees that tenant's rows only."""
        async with self._transaction(_opening(tenant_id)) as connection:
            return list(await connection.fetch(sql, *arguments, timeout=QUERY_TIMEOUT_S))

    async def changed_by_tenant(self, tenant_id: str, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of one statement that changes that tenant's rows, and can change no other's."""
        async with self._transaction(_opening(tenant_id, access="")) as connection:
            return list(await connection.fetch(sql, *arguments, timeout=QUERY_TIMEOUT_S))

    async def across_tenants(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        """The rows of a statement of `ACROSS_TENANTS`, which sees the rows of all tenants.

        Raises:
            ValueError: the statement is not one of them.
        """
        if name not in ACROSS_TENANTS:
            raise ValueError(f"{name} is no statement that may see the rows of all tenants")
        async with self._transaction(f"begin read only; set local role {PLATFORM_ROLE}") as connection:
            return list(await connection.fetch(_MARK + statement(name), *arguments, timeout=QUERY_TIMEOUT_S))

    @asynccontextmanager
    async def snapshot_of_tenant(self, tenant_id: str) -> AsyncIterator[PoolConnectionProxy]:
        """A connection for several statements that see that tenant's rows only, all as of one moment."""
        async with self._transaction(_opening(tenant_id, "isolation level repeatable read ")) as connection:
            yield connection

    @asynccontextmanager
    async def _transaction(self, opening: str) -> AsyncIterator[PoolConnectionProxy]:
        try:
            async with self._pool.acquire(timeout=QUERY_TIMEOUT_S) as connection:
                try:
                    await self._enter(connection, opening)
                    yield connection
                    await connection.execute("commit")
                except asyncio.CancelledError:
                    connection.terminate()
                    raise
                except Exception:
                    await _roll_back(connection)
                    raise
        except (*UNAVAILABLE, TimeoutError) as error:
            raise ReadModelUnavailable(f"the database does not answer: {type(error).__name__}") from error

    async def _enter(self, connection: PoolConnectionProxy, opening: str) -> None:
        try:
            await connection.execute(opening)
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError) as error:
            if not self._refusal_told:
                _logger.error(
                    "the API cannot read as %s or %s, see docs/security.md: %s", API_ROLE, PLATFORM_ROLE, error
                )
            self._refusal_told = True
            raise ReadModelUnavailable("the database does not let its login read as the API's role") from error
        self._refusal_told = False


def _opening(tenant_id: str, isolation: str = "", access: str = "read only") -> str:
    # A script takes no arguments; whatever is not a UUID ends here.
    named = UUID(tenant_id)
    return f"begin {isolation}{access}; set local role {API_ROLE}; set local {TENANT_SETTING} = '{named}'"


async def _roll_back(connection: PoolConnectionProxy) -> None:
    try:
        await connection.execute("rollback", timeout=QUERY_TIMEOUT_S)
    except (*UNAVAILABLE, TimeoutError):
        connection.terminate()

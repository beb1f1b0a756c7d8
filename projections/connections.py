"""How this package connects to PostgreSQL, and which of its errors mean what.

Guarantee: no connection attempt and no statement of ours waits without a bound, and each session runs in UTC.
"""

import asyncpg

CONNECT_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
SCHEMA_LOCK = 0x686F726F6C6F67
"""The advisory lock under which tables are created and dropped ("horolog")."""

PARTITION_LOCK = 0x686F726F
"""With a partition's number, the advisory lock under which that partition's records are applied."""

UNAVAILABLE = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""Try again later: the server is away, stopping, full or a standby, or chose this transaction to give way."""

_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


def is_refusal(error: Exception) -> bool:
    """Whether the data themselves cannot be stored, so that repeating will not help."""
    return isinstance(error, _REFUSED)


async def connect(dsn: str, name: str, schema: str | None = None) -> asyncpg.Connection:
    """A connection for writing; `name` is shown in `pg_stat_activity`.

    `schema` replaces the search path, so that the same statements work on a copy of the tables.

    Raises:
        one of `UNAVAILABLE`.
    """
    settings = {"application_name": name, "timezone": "UTC"}
    if schema is not None:
        settings["search_path"] = '"' + schema.replace('"', '""') + '"'
    return await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=WRITE_TIMEOUT_S, server_settings=settings
    )

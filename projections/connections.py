"""How this package connects to PostgreSQL, and which of its errors mean what.

Guarantee: no connection attempt and no statement of ours waits without a bound, and each session runs in UTC.
"""

import asyncpg
import orjson

from horolog.version import connection_name

CONNECT_TIMEOUT_S = 5.0
QUERY_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
SCHEMA_LOCK = 0x686F726F6C6F67
"""The advisory lock under which tables are created and dropped ("horolog")."""

PARTITION_LOCK = 0x686F726F
"""With a partition's number, the advisory lock under which that partition's records are applied."""

COPY_LOCK = 0x686F636F
"""The advisory lock of whoever builds a copy of the read models; with a partition's number, `PARTITION_LOCK` there."""

AUDIT_SINK_LOCK = 0x686F7273696E6B
"""The advisory lock of the one process that sends the audit trail to an outside service ("horsink")."""

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

VIOLATIONS = ("instant", "key")
"""The kinds of unique constraints; see `violated`."""

_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


def is_refusal(error: Exception) -> bool:
    """Whether the data themselves cannot be stored, so that repeating will not help."""
    return isinstance(error, _REFUSED)


def violated(error: Exception) -> str | None:
    """Which unique constraint the data violate: `instant` is the one that lets a job fire once for each; None if none.

    The index of a partition has a name of its own, made of its columns.
    """
    if not isinstance(error, asyncpg.UniqueViolationError):
        return None
    return "instant" if "_job_id_scheduled_at_idx" in (error.constraint_name or "") else "key"


async def open_pool(dsn: str, size_max: int = 8) -> asyncpg.Pool:
    """Connections for reading through `projections.walls`, made when needed; JSON columns come as Python values."""

    async def prepare(connection: asyncpg.Connection) -> None:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_to_json, decoder=orjson.loads)

    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size_max,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=QUERY_TIMEOUT_S,
        init=prepare,
        reset=_nothing,
        server_settings={"application_name": connection_name("horolog-api"), "timezone": "UTC"},
    )


async def connect(dsn: str, name: str, schema: str | None = None) -> asyncpg.Connection:
    """A connection for writing; `name`, with our version, is shown in `pg_stat_activity`.

    `schema` replaces the search path, so that the same statements work on a copy of the tables.

    Raises:
        one of `UNAVAILABLE`.
    """
    settings = {"application_name": connection_name(name), "timezone": "UTC"}
    if schema is not None:
        settings["search_path"] = '"' + schema.replace('"', '""') + '"'
    return await asyncpg.connect(
        dsn, timeout=CONNECT_TIMEOUT_S, command_timeout=WRITE_TIMEOUT_S, server_settings=settings
    )


async def _nothing(_: asyncpg.Connection) -> None:
    """What each transaction sets ends with it, and nothing else is set: there is nothing to take back."""


def _to_json(value: object) -> str:
    return orjson.dumps(value).decode()

"""What `horolog doctor` looks at in PostgreSQL: the schema, the months ahead, and the walls between tenants.

Guarantee: nothing is written or changed. What the login of `DATABASE_URL` may not see is told as such.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import asyncpg

from horolog.cli import notification_schema, vault_schema
from horolog.cli.doctor_findings import Finding
from projections.connections import connect
from projections.migrate import MIGRATIONS, Migration, MigrationRefused, migrations, missing_migrations
from projections.notifications.tables import SCHEMA as NOTIFICATIONS
from projections.partitions import months_ahead, table_of
from projections.roles import ROLES
from services.api.accounts import postgres as accounts

OWN = ""
"""The schema that statements reach without naming one: that of the read models."""
_HISTORIES = {
    OWN: MIGRATIONS,
    vault_schema.SCHEMA: vault_schema.MIGRATIONS,
    accounts.SCHEMA: accounts.MIGRATIONS,
    NOTIFICATIONS: notification_schema.MIGRATIONS,
}
_HAS_HISTORY = """
select exists (
    select from pg_class where relname = 'schema_migrations'
    and relnamespace = (select oid from pg_namespace where nspname = coalesce(nullif($1, ''), current_schema()))
)
"""
_PARTITIONS = """
select relid::regclass::text as name from pg_partition_tree(to_regclass('job_executions')) where isleaf
"""
# Asked through its parent, a partition is behind the parent's policies; by itself it is its owner's alone.
_OPEN = """
select format('%I.%I', nspname, relname) as name
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where nspname in (current_schema(), $1) and relkind in ('r', 'p')
    and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped)
    and not (relrowsecurity and (relforcerowsecurity or relispartition))
order by 1
"""
_ROLES = """
select name, rolname is not null as is_there, coalesce(rolsuper or rolbypassrls, false) as is_above_policies
from unnest($1::text[]) as wanted (name) left join pg_roles on rolname = name
order by name
"""
# The API's own connections tell its login; while there is none, the login that asks is judged.
_LOGINS = """
with seen as (
    select distinct usename as name from pg_stat_activity
    where datname = current_database() and application_name ~ '^horolog-api(/|$)' and usename is not null
), judged as (
    select name, true as is_apis from seen
    union all select current_user, false where not exists (select from seen)
)
select name::text, is_apis, rolsuper or rolbypassrls as is_above_policies,
    coalesce((
        select bool_or(pg_has_role(pg_roles.oid, relowner, 'member')) from pg_class
        where oid = to_regclass('job_executions')
    ), false) as is_owner
from judged join pg_roles on rolname = name
order by name
"""


async def examine_database(dsn: str, now: datetime) -> list[Finding]:
    """Every finding about the tables; `now` says which months are ahead.

    Raises:
        OSError, asyncpg.PostgresError: the database does not answer.
    """
    connection = await connect(dsn, "horolog-doctor")
    try:
        return await examine_tables(connection, now)
    finally:
        await connection.close()


async def examine_tables(connection: asyncpg.Connection, now: datetime) -> list[Finding]:
    """As `examine_database`, through an open connection. Without tables there is one finding."""
    schema = await _schema(connection)
    if not await connection.fetchval(_HAS_HISTORY, OWN):
        return [schema]
    return [
        schema,
        await _months(connection, now),
        await _row_security(connection),
        await _roles(connection),
        *[_login(row) for row in await connection.fetch(_LOGINS)],
    ]


async def _schema(connection: asyncpg.Connection) -> Finding:
    """Whether the database is at the schema that this version speaks."""
    missing: list[Migration] = []
    try:
        for schema, folder in _HISTORIES.items():
            missing += await _missing(connection, schema, folder)
    except MigrationRefused as error:
        return Finding("schema", "fail", str(error), "Use the version that has migrated the database, or a newer one.")
    except asyncpg.InsufficientPrivilegeError:
        return Finding("schema", "warn", "this login may not see what was migrated", "Ask as the owner of the tables.")
    names = ", ".join(migration.name for migration in missing)
    if any(not migration.is_post for migration in missing):
        return Finding("schema", "fail", f"missing: {names}", "`horolog migrate` applies them.")
    if missing:
        advice = "Once no process of the version before is at work: `horolog migrate --post`."
        return Finding("schema", "warn", f"missing: {names}", advice)
    return Finding("schema", "ok", "every migration of this version is applied")


async def _missing(connection: asyncpg.Connection, schema: str, folder: Path) -> Sequence[Migration]:
    applied: dict[str, str] = {}
    if await connection.fetchval(_HAS_HISTORY, schema):
        table = f"{schema}.schema_migrations" if schema else "schema_migrations"
        rows = await connection.fetch(f"select name, checksum from {table}")  # noqa: S608 - one of four names of ours
        applied = {row["name"]: row["checksum"] for row in rows}
    return missing_migrations(migrations(folder), applied)


async def _months(connection: asyncpg.Connection, now: datetime) -> Finding:
    """Whether the ledger has a partition for this month and those to come."""
    wanted = [table_of(month) for month in months_ahead(now)]
    there = {row["name"].rpartition(".")[2] for row in await connection.fetch(_PARTITIONS)}
    absent = [name for name in wanted if name not in there]
    if absent:
        advice = "Projections make them within the hour: see that one runs, as the owner of the tables."
        return Finding("months", "warn", f"missing: {', '.join(absent)}; rows wait in the default partition", advice)
    return Finding("months", "ok", f"the ledger has partitions up to {wanted[-1]}")


async def _row_security(connection: asyncpg.Connection) -> Finding:
    """Whether every table with rows of tenants has its policies enforced, against its owner too."""
    names = [row["name"] for row in await connection.fetch(_OPEN, NOTIFICATIONS)]
    if names:
        advice = "For each: alter table … enable row level security, force row level security."
        return Finding("row security", "fail", f"not enabled and forced: {', '.join(names)}", advice)
    return Finding("row security", "ok", "enabled and forced on every table with rows of tenants")


async def _roles(connection: asyncpg.Connection) -> Finding:
    """Whether the roles that the API reads as are there, and bound by policies."""
    rows = await connection.fetch(_ROLES, list(ROLES))
    if absent := [row["name"] for row in rows if not row["is_there"]]:
        return Finding("roles", "fail", f"missing: {', '.join(absent)}", "`horolog migrate` makes them, or says how.")
    if mighty := [row["name"] for row in rows if row["is_above_policies"]]:
        advice = "For each: alter role … nosuperuser nobypassrls."
        return Finding("roles", "fail", f"above row security: {', '.join(mighty)}", advice)
    return Finding("roles", "ok", f"{', '.join(ROLES)} are bound by row security")


def _login(row: asyncpg.Record) -> Finding:
    """Whether whoever takes the API over has walls before him."""
    whose = f"{row['name']}, as which the API is connected," if row["is_apis"] else f"{row['name']}, which asks here,"
    advice = "Give the API a login of its own: docs/security.md, “Walls between tenants”."
    if row["is_above_policies"]:
        return Finding("login", "warn", f"{whose} passes row security", advice)
    if row["is_owner"]:
        return Finding("login", "warn" if row["is_apis"] else "ok", f"{whose} owns the tables", advice)
    return Finding("login", "ok", f"{whose} owns nothing, and is bound by row security")

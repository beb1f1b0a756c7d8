"""The doctor at a real PostgreSQL: tables in order, and each of the usual mistakes, made and found."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import asyncpg
import pytest

from horolog.adapters.system import SystemClock
from horolog.cli.doctor import examine
from horolog.cli.doctor_database import examine_database, examine_tables
from horolog.cli.preparation import bring_up_to_date
from projections.connections import connect
from projections.partitions import ensure_partitions
from projections.roles import API_ROLE, PLATFORM_ROLE
from tests.integration.projections.test_roles import give, login

NOW = datetime(2026, 3, 15, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 3, 15, tzinfo=UTC)


@pytest.fixture
async def whole(migrated_database: str) -> str:
    """A database with everything that a deployment has, by the month of NOW."""
    await bring_up_to_date(migrated_database)
    connection = await connect(migrated_database, "test")
    await ensure_partitions(connection, NOW)
    await connection.close()
    return migrated_database


@pytest.fixture
async def undone(whole: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it, in a transaction that is taken back: roles belong to the whole server."""
    connection = await connect(whole, "test")
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


async def states(connection: asyncpg.Connection, now: datetime = NOW) -> dict[str, str]:
    """The states of all findings that are not as they should be, by what they are about."""
    found = await examine_tables(connection, now)
    return {one.check: f"{one.state}: {one.found}" for one in found if one.state != "ok" and one.check != "login"}


async def test_whole_database_is_in_order_but_for_a_login_that_passes_its_walls(whole: str) -> None:
    found = {one.check: one.state for one in await examine_database(whole, NOW)}
    walls = {"schema": "ok", "months": "ok", "row security": "ok", "roles": "ok"}
    assert found == {**walls, "login": "warn"}


async def test_empty_database_is_told_to_be_migrated_and_nothing_else(database: str) -> None:
    [found] = await examine_database(database, NOW)
    assert (found.check, found.state, found.advice) == ("schema", "fail", "`horolog migrate` applies them.")
    assert "0001_" in found.found


@pytest.mark.parametrize("schema", ["public", "vault", "accounts", "notifications"])
async def test_migration_that_is_missing_anywhere_is_found(undone: asyncpg.Connection, schema: str) -> None:
    last = await undone.fetchval(f"select max(name) from {schema}.schema_migrations")
    await undone.execute(f"delete from {schema}.schema_migrations where name = $1", last)
    assert (await states(undone))["schema"].startswith("fail: missing: ")
    assert last in (await states(undone))["schema"]


async def test_database_of_a_newer_version_is_found(undone: asyncpg.Connection) -> None:
    await undone.execute("insert into schema_migrations (name, checksum) values ('9999_later', '')")
    assert "newer code, which added 9999_later" in (await states(undone))["schema"]


async def test_month_ahead_that_nobody_has_made_is_found(undone: asyncpg.Connection) -> None:
    assert await states(undone) == {}
    assert (await states(undone, NEXT_YEAR))["months"].startswith("warn: missing: job_executions_2027_03, ")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("public.scheduled_jobs", "no force row level security"),
        ("public.job_executions", "disable row level security"),
        ("public.job_executions_2026_03", "disable row level security"),
        ("notifications.rules", "no force row level security"),
    ],
)
async def test_table_whose_walls_are_down_is_named(undone: asyncpg.Connection, table: str, change: str) -> None:
    await undone.execute(f"alter table {table} {change}")
    assert await states(undone) == {"row security": f"fail: not enabled and forced: {table}"}


@pytest.mark.parametrize("role", [API_ROLE, PLATFORM_ROLE])
async def test_role_of_the_api_that_passes_row_security_is_named(undone: asyncpg.Connection, role: str) -> None:
    await undone.execute(f"alter role {role} bypassrls")
    assert await states(undone) == {"roles": f"fail: above row security: {role}"}


async def logins(dsn: str) -> list[tuple[str, str]]:
    """What is said of the logins that the API has, or else of one's own."""
    return [(one.state, one.found) for one in await examine_database(dsn, NOW) if one.check == "login"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("alter role horolog_test_api nobypassrls", ("ok", "owns nothing, and is bound by row security")),
        ("alter role horolog_test_api bypassrls", ("warn", "passes row security")),
        ("alter table job_executions owner to horolog_test_api", ("warn", "owns the tables")),
    ],
    ids=["a mere reader", "above policies", "the owner"],
)
async def test_login_of_an_api_at_work_is_judged_by_what_it_may(whole: str, given: str, said: tuple[str, str]) -> None:
    async with login(whole, "horolog_test_api") as dsn:
        await give(whole, given)
        api = await connect(dsn, "horolog-api")
        state, what = said
        assert await logins(whole) == [(state, f"horolog_test_api, as which the API is connected, {what}")]
        await api.close()


async def test_own_login_is_judged_while_no_api_is_connected(whole: str) -> None:
    async with login(whole, "horolog_test_api") as dsn:
        [(state, found)] = await logins(dsn)
    assert (state, found) == ("ok", "horolog_test_api, which asks here, owns nothing, and is bound by row security")


async def test_login_that_may_not_see_the_migrations_is_told_so(whole: str) -> None:
    async with login(whole, "horolog_test_api") as dsn:
        [schema] = [one for one in await examine_database(dsn, NOW) if one.check == "schema"]
    assert (schema.state, schema.advice) == ("warn", "Ask as the owner of the tables.")


async def test_command_asks_for_the_tables_as_well(whole: str) -> None:
    found = await examine("http://127.0.0.1:1", {"DATABASE_URL": whole}, SystemClock())
    assert {"database", "clock", "schema", "months", "row security", "roles", "login"} <= {one.check for one in found}

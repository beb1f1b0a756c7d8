"""Row security on the real database: what each role sees of which tenant, and that no connection carries it on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from horolog.domain.audit import JOBS
from projections.audit_sink.outbox import Outbox
from projections.connections import connect, open_pool
from projections.partitions import create_partitions
from projections.queries import PostgresReadModel
from projections.rebuild import rebuild
from projections.roles import API_ROLE, PLATFORM_ROLE, TENANT_SETTING
from projections.statements import statement
from projections.views import ExecutionFilter, JobFilter
from projections.walls import ACROSS_TENANTS, Walls
from schemas.events.executions import ExecutionCompleted, LateResultRecorded
from schemas.events.tenants import TenantCreated
from tests.integration.projections.test_tenants import change
from tests.integration.projections.test_tenants import tenant as tenant_of
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, StillClock, World, project
from tests.unit.api.test_peers_attacks import INJECTIONS
from tests.unit.projections.facts import (
    OTHER_TENANT,
    TENANT,
    accepted,
    admitted,
    at,
    beat,
    changed,
    checkpoint,
    event,
    job,
    measured,
    uuid_of,
)

BOTH = (TENANT, OTHER_TENANT)
WITHOUT_TENANTS = {
    "partition_owners",
    "planned_zone_data",
    "projection_offsets",
    "schema_migrations",
    "scheduler_locks",
    "workers",
}
"""What has no rows of tenants. A table in neither list has no walls: give it some, or say here that it needs none."""
VIEWS = {"scheduler_locks"}
ASKED_BY_TENANTS = {
    *("audit_chain", "command_outcomes", "job_executions", "job_versions", "scheduled_jobs"),
    *("audit_sink_positions", "tenants", "tenant_changes", "tenant_windows"),
}
_RELATIONS = """
select relname::text from pg_class
where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f') and not relispartition
"""
_WITH_TENANT = """
select table_name::text from information_schema.columns
where table_schema = current_schema() and column_name = 'tenant_id' and table_name = any ($1::text[])
"""
_PARTITIONS = """
select relid::regclass::text as name, relrowsecurity as is_closed
from pg_partition_tree('job_executions') join pg_class on pg_class.oid = relid where isleaf
"""


@pytest.fixture
async def walled(world: World) -> World:
    """Rows of two tenants in every table that has tenants, and rows in the others."""
    theirs = {"tenant_id": OTHER_TENANT, "job_id": uuid_of(2)}
    await project(world, changed(job(1)), changed(job(2, tenant=OTHER_TENANT)), beat(), checkpoint())
    await project(world, *(change(TenantCreated, tenant_of(id_), number) for number, id_ in enumerate(BOTH, 7)))
    await project(world, *(measured(tenant=id_) for id_ in BOTH))
    await project(world, admitted(1), admitted(2, **theirs), accepted(1, job_id=uuid_of(1)), accepted(2, OTHER_TENANT))
    outbox = Outbox(world.eye, bytes_max=1)
    assert all([await outbox.begin((tenant, JOBS), 1) for tenant in BOTH])
    return world


@pytest.fixture
async def pool(walled: World) -> AsyncIterator[asyncpg.Pool]:
    """Two connections, for however many ask."""
    made = await open_pool(walled.dsn, 2)
    yield made
    await made.close()


@asynccontextmanager
async def being(world: World, role: str, tenant: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    """A transaction as that role, for that tenant or (None) without one; nothing of it stays."""
    connection = await connect(world.dsn, "test-role")
    try:
        async with connection.transaction():
            await connection.execute(f"set local role {role}")
            if tenant is not None:
                await connection.execute(f"select set_config('{TENANT_SETTING}', $1, true)", tenant)
            yield connection
    finally:
        await connection.close()


async def refuse(connection: asyncpg.Connection, sql: str, error: type[Exception]) -> None:
    """Fail unless the statement ends in this error; the transaction goes on."""
    with pytest.raises(error):
        async with connection.transaction():
            await connection.execute(sql)


async def relations(world: World) -> set[str]:
    return {row["relname"] for row in await world.eye.fetch(_RELATIONS)}


async def with_tenants(world: World) -> set[str]:
    return {row["table_name"] for row in await world.eye.fetch(_WITH_TENANT, list(await relations(world)))}


async def assert_walls_stand(world: World) -> None:
    """Fail unless every table is behind a wall or known to need none, and the wall binds its owner as well."""
    held = await with_tenants(world)
    assert held == ASKED_BY_TENANTS
    assert await relations(world) - held == WITHOUT_TENANTS
    for table in held:
        sql = "select relrowsecurity, relforcerowsecurity from pg_class where oid = $1::text::regclass"
        assert tuple(await world.eye.fetchrow(sql, table) or ()) == (True, True), table
        policies = await world.eye.fetch(
            "select policyname::text, roles::text[] from pg_policies where tablename = $1", table
        )
        owner = await world.eye.fetchval("select tableowner::text from pg_tables where tablename = $1", table)
        assert {row["policyname"]: row["roles"] for row in policies} == {
            "owner_writes": [owner],
            "tenant_reads": [API_ROLE],
            "platform_reads": [PLATFORM_ROLE],
        }
    assert all(row["is_closed"] for row in await world.eye.fetch(_PARTITIONS))


async def test_every_table_is_behind_a_wall_or_known_to_have_no_tenants(walled: World) -> None:
    await assert_walls_stand(walled)


async def test_without_a_tenant_every_table_is_an_error_and_never_empty(walled: World) -> None:
    for table in sorted(await relations(walled)):
        refused = asyncpg.UndefinedObjectError if table in ASKED_BY_TENANTS else asyncpg.InsufficientPrivilegeError
        async with being(walled, API_ROLE) as connection:
            await refuse(connection, f"select * from {table}", refused)


@pytest.mark.parametrize("said", ["", "not a tenant", "*"])
async def test_what_is_no_tenant_is_an_error_as_well(walled: World, said: str) -> None:
    for table in ASKED_BY_TENANTS:
        async with being(walled, API_ROLE, said) as connection:
            await refuse(connection, f"select * from {table}", asyncpg.InvalidTextRepresentationError)


@pytest.mark.parametrize("tenant", BOTH)
async def test_a_tenant_sees_its_own_rows_in_every_table_and_no_others(walled: World, tenant: str) -> None:
    for table in await with_tenants(walled):
        sql = f"select distinct tenant_id::text from {table}"
        assert {row[0] for row in await walled.eye.fetch(sql)} == set(BOTH), f"{table} has rows of both"
        async with being(walled, API_ROLE, tenant) as connection:
            assert [row[0] for row in await connection.fetch(sql)] == [tenant], table


@pytest.mark.parametrize("role", [API_ROLE, PLATFORM_ROLE])
async def test_neither_role_changes_anything(walled: World, role: str) -> None:
    for table in await relations(walled) - VIEWS:
        column = await walled.eye.fetchval(
            "select attname from pg_attribute where attrelid = $1::text::regclass and attnum = 1", table
        )
        statements = (
            f"insert into {table} default values",
            f"update {table} set {column} = {column}",
            f"delete from {table}",
            f"truncate {table}",
            f"alter table {table} disable row level security",
            f"drop table {table}",
            f"create policy all_of_it on {table} using (true)",
        )
        async with being(walled, role, TENANT) as connection:
            for sql in statements:
                await refuse(connection, sql, asyncpg.InsufficientPrivilegeError)


async def test_a_partition_is_read_through_its_parent_only(walled: World) -> None:
    await create_partitions(walled.eye, [(2026, 9), (2031, 1)])
    partitions = [row["name"] for row in await walled.eye.fetch(_PARTITIONS)]
    assert {"job_executions_2026_03", "job_executions_2031_01", "job_executions_default"} <= set(partitions)
    for name in partitions:
        async with being(walled, API_ROLE, TENANT) as connection:
            await refuse(connection, f"select * from {name}", asyncpg.InsufficientPrivilegeError)
    await assert_walls_stand(walled)


async def test_a_partition_that_was_granted_by_mistake_shows_nothing(walled: World) -> None:
    await walled.eye.execute(f"grant select on job_executions_2026_03 to {API_ROLE}")
    async with being(walled, API_ROLE, TENANT) as connection:
        assert await connection.fetch("select * from job_executions_2026_03") == []


async def test_statement_that_forgets_the_tenant_sees_its_own_rows_all_the_same(pool: asyncpg.Pool) -> None:
    walls = Walls(pool)
    for tenant in BOTH:
        for table in ASKED_BY_TENANTS:
            rows = await walls.of_tenant(
                tenant, f"select tenant_id::text as tenant from {table} where true or tenant_id = $1", TENANT
            )
            assert {row["tenant"] for row in rows} == {tenant}


async def test_two_tenants_in_one_small_pool_never_see_each_other(pool: asyncpg.Pool) -> None:
    walls = Walls(pool)
    sql = "select tenant_id::text as tenant from job_executions union all select current_setting('horolog.tenant')"

    async def ask(number: int) -> tuple[str, set[str]]:
        tenant = BOTH[number % 2]
        if number % 7 == 0:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await walls.of_tenant(tenant, "select 1 / 0")
        if number % 5 == 0:
            await walls.across_tenants("queue", None)
        return tenant, {row["tenant"] for row in await walls.of_tenant(tenant, sql)}

    answers = await asyncio.gather(*(ask(number) for number in range(200)))
    assert [answer for answer in answers if answer[1] != {answer[0]}] == []


@pytest.fixture
async def single(walled: World) -> AsyncIterator[asyncpg.Pool]:
    """One connection: the next user gets what the last one had."""
    made = await open_pool(walled.dsn, 1)
    yield made
    await made.close()


async def left_behind(pool: asyncpg.Pool) -> tuple[bool, str]:
    """What the next user of the pool's only connection finds: whether it is the login, and the tenant."""
    sql = "select current_user = session_user, coalesce(current_setting($1, true), '')"
    async with pool.acquire() as connection:
        assert not connection.is_in_transaction()
        (row,) = await connection.fetch(sql, TENANT_SETTING)
        return row[0], row[1]


async def test_neither_success_nor_failure_leaves_role_or_tenant_behind(single: asyncpg.Pool) -> None:
    walls = Walls(single)
    await walls.of_tenant(TENANT, "select 1")
    assert await left_behind(single) == (True, "")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await walls.of_tenant(TENANT, "select 1 / 0")
    assert await left_behind(single) == (True, "")
    with pytest.raises(ZeroDivisionError):
        async with walls.snapshot_of_tenant(TENANT):
            raise ZeroDivisionError
    assert await left_behind(single) == (True, "")


async def test_question_that_is_given_up_leaves_nothing_behind(walled: World, single: asyncpg.Pool) -> None:
    asking = asyncio.create_task(Walls(single).of_tenant(TENANT, "select pg_sleep(60)"))
    async with asyncio.timeout(DEADLINE_S):
        while not await walled.eye.fetchval("select count(*) from pg_stat_activity where wait_event = 'PgSleep'"):
            await asyncio.sleep(PAUSE_S)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert await left_behind(single) == (True, "")


async def test_only_the_listed_statements_see_the_rows_of_all(pool: asyncpg.Pool) -> None:
    walls = Walls(pool)
    for name in ("statistics", "running_executions", "job_history", "ledger_jobs"):
        with pytest.raises(ValueError, match=name):
            await walls.across_tenants(name)
    rows = await walls.across_tenants("count_jobs", None)
    assert {row["status"]: row["count"] for row in rows} == {"active": 2}
    found = await walls.across_tenants("outcomes", [uuid_of(1), uuid_of(2)])
    assert {row["tenant_id"] for row in found} == set(BOTH)


async def test_another_tenants_command_has_no_outcome(pool: asyncpg.Pool) -> None:
    model = PostgresReadModel(pool)
    assert [outcome.command_id for outcome in await model.outcomes_of(TENANT, [uuid_of(1), uuid_of(2)])] == [uuid_of(1)]


async def test_no_statement_is_prepared_as_one_role_and_run_as_another(single: asyncpg.Pool) -> None:
    """CVE-2024-10976: a plan that was made for one role may be run with its policies as another."""
    model = PostgresReadModel(single)
    for tenant in (TENANT, None, OTHER_TENANT, None):
        await model.job_counts(tenant)
        await model.queue(tenant)
    async with single.acquire() as connection:
        rows = await connection.fetch("select statement from pg_prepared_statements")
    for name in ("count_jobs", "queue"):
        assert len([row for row in rows if row["statement"].endswith(statement(name))]) == 2, name
    assert (await model.job_counts(TENANT), await model.job_counts(None)) == ({"active": 1}, {"active": 2})


@pytest.mark.parametrize("text", INJECTIONS)
async def test_text_of_a_filter_is_never_part_of_a_statement(walled: World, pool: asyncpg.Pool, text: str) -> None:
    """Kestra CVE-2026-38428 (SQL in a filter of a GET), on the database itself."""
    model = PostgresReadModel(pool)
    before = await walled.snapshot()
    for where in (JobFilter(status=text), JobFilter(job_type=text), JobFilter(tag=text), JobFilter(text=text)):
        assert await model.jobs(TENANT, where, None, 100) == []
    for narrowed in (ExecutionFilter(status=text), ExecutionFilter(trigger_type=text), ExecutionFilter(tag=text)):
        assert await model.executions(TENANT, narrowed, None, 100) == []
    with pytest.raises(ValueError, match="UUID"):
        await model.jobs(text, JobFilter(), None, 100)
    assert await walled.snapshot() == before


async def test_walls_stand_after_the_tables_were_built_anew(walled: World, pool: asyncpg.Pool) -> None:
    await rebuild(walled.log, walled.dsn, StillClock())
    await assert_walls_stand(walled)
    rows = await Walls(pool).of_tenant(TENANT, "select tenant_id::text as tenant from job_executions")
    assert [row["tenant"] for row in rows] == [TENANT]


async def test_a_fact_in_another_tenants_name_changes_no_row_of_ours(walled: World) -> None:
    before = await walled.rows("job_executions")
    late: dict[str, Any] = {"attempt": 1, "worker_id": "w", "reported": "success"}
    ended: dict[str, Any] = {"attempt": 1, "worker_id": "w", "started_at": at(1), "completed_at": at(2)}
    theirs: dict[str, Any] = {"tenant_id": OTHER_TENANT, "job_id": uuid_of(2)}
    await project(walled, event(LateResultRecorded, 1, 0, **late, **theirs))
    await project(walled, event(LateResultRecorded, 1, 9, **late, **theirs))
    await project(walled, event(ExecutionCompleted, 1, 9, **ended, **theirs))
    assert await walled.rows("job_executions") == before
    await project(walled, event(ExecutionCompleted, 1, 9, **ended))
    assert await walled.rows("job_executions") != before


def test_statements_that_see_all_are_these_and_no_more() -> None:
    assert {
        *("ping", "count_jobs", "queue", "workers", "owners", "all_positions", "audit_sink_health"),
        *("active_schedules", "unaccounted_fires", "outcomes", "tenants"),
    } == ACROSS_TENANTS

"""Who may be what on the database's server: logins of several ranks, and the roles that the API reads as."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from horolog.version import own_version
from projections.at_work import older_at_work
from projections.connections import connect, open_pool
from projections.history import PostgresHistory
from projections.migrate import MigrationRefused, migrate, migrations
from projections.queries import PostgresReadModel
from projections.rebuild import rebuild
from projections.roles import API_ROLE, PLATFORM_ROLE, RolesRefused, ensure_roles
from projections.verification_tables import verify_projections
from projections.views import ExecutionFilter, ReadModelUnavailable
from tests.integration.projections.world import StillClock, World, opened, project
from tests.unit.projections.facts import OTHER_TENANT, TENANT, admitted, changed, job, uuid_of

PASSWORD = "no-secret-of-anybody"
ABSENT = "horolog_test_absent"


@asynccontextmanager
async def login(server: str, name: str, options: str = "") -> AsyncIterator[str]:
    """The DSN of a login that is made for the test, and gone after it."""
    root = await connect(server, "test-root")
    try:
        await root.execute(f"create role {name} login password '{PASSWORD}' {options}")
        try:
            parts = urlsplit(server)
            host = parts.netloc.rpartition("@")[2]
            yield parts._replace(netloc=f"{name}:{PASSWORD}@{host}").geturl()
        finally:
            await root.execute(f"reassign owned by {name} to current_user; drop owned by {name}; drop role {name}")
    finally:
        await root.close()


async def give(server: str, sql: str) -> None:
    """Let an administrator run it."""
    root = await connect(server, "test-root")
    try:
        await root.execute(sql)
    finally:
        await root.close()


@pytest.fixture
async def owner(database: str) -> AsyncIterator[str]:
    """The DSN of a database's owner that is no superuser, but may make roles."""
    async with login(database, "horolog_test_owner", "createrole") as dsn:
        name = urlsplit(dsn).path[1:]
        await give(database, f'alter database "{name}" owner to horolog_test_owner')
        for role in (API_ROLE, PLATFORM_ROLE):
            # The roles are there already, by other tests: made by somebody who lets this login in.
            await give(database, f"do $$ begin create role {role}; exception when duplicate_object then null; end $$")
            await give(database, f"grant {role} to horolog_test_owner")
        yield dsn


async def lived(world: World) -> None:
    """Something of two tenants."""
    await project(world, changed(job(1)), changed(job(2, tenant=OTHER_TENANT)), admitted(1))
    await project(world, admitted(2, tenant_id=OTHER_TENANT, job_id=uuid_of(2)))


async def test_all_works_for_an_owner_that_policies_bind(owner: str) -> None:
    assert len(await migrate(owner)) == len(migrations())
    async with opened(owner) as world:
        await lived(world)
        assert [row["status"] for row in await world.rows("job_executions")] == ["pending"] * 2
        assert await rebuild(world.log, owner, StillClock()) > 0
        assert [r.differences for r in await verify_projections(world.log, owner, StillClock()) if r.differences] == []
        await project(world, admitted(3))
        pool = await open_pool(owner, 1)
        try:
            model, history = PostgresReadModel(pool), PostgresHistory(pool)
            found = await model.executions(TENANT, ExecutionFilter(), None, 10)
            assert {view.tenant_id for view in found} == {TENANT}
            assert len(found) == 2
            assert await history.versions(TENANT, uuid_of(2), None, 10) == []
            assert await model.job_counts(None) == {"active": 2}
        finally:
            await pool.close()


async def test_api_reads_by_a_login_that_owns_nothing(migrated_database: str) -> None:
    async with opened(migrated_database) as world, login(migrated_database, "horolog_test_reader") as dsn:
        await lived(world)
        await give(migrated_database, f"grant {API_ROLE}, {PLATFORM_ROLE} to horolog_test_reader")
        pool = await open_pool(dsn, 1)
        try:
            model = PostgresReadModel(pool)
            assert await model.job(TENANT, uuid_of(1)) is not None
            assert await model.job(TENANT, uuid_of(2)) is None
            assert await model.job_counts(None) == {"active": 2}
        finally:
            await pool.close()


@pytest.fixture
async def stranger(migrated_database: str) -> AsyncIterator[PostgresReadModel]:
    """The read model, by a login that may be neither of the roles."""
    async with login(migrated_database, "horolog_test_stranger") as dsn:
        pool = await open_pool(dsn, 1)
        yield PostgresReadModel(pool)
        await pool.close()


async def test_login_that_may_not_be_the_role_is_told_once_and_reads_nothing(
    stranger: PostgresReadModel, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        with pytest.raises(ReadModelUnavailable, match="role"):
            await stranger.job(TENANT, uuid_of(1))
    (told,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert API_ROLE in told.getMessage()
    assert "docs/security.md" in told.getMessage()
    assert PASSWORD not in caplog.text


async def test_missing_roles_are_made_by_whoever_may_and_can_be_taken_on(database: str) -> None:
    async with login(database, "horolog_test_maker", "createrole") as dsn:
        connection = await connect(dsn, "test")
        try:
            await ensure_roles(connection, (ABSENT,))
            await ensure_roles(connection, (ABSENT,))
            async with connection.transaction():
                await connection.execute(f"set local role {ABSENT}")
                assert await connection.fetchval("select current_user::text") == ABSENT
            row = await connection.fetchrow("select * from pg_roles where rolname = $1", ABSENT)
            assert row is not None
            told = [row[name] for name in ("rolcanlogin", "rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb")]
            assert told == [False] * 5
        finally:
            await connection.close()
            await give(database, f"drop role {ABSENT}")


async def test_login_that_may_make_no_roles_is_told_what_to_have_run(database: str) -> None:
    async with login(database, "horolog_test_plain") as dsn:
        connection = await connect(dsn, "test")
        try:
            with pytest.raises(RolesRefused, match=f"create role {ABSENT} nologin") as refused:
                await ensure_roles(connection, (ABSENT,))
            assert "docs/security.md" in str(refused.value)
        finally:
            await connection.close()


async def test_role_that_passes_row_security_refuses_the_migration_and_nothing_is_applied(database: str) -> None:
    connection = await connect(database, "test")
    try:
        await ensure_roles(connection)
        await connection.execute(f"alter role {API_ROLE} bypassrls")
        with pytest.raises(MigrationRefused, match=f"alter role {API_ROLE} nosuperuser nobypassrls"):
            await migrate(database)
        assert await connection.fetchval("select to_regclass('scheduled_jobs')") is None
    finally:
        await connection.execute(f"alter role {API_ROLE} nobypassrls")
        await connection.close()


async def test_older_version_at_work_is_seen_by_a_login_that_may_do_nothing(database: str) -> None:
    async with login(database, "horolog_test_stranger") as dsn:
        stranger, old = await connect(dsn, "test"), await connect(database, "horolog-api")
        try:
            assert await older_at_work(stranger, "999.0") == [f"api {own_version()}"]
        finally:
            await old.close()
            await stranger.close()

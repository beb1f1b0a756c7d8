"""Dumps of PostgreSQL, as `docs/operations.md` has them: what is beside the log comes back, and read models go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from horolog.adapters.servers.postgres_binaries import find_postgres
from horolog.adapters.vault.postgres import open_vault
from horolog.cli.preparation import bring_up_to_date
from horolog.vault.port import WrongMasterKeys
from projections.connections import connect
from projections.verification_tables import verify_projections
from tests.integration.projections.test_rebuilding import live_through
from tests.integration.projections.world import StillClock, World, opened, project
from tests.unit.projections.facts import START, TENANT, admitted, changed, job
from tests.unit.vault.test_master_keys import NEW, OLD, keys

DEADLINE_S = 120.0
BESIDE = ("--schema=vault", "--schema=accounts", "--schema=notifications")


@pytest.fixture
async def world(migrated_database: str) -> AsyncIterator[World]:
    """An empty log, and tables that have taken in nothing."""
    async with opened(migrated_database) as made:
        yield made


async def run(program: str, *words: str) -> None:
    """Run one of PostgreSQL's own programs."""
    process = await asyncio.create_subprocess_exec(
        str(find_postgres().directory / program), *words, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE_S):
        _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


async def dumped(dsn: str, folder: Path, *parts: str) -> Path:
    """A dump of the database, or of parts of it."""
    file = folder / "dump"
    await run("pg_dump", "--format=custom", f"--file={file}", *parts, dsn)
    return file


async def restored(file: Path, dsn: str) -> None:
    """Bring the dump into an empty database."""
    await run("pg_restore", "--exit-on-error", f"--dbname={dsn}", str(file))


@asynccontextmanager
async def looking(world: World, dsn: str) -> AsyncIterator[World]:
    """The world with the same log, and another database."""
    eye = await connect(dsn, "test")
    try:
        yield replace(world, dsn=dsn, eye=eye)
    finally:
        await eye.close()


async def is_as_the_log_says(world: World) -> bool:
    reports = await verify_projections(world.log, world.dsn, StillClock())
    return not any(report.differences for report in reports)


async def test_read_models_of_a_dump_go_on_with_the_log_where_they_stood(
    world: World, database: str, tmp_path: Path
) -> None:
    await live_through(world)
    file = await dumped(world.dsn, tmp_path)
    await project(world, admitted(7), changed(job(7)))
    await restored(file, database)
    assert [name for name in await bring_up_to_date(database) if "/" not in name] == []
    async with looking(world, database) as other:
        assert await other.rows("job_executions") != await world.rows("job_executions")
        await project(other)
        assert await other.snapshot() == await world.snapshot()
        assert await is_as_the_log_says(other)


async def test_without_any_dump_the_read_models_come_from_the_log_alone(world: World, database: str) -> None:
    await live_through(world)
    await bring_up_to_date(database)
    async with looking(world, database) as other:
        await project(other)
        assert await other.snapshot() == await world.snapshot()
        assert await is_as_the_log_says(other)


async def test_secrets_come_back_with_the_dump_and_the_master_keys_alone(
    migrated_database: str, database: str, tmp_path: Path
) -> None:
    await bring_up_to_date(migrated_database)
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        await vault.put_secret(TENANT, "password", "of the database", START)
    await restored(await dumped(migrated_database, tmp_path, *BESIDE), database)
    assert [name for name in await bring_up_to_date(database) if "/" in name] == []
    async with open_vault(database, keys(f"a={OLD}")) as vault:
        assert await vault.secret(TENANT, "password") == "of the database"
    async with open_vault(database, keys(f"a={NEW}")) as vault:
        with pytest.raises(WrongMasterKeys):
            await vault.secret(TENANT, "password")

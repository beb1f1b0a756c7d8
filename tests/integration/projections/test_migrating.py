"""A database is brought to the schema once, whoever tries and however often."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from horolog.version import own_version
from projections.at_work import older_at_work
from projections.connections import connect
from projections.migrate import MIGRATIONS, MigrationRefused, Phase, Release, migrate, migrations

DEADLINE_S, PAUSE_S = 30.0, 0.02

NAMES = [migration.name for migration in migrations()]


def folder_with(path: Path, **files: str) -> Path:
    for name, sql in files.items():
        (path / f"{name}.sql").write_text(sql, encoding="utf-8")
    return path


@asynccontextmanager
async def at_work(dsn: str, part: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that is called like that part of this version."""
    connection = await connect(dsn, part)
    try:
        yield connection
    finally:
        await connection.close()


async def nobody_at_work(dsn: str) -> None:
    """Wait until the server has let go of every connection of ours that was closed."""
    async with at_work(dsn, "test") as eye, asyncio.timeout(DEADLINE_S):
        while await older_at_work(eye, "999.0"):
            await asyncio.sleep(PAUSE_S)


async def applied(dsn: str) -> list[str]:
    connection = await connect(dsn, "test")
    try:
        rows = await connection.fetch("select name from schema_migrations order by name")
    finally:
        await connection.close()
    return [row["name"] for row in rows]


async def test_applied_twice_is_applied_once(database: str) -> None:
    assert await migrate(database) == NAMES
    assert await migrate(database) == []
    assert await applied(database) == NAMES


async def test_of_many_at_the_same_time_one_applies(database: str) -> None:
    results = await asyncio.gather(*(migrate(database) for _ in range(4)))
    assert sorted(results) == [[], [], [], NAMES]


async def test_later_ones_are_added_to_those_that_were_applied(database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"0001_a": "create table a ()"})
    await migrate(database, folder)
    folder_with(tmp_path, **{"0002_b": "create table b ()", "0003_c": "drop table a"})
    assert await migrate(database, folder) == ["0002_b", "0003_c"]


async def test_altered_text_is_refused_and_nothing_is_applied(database: str, tmp_path: Path) -> None:
    await migrate(database, folder_with(tmp_path, **{"0001_a": "create table a ()"}))
    folder_with(tmp_path, **{"0001_a": "create table a (b int)", "0002_b": "create table b ()"})
    with pytest.raises(MigrationRefused, match="0001_a"):
        await migrate(database, tmp_path)
    assert await applied(database) == ["0001_a"]


async def test_database_of_newer_code_is_refused(database: str, tmp_path: Path) -> None:
    await migrate(database, folder_with(tmp_path, **{"0001_a": "select 1", "0002_b": "select 2"}))
    (tmp_path / "0002_b.sql").unlink()
    with pytest.raises(MigrationRefused, match="newer code"):
        await migrate(database, tmp_path)


async def test_migration_that_fails_takes_back_those_before_it(database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"0001_a": "create table a ()", "0002_b": "create table a ()"})
    with pytest.raises(asyncpg.DuplicateTableError):
        await migrate(database, folder)
    (tmp_path / "0002_b.sql").unlink()
    assert await migrate(database, folder) == ["0001_a"]


async def test_what_an_older_version_uses_stays_until_it_has_ended(database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"0001_a": "create table a ()"})
    await migrate(database, folder)
    folder_with(tmp_path, **{"0002_b": "create table b ()", "0003_drop_a.post": "drop table a"})
    newer = Release(version="999.0")
    async with at_work(database, "horolog-projections") as old:
        assert await migrate(database, folder, release=replace(newer, phase=Phase.PRE)) == ["0002_b"]
        for phase in (Phase.POST, Phase.BOTH):
            with pytest.raises(MigrationRefused, match=rf"0003_drop_a\.post: .*\(projections {own_version()}\)"):
                await migrate(database, folder, release=replace(newer, phase=phase))
        await old.execute("select from a, b")
    await nobody_at_work(database)
    assert await migrate(database, folder, release=replace(newer, phase=Phase.POST)) == ["0003_drop_a.post"]


async def test_same_version_at_work_is_in_nobodys_way(database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"0001_a": "create table a ()"})
    await migrate(database, folder)
    folder_with(tmp_path, **{"0002_drop_a.post": "drop table a"})
    async with at_work(database, "horolog-projections"):
        assert await migrate(database, folder, release=Release(Phase.POST)) == ["0002_drop_a.post"]


async def test_who_is_alone_asks_nobody(database: str, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"0001_a": "create table a ()"})
    await migrate(database, folder)
    folder_with(tmp_path, **{"0002_drop_a.post": "drop table a"})
    async with at_work(database, "horolog-api"):
        assert await migrate(database, folder, release=Release(version="999.0", alone=True)) == ["0002_drop_a.post"]


def test_migrations_of_the_product_are_numbered_from_one_without_a_gap() -> None:
    numbers = [int(path.name[:4]) for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))

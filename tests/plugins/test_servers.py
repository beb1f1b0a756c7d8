"""The servers under the tests: each test has a database of its own, and Valkey answers."""

from __future__ import annotations

import asyncpg
import pytest
from redis.asyncio import Redis

from tests.plugins.servers import with_database


@pytest.mark.parametrize("attempt", [1, 2])
async def test_each_test_has_an_empty_database_of_its_own(database: str, attempt: int) -> None:
    connection = await asyncpg.connect(database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
        await connection.execute(f"CREATE TABLE left_by_{attempt} (id int)")
    finally:
        await connection.close()


@pytest.mark.parametrize("attempt", [1, 2])
async def test_migrated_database_has_the_read_models_and_no_rows(migrated_database: str, attempt: int) -> None:
    connection = await asyncpg.connect(migrated_database)
    try:
        assert await connection.fetchval("SELECT count(*) FROM scheduled_jobs") == 0
        await connection.execute("ALTER TABLE scheduled_jobs RENAME TO taken")
    finally:
        await connection.close()


async def test_valkey_answers(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.set("tests:servers", "here", ex=60)
        assert await client.get("tests:servers") == b"here"


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://u@/postgres?host=/tmp/x", "postgresql://u@/n?host=/tmp/x"),
        ("postgresql://u:p@h:5432", "postgresql://u:p@h:5432/n"),
        ("postgresql:///postgres?host=/tmp/x&user=u", "postgresql:///n?host=/tmp/x&user=u"),
    ],
)
def test_dsn_for_another_database_keeps_the_server(dsn: str, expected: str) -> None:
    assert with_database(dsn, "n") == expected

"""Copies of days on a real Redis: kept for a day, forgotten when they change, and missed by nobody while it is away."""

import os
import uuid
from collections.abc import AsyncIterator
from datetime import date

import pytest
from redis.asyncio import Redis

from horolog.adapters.redis_days import KEPT_S, PREFIX, RedisDays
from horolog.domain.closed_days import TenantDay


@pytest.fixture
async def days(redis_url: str) -> AsyncIterator[RedisDays]:
    """The copies."""
    made = RedisDays(redis_url)
    yield made
    await made.close()


@pytest.fixture
def day(request: pytest.FixtureRequest) -> TenantDay:
    """A day of a tenant of this test alone."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{os.getpid()} {request.node.nodeid}")), date(2026, 3, 1)


async def test_a_copy_is_kept_for_a_day_and_then_gone(days: RedisDays, day: TenantDay, redis_url: str) -> None:
    other = (day[0], date(2026, 3, 2))
    await days.keep({day: b"copy"})
    assert await days.copies([other, day]) == [None, b"copy"]
    async with Redis.from_url(redis_url) as eye:
        assert 0 < await eye.ttl(f"{PREFIX}{day[0]}:2026-03-01") <= KEPT_S


async def test_a_day_that_has_changed_has_no_copy_any_more(days: RedisDays, day: TenantDay) -> None:
    await days.keep({day: b"copy"})
    await days.forget([day])
    assert await days.copies([day]) == [None]


async def test_what_was_copied_at_that_very_moment_is_forgotten_later(days: RedisDays, day: TenantDay) -> None:
    await days.forget([day])
    await days.keep({day: b"of before"})
    await days.look()
    assert await days.copies([day]) == [b"of before"]
    days._pending[day] = days._due_at = float("-inf")
    await days.look()
    assert await days.copies([day]) == [None]
    assert days._pending == {}


async def test_without_redis_there_are_no_copies_and_what_is_to_be_forgotten_is_remembered(day: TenantDay) -> None:
    gone = RedisDays("redis://127.0.0.1:1/0")
    await gone.keep({day: b"copy"})
    assert await gone.copies([day]) == [None]
    await gone.forget([day])
    await gone.look()
    assert list(gone._pending) == [day]
    await gone.close()

"""Rate limits in a real Redis: all processes share them, and without it each goes by half of them."""

import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack

import pytest

from horolog.adapters.local_rates import LocalRates
from horolog.adapters.redis_rates import RedisRates
from horolog.adapters.system import RandomIds
from horolog.domain.rates import Demand, Grant, Rate

PATIENT_S = 30.0
SLOW = 1 / 3600
"""A rate at which nothing is filled in while a test runs."""


@pytest.fixture
async def processes(redis_url: str) -> AsyncIterator[tuple[RedisRates, RedisRates]]:
    """Two processes with the same Redis, each of which would grant by itself whatever is asked."""
    async with AsyncExitStack() as stack:
        pair = tuple(RedisRates(redis_url, LocalRates(), PATIENT_S) for _ in range(2))
        for one in pair:
            stack.push_async_callback(one.close)
        yield pair[0], pair[1]


def _demand(burst: int, key: str | None = None) -> Demand:
    return Demand(key or f"test:{RandomIds().new()}", Rate(SLOW, burst))


def _allowed(grants: Sequence[Grant]) -> list[bool]:
    return [one.allowed for one in grants]


async def test_two_processes_grant_together_what_one_may(processes: tuple[RedisRates, RedisRates]) -> None:
    one, other = processes
    demand = _demand(burst=4)
    said = [(await process.take([demand]))[0] for process in (one, other, one, other, one)]
    assert [grant.allowed for grant in said] == [True, True, True, True, False]
    assert [grant.remaining for grant in said] == [3, 2, 1, 0, 0]
    assert 3590 < said[-1].retry_in_s <= 3600


async def test_what_one_bucket_refuses_takes_nothing_from_another(processes: tuple[RedisRates, RedisRates]) -> None:
    narrow, broad = _demand(burst=1), _demand(burst=2)
    assert _allowed(await processes[0].take([narrow, broad])) == [True, True]
    assert _allowed(await processes[1].take([narrow, broad])) == [False, True]
    assert _allowed(await processes[1].take([broad])) == [True]


async def test_a_bucket_that_is_full_again_is_not_kept(processes: tuple[RedisRates, RedisRates]) -> None:
    key = f"test:{RandomIds().new()}"
    await processes[0].take([Demand(key, Rate(1000, 10))])
    left_ms = await processes[0]._redis.pttl(f"horolog:rate:{key}")
    assert left_ms <= 2


async def test_without_redis_a_process_grants_half_of_the_rate() -> None:
    rates = RedisRates("redis://127.0.0.1:1/0", LocalRates())
    demand = _demand(burst=4)
    assert [_allowed(await rates.take([demand]))[0] for _ in range(3)] == [True, True, False]
    await rates.close()


async def test_a_redis_that_hangs_holds_nobody_up_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        rates = RedisRates(f"redis://127.0.0.1:{hanging.getsockname()[1]}/0", LocalRates())
        demand = _demand(burst=2)
        assert [_allowed(await rates.take([demand]))[0] for _ in range(2)] == [True, False]
        await rates.close()

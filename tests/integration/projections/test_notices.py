"""Notices over a real Redis: they name commands and nothing else, and forged ones do no harm."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import orjson
import pytest
from redis.asyncio import Redis

from horolog.adapters.redis_notify import CHANNEL, RedisNotify, RedisWake
from tests.unit.projections.facts import uuid_of

DEADLINE_S = 30.0
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Line:
    """Both ends, and a stranger who can write to the channel as well."""

    notify: RedisNotify
    wake: RedisWake
    stranger: Redis

    async def heard(self) -> list[str]:
        async with asyncio.timeout(DEADLINE_S):
            return list(await self.wake.heard())


@pytest.fixture
async def line(redis_url: str) -> AsyncIterator[Line]:
    """Somebody listens already: what is told from now on is heard."""
    made = Line(RedisNotify(redis_url), RedisWake(redis_url), Redis.from_url(redis_url))
    hearing = asyncio.create_task(made.heard())
    async with asyncio.timeout(DEADLINE_S):
        while not made.wake.live:
            await asyncio.sleep(PAUSE_S)
    await made.notify.applied([uuid_of(0)])
    assert await hearing == [uuid_of(0)]
    yield made
    await made.wake.close()
    await made.notify.close()
    await made.stranger.aclose()


@pytest.mark.parametrize("forged", [b"{", b"7", b'"text"', b"null", b"[1]", b'{"a": 1}', b"[[]]", b"[]", b"\xff\x00"])
async def test_notice_that_is_none_of_ours_is_passed_over_and_the_next_is_heard(line: Line, forged: bytes) -> None:
    await line.stranger.publish(CHANNEL, forged)
    await line.notify.applied([uuid_of(1), uuid_of(2)])
    assert await line.heard() == [uuid_of(1), uuid_of(2)]
    assert line.wake.live


async def test_notice_holds_the_ids_of_commands_and_nothing_else(line: Line) -> None:
    async with line.stranger.pubsub() as channel:
        await channel.subscribe(CHANNEL)
        async with asyncio.timeout(DEADLINE_S):
            while not await channel.get_message(ignore_subscribe_messages=False, timeout=1):
                continue
            await line.notify.applied([uuid_of(3)])
            while not (message := await channel.get_message(ignore_subscribe_messages=True, timeout=1)):
                continue
    assert orjson.loads(message["data"]) == [uuid_of(3)]

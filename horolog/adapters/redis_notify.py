"""Notices over Redis that commands have taken effect: sent by projections, heard by the API.

Guarantee: neither side ever raises or blocks its caller because of Redis; a notice may be lost at any time, or be
forged, and nothing but speed depends on it. It holds ids of commands and nothing else: no tenant, no name, no outcome;
whoever hears one asks the read models as ever, and learns what they tell that caller.
"""

import asyncio
import contextlib
from collections.abc import Sequence

import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError

CHANNEL = "horolog:applied"
SEND_TIMEOUT_S = 0.5
RETRY_S = 1.0
MUTED_S = 2.0


class RedisNotify:
    """The sending side. While Redis does not answer it stays silent for a while instead of waiting each time."""

    def __init__(self, url: str) -> None:
        self._redis = _client(url)
        self._muted_until = 0.0

    async def applied(self, command_ids: Sequence[str]) -> None:
        """Tell whoever listens that these commands have taken effect."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._muted_until:
            return
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._redis.publish(CHANNEL, orjson.dumps(list(command_ids)))
        except (RedisError, OSError, TimeoutError):
            self._muted_until = loop.time() + MUTED_S

    async def close(self) -> None:
        """Release the connection."""
        await self._redis.aclose()


class RedisWake:
    """The hearing side; it reconnects by itself."""

    def __init__(self, url: str) -> None:
        self._redis = _client(url)
        self._heard: asyncio.Queue[Sequence[str]] = asyncio.Queue(10_000)
        self._listening: asyncio.Task[None] | None = None
        self._live = False

    @property
    def live(self) -> bool:
        """Whether notices arrive at present."""
        return self._live

    async def heard(self) -> Sequence[str]:
        """Wait for the next notice."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())
        return await self._heard.get()

    async def ping(self) -> None:
        """Raises when Redis does not answer."""
        await self._redis.get("horolog:ping")

    async def close(self) -> None:
        """Stop listening and release the connection."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        await self._redis.aclose()

    async def _listen(self) -> None:
        while True:
            try:
                await self._subscribe()
            except (RedisError, OSError, TimeoutError):
                self._live = False
                await asyncio.sleep(RETRY_S)

    async def _subscribe(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            self._live = True
            async for message in channel.listen():
                if message["type"] == "message" and not self._heard.full() and (ids := _ids_in(message["data"])):
                    self._heard.put_nowait(ids)


def _ids_in(notice: bytes) -> Sequence[str]:
    """The command ids of a notice; none where it is not one of ours, whoever can write to the channel."""
    try:
        told = orjson.loads(notice)
    except orjson.JSONDecodeError:
        return ()
    return told if isinstance(told, list) and all(isinstance(id_, str) for id_ in told) else ()


def _client(url: str) -> "Redis":
    return Redis.from_url(url, socket_connect_timeout=SEND_TIMEOUT_S, health_check_interval=10)

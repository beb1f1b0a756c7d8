"""The real clock and the real ids: the only module that may ask the machine for time or randomness."""

import asyncio
import random
import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


class RandomIds:
    """Random UUIDs (RFC 9562, version 4)."""

    def new(self) -> str:
        return str(uuid.uuid4())


def system_chance() -> float:
    """A number from 0 up to but not including 1: for spreading things out, not for keys."""
    return random.random()

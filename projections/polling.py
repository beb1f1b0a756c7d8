"""Waiting for records, and for whatever ends the wait: for all who read the log into tables."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from horolog.log.port import Reader, Record

POLL_S = 1.0


async def poll(reader: Reader, count_max: int, over: asyncio.Task[None]) -> Sequence[Record]:
    """The next records; none when `over` ends before there are any."""
    polling = asyncio.create_task(_polled(reader, count_max))
    try:
        await asyncio.wait((polling, over), return_when=asyncio.FIRST_COMPLETED)
        return polling.result() if polling.done() else ()
    finally:
        polling.cancel()


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return when the first of these does."""
    tasks = [asyncio.create_task(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def _polled(reader: Reader, count_max: int) -> Sequence[Record]:
    return await reader.poll(count_max, POLL_S)

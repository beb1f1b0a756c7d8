"""Bounded patience with parts that may have stopped answering.

Guarantee: a question is over after its seconds, whatever becomes of it. A timeout around it would not do: a client
that is cancelled while its server is frozen first tries to take its question back, and that takes as long again.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

_T = TypeVar("_T")


async def within(seconds: float, question: Awaitable[_T]) -> _T:
    """The answer, or whatever the question raises.

    Raises:
        TimeoutError: there was none in time; the question is cancelled, and left to itself.
    """
    asking = asyncio.ensure_future(question)
    asking.add_done_callback(_heed)
    try:
        await asyncio.wait((asking,), timeout=seconds)
        if asking.done():
            return asking.result()
        raise TimeoutError
    finally:
        asking.cancel()


def _heed(asking: asyncio.Future[_T]) -> None:
    # A failure that comes too late is nobody's; asyncio would log that nobody has asked for it.
    if not asking.cancelled():
        asking.exception()

"""Sending a stream over HTTP.

Guarantee: a client that goes away, or takes nothing for `stall_s`, costs nothing from then on; its seat is given back
however its stream ends.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, MutableMapping
from contextlib import aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.api.streams.seats import Seat

MEDIA_TYPE = "text/event-stream"
_LOG = logging.getLogger("horolog.api.streams")
# Proxies are told not to keep it back: nginx heeds the second.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStreamAnswer(StreamingResponse):
    """The answer that sends `frames` until they or the client end."""

    media_type = MEDIA_TYPE

    def __init__(self, frames: AsyncGenerator[bytes, None], seat: Seat, stall_s: float) -> None:
        super().__init__(frames, headers=_HEADERS)
        self._frames = frames
        self._seat = seat
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._frames.aclose()
            self._seat.give_back()
        if not sending.cancelled() and (fault := sending.exception()) is not None:
            raise fault

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        try:
            await self._within_stall(send, start)
            async with aclosing(self._frames) as frames:
                async for frame in frames:
                    await self._within_stall(send, {"type": "http.response.body", "body": frame, "more_body": True})
            await self._within_stall(send, {"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            _LOG.info("a stream is given up: its client takes nothing")

    async def _within_stall(self, send: Send, message: MutableMapping[str, Any]) -> None:
        async with asyncio.timeout(self._stall_s):
            await send(message)


async def _left(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass

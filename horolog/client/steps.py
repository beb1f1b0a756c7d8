"""Going through the steps of a call by HTTP, with threads or in a loop.

Guarantee: what comes back is told as it is; a request of which it is not certain that it reached nobody counts as sent.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from typing import Any, TypeVar

import httpx

from horolog.client.following import SILENCE_S, Following
from horolog.client.wire import Alone, Flow, Lost, Outcome, Pause, Reply, Request, Send

T = TypeVar("T")
E = TypeVar("E")
TIMEOUT_S = 30.0


class BlockingSteps:
    """Goes through the steps of calls, waiting for each."""

    def __init__(self, http: httpx.Client, place: str, sleep: Callable[[float], None]) -> None:
        self._http = http
        self._place = place
        self._sleep = sleep
        self._alone = threading.Lock()

    def go(self, steps: Flow[T]) -> T:
        """What the last step leads to."""
        came: Outcome | None = None
        while True:
            try:
                step = steps.send(came)
            except StopIteration as end:
                result: T = end.value
                return result
            came = None
            if isinstance(step, Send):
                came = self._send(step.request)
            elif isinstance(step, Pause):
                self._sleep(step.seconds)
            else:
                self._go_alone(step)

    def _go_alone(self, step: Alone) -> None:
        with self._alone:
            self.go(step.steps)

    def follow(self, following: Following[E]) -> Generator[E, None, None]:
        """The events of a stream, asking for it again wherever it breaks off."""
        while not following.is_over:
            for piece in self._pieces(self.go(following.request())):
                yield from following.take(piece)
            self._sleep(following.broken_off(following.came))

    def _pieces(self, request: Request) -> Generator[bytes | Outcome, None, None]:
        try:
            with self._http.stream("GET", self._place + request.path, **_streamed(request)) as response:
                if _is_stream(response):
                    yield from response.iter_bytes()
                else:
                    response.read()
                    yield _reply(response)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            yield _lost(error)

    def _send(self, request: Request) -> Outcome:
        try:
            return _reply(self._http.request(request.method, self._place + request.path, **_sent(request)))
        except (httpx.RequestError, httpx.InvalidURL) as error:
            return _lost(error)


class AwaitingSteps:
    """Goes through the steps of calls, awaiting each."""

    def __init__(self, http: httpx.AsyncClient, place: str) -> None:
        self._http = http
        self._place = place
        self._alone = asyncio.Lock()

    async def go(self, steps: Flow[T]) -> T:
        """What the last step leads to."""
        came: Outcome | None = None
        while True:
            try:
                step = steps.send(came)
            except StopIteration as end:
                result: T = end.value
                return result
            came = None
            if isinstance(step, Send):
                came = await self._send(step.request)
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            else:
                async with self._alone:
                    await self.go(step.steps)

    async def follow(self, following: Following[E]) -> AsyncGenerator[E, None]:
        """The events of a stream, asking for it again wherever it breaks off."""
        while not following.is_over:
            async with aclosing(self._events(following)) as events:
                async for event in events:
                    yield event
            await asyncio.sleep(following.broken_off(following.came))

    async def _events(self, following: Following[E]) -> AsyncGenerator[E, None]:
        async with aclosing(self._pieces(await self.go(following.request()))) as pieces:
            async for piece in pieces:
                for event in following.take(piece):
                    yield event

    async def _pieces(self, request: Request) -> AsyncGenerator[bytes | Outcome, None]:
        try:
            async with self._http.stream("GET", self._place + request.path, **_streamed(request)) as response:
                if not _is_stream(response):
                    await response.aread()
                    yield _reply(response)
                    return
                async for piece in response.aiter_bytes():
                    yield piece
        except (httpx.RequestError, httpx.InvalidURL) as error:
            yield _lost(error)

    async def _send(self, request: Request) -> Outcome:
        try:
            return _reply(await self._http.request(request.method, self._place + request.path, **_sent(request)))
        except (httpx.RequestError, httpx.InvalidURL) as error:
            return _lost(error)


def _sent(request: Request) -> dict[str, Any]:
    return {"params": request.query or None, "content": request.body, "headers": dict(request.headers)}


def _streamed(request: Request) -> dict[str, Any]:
    # Each piece may take as long as the API may be silent.
    return {**_sent(request), "timeout": httpx.Timeout(TIMEOUT_S, read=SILENCE_S)}


def _is_stream(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return response.status_code == 200 and kind.startswith("text/event-stream")


def _reply(response: httpx.Response) -> Reply:
    return Reply(
        response.status_code, {name.lower(): value for name, value in response.headers.items()}, response.content
    )


def _lost(error: httpx.RequestError | httpx.InvalidURL) -> Lost:
    # What a library says of a failed connection names the address at most; of the rest only the kind is told.
    unreached = (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.PoolTimeout,
        httpx.UnsupportedProtocol,
        httpx.InvalidURL,
    )
    return Lost(False, str(error)) if isinstance(error, unreached) else Lost(True, type(error).__name__)

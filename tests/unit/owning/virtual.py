"""An event loop whose time jumps to the next timer as soon as nothing else is to be done, and a clock that shows it."""

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SCENARIO_S_MAX = 3600.0


class _Jumping(selectors.SelectSelector):
    """Instead of waiting for a timer, it puts the time forward."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits, and there is no timer: nothing will ever happen")
        if not ready and timeout is not None:
            self.time += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in virtual time; it has no files or sockets, so every run is like every other."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.time

    def stall(self, seconds: float) -> None:
        """Let time pass without doing anything meanwhile, like a process that is stopped."""
        self._jumping.time += seconds


class VirtualClock:
    """The loop's time as a clock."""

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


async def elapse(seconds: float) -> None:
    """Let virtual time pass, which costs none: what is to be done until then is done first."""
    await asyncio.sleep(seconds)


def stall(seconds: float) -> None:
    """Stop everything for a while, and go on."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.stall(seconds)


def play(scenario: Coroutine[Any, Any, None]) -> None:
    """Run a scenario to its end, in virtual time."""

    async def bounded() -> None:
        async with asyncio.timeout(SCENARIO_S_MAX):
            await scenario

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(bounded())

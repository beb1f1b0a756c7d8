"""What the log in memory promises besides: it needs neither threads nor real time."""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections.abc import Mapping
from typing import Any

from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from tests.contract.log.records import JOBS, numbered, values


class TimelessSelector(selectors.SelectSelector):
    """Instead of waiting it moves the loop's clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits for something outside the loop"
        self.now += timeout
        return []

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return super().get_map()


class TimelessLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes at once."""

    def __init__(self) -> None:
        self.moved = TimelessSelector()
        super().__init__(self.moved)

    def time(self) -> float:
        return self.moved.now


def test_log_in_memory_runs_in_virtual_time_and_without_threads() -> None:
    async def an_hour() -> float:
        log = EmbeddedLog.open(None, SystemClock(), 2)
        reader = log.reader()
        reader.assign({JOBS: 0})
        assert list(await reader.poll(10, 3600.0)) == []
        waiting = asyncio.create_task(reader.poll(10, 3600.0))
        writer = await log.open_writer("dispatcher", 0)
        await writer.commit(numbered(JOBS, 2))
        assert values(await waiting) == [b"0", b"1"]
        await log.close()
        return asyncio.get_running_loop().time()

    threads = threading.active_count()
    with asyncio.Runner(loop_factory=TimelessLoop) as runner:
        assert 3600.0 <= runner.run(an_hour()) < 3700.0
    assert threading.active_count() == threads

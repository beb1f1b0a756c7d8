"""What happened in a run, moment by moment, told when it fails; counts; and what the product itself logged."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sim.loop import PROCESS

LOGGERS = ("horolog", "services", "projections")


class Trace:
    """Lines with their time (virtual seconds) and who they are about."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.lines: list[tuple[float, str, str]] = []
        self.counts: Counter[str] = Counter()
        self.defects: list[str] = []

    def tell(self, what: str, who: str | None = None) -> None:
        """Note something; it is about the running process unless said otherwise."""
        process = PROCESS.get()
        name = who or (process.name if process is not None else "world")
        self.lines.append((self._loop.time(), name, what))

    def count(self, what: str, who: str | None = None) -> None:
        """Note something, and count it."""
        self.counts[what] += 1
        self.tell(what, who)


class _Listener(logging.Handler):
    """Puts what the product logs into the trace. An error with a traceback is a defect."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(logging.WARNING)
        self._trace = trace

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self._trace.tell(f"says: {message}")
        if record.exc_info is not None and record.exc_info[1] is not None:
            self._trace.defects.append(f"{message}: {record.exc_info[1]!r}")


@contextmanager
def listening(trace: Trace) -> Iterator[None]:
    """Hear what the product logs, and let nobody else hear it."""
    listener = _Listener(trace)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addHandler(listener)
        logger.propagate = False
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(listener)
            logger.propagate = True

"""Records to write, and reading them back with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from horolog.log.port import Log, Outgoing, Place, Reader, Record

DEADLINE_S = 30.0
COMMANDS = Place("commands.v1", 0)
JOBS = Place("jobs.v1", 0)
TABLE = Place("job-table.v1", 0)
EXECUTIONS = Place("executions.v1", 1)
CHECKPOINTS = Place("checkpoints.v1", 0)
HEADERS = (("ce_type", b"io.horolog.test.v1"), ("binary", bytes(range(256))), ("empty", b""))


def outgoing(place: Place, value: bytes | None, key: bytes = b"key") -> Outgoing:
    """One record for a place."""
    return Outgoing(*place, key, value, HEADERS)


def numbered(place: Place, count: int, first: int = 0) -> list[Outgoing]:
    """Records whose values are consecutive numbers."""
    return [outgoing(place, b"%d" % number) for number in range(first, first + count)]


def values(records: Sequence[Record]) -> list[bytes | None]:
    """What the records hold."""
    return [record.value for record in records]


async def everything(log: Log, place: Place) -> list[Record]:
    """All that is committed in a place."""
    start, end = (await log.starts([place]))[place], (await log.ends([place]))[place]
    return [record async for batch in log.scan(place, start, end) for record in batch]


async def read(reader: Reader, count: int, count_max: int = 1000) -> list[Record]:
    """Poll until there are `count` records."""
    records: list[Record] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(records) < count:
            records += await reader.poll(count_max, 1.0)
    return records

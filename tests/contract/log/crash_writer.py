"""A process that commits to a log file until it is killed, and says of every commit that was acknowledged.

Run with the file's path; each line of output is `writer number`. Every commit holds three records, over two topics.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from tests.contract.log.records import JOBS, TABLE, outgoing

WRITER_COUNT = 4


async def commit_for_ever(log: EmbeddedLog, name: int, first: int) -> None:
    """Commit numbered batches, one after the other."""
    writer = await log.open_writer(f"writer-{name}", 0)
    number = first
    while True:
        value, key = b"%d %d" % (name, number), b"%d" % name
        await writer.commit([outgoing(JOBS, value, key), outgoing(TABLE, value, key), outgoing(JOBS, value, key)])
        sys.stdout.write(f"{name} {number}\n")
        sys.stdout.flush()
        number += 1


async def main(path: Path) -> None:
    """Go on where the file ends."""
    log = EmbeddedLog.open(path, SystemClock(), 2)
    await log.create_topics()
    last = [await log.latest(TABLE, b"%d" % name) for name in range(WRITER_COUNT)]
    firsts = [int((record.value or b"").split()[1]) + 1 if record else 0 for record in last]
    await asyncio.gather(*(commit_for_ever(log, name, first) for name, first in enumerate(firsts)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

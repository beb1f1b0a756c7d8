"""A process that commits numbers to Kafka as fast as it can, and says of every commit how it ended, until one fails.

Run with the broker's address and the topic prefix. Every commit holds its number three times, over two topics.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count

from horolog.log.kafka import KafkaLog
from horolog.log.port import LogError
from tests.contract.log.adapters import kafka_settings
from tests.contract.log.records import EXECUTIONS, JOBS, outgoing


def say(text: str) -> None:
    """One line of output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def main(bootstrap: str, prefix: str) -> None:
    """Commit until it fails, and then once more."""
    log = await KafkaLog.open(kafka_settings(bootstrap, prefix))
    writer = await log.open_writer("dispatcher", 0)
    for number in count():
        value = b"%d" % number
        try:
            await writer.commit([outgoing(JOBS, value), outgoing(EXECUTIONS, value), outgoing(JOBS, value)])
        except LogError as error:
            say(type(error).__name__)
            break
        say("committed")
    await log.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))

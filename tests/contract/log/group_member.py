"""A process that takes part in sharing out a role until it is killed. It says when it owns something.

Run with the broker's address and the topic prefix.
"""

from __future__ import annotations

import asyncio
import sys

from horolog.log.kafka import KafkaLog
from tests.contract.log.adapters import kafka_settings


async def main(bootstrap: str, prefix: str) -> None:
    """Join, and tell of every change."""
    log = await KafkaLog.open(kafka_settings(bootstrap, prefix))
    membership = await log.join("ticker", "mortal")
    while True:
        await membership.changed(membership.generation)
        sys.stdout.write(f"{len(membership.owned)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))

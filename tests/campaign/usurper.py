"""`python -m tests.campaign.usurper`: a ticker that takes every partition for its own, whoever else owns them.

It is the product's ticker with the product's transactional ids; only its membership is false. So it and the rightful
owners fence each other for as long as it lives.
"""

import asyncio
import os

from horolog.adapters.system import SystemClock
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.kafka.membership import KafkaMembership
from horolog.log.owner import OwnerSettings
from horolog.runtime.logs import configure_logs
from horolog.runtime.settings import from_environment
from horolog.runtime.signals import stop_on_signals
from services.ticker.ticker import Ticker

NAME = "usurper"


class _Everything(KafkaMembership):
    """Owns all partitions from the first moment on, and never hears of anything else."""

    def __init__(self, partition_count: int) -> None:
        self._all = frozenset(range(partition_count))

    @property
    def owned(self) -> frozenset[int]:
        return self._all

    @property
    def generation(self) -> int:
        return 1

    @property
    def left(self) -> bool:
        return True

    async def changed(self, generation: int) -> None:
        await asyncio.Event().wait()

    async def leave(self) -> None:
        return None


class _UsurpersLog(KafkaLog):
    async def join(self, role: str, member: str) -> KafkaMembership:
        return _Everything(self.partition_count)


async def usurp() -> None:
    """Tick until SIGTERM."""
    settings = from_environment(os.environ)
    configure_logs(settings.logs, "usurper")
    assert settings.kafka_bootstrap is not None
    kafka = KafkaSettings(settings.kafka_bootstrap, settings.topic_prefix, settings.partition_count)
    log, stop = await _UsurpersLog.open(kafka), asyncio.Event()
    stop_on_signals(stop)
    try:
        await Ticker(log, SystemClock(), OwnerSettings(NAME)).run(stop)
    finally:
        await log.close()


if __name__ == "__main__":
    asyncio.run(usurp())

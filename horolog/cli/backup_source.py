"""The log that `horolog backup` reads: Kafka where its address is set, else the embedded log's file.

Guarantee: no log is created, and no record is written. The embedded log is opened as its owner would, so that while it
is read no other process can write to it; of Kafka the ends are told with everything that was committed, also behind
open transactions.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from horolog.backup.backing_up import BackupRefused, Source
from horolog.cli.replay_source import LOG_FILE, open_source
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Place, Record
from horolog.ports import Clock
from horolog.runtime.settings import Settings

if TYPE_CHECKING:
    from horolog.log.kafka import KafkaLog


class SettledKafka:
    """Implements `Source` on Kafka."""

    def __init__(self, log: "KafkaLog") -> None:
        self._log = log

    @property
    def partition_count(self) -> int:
        return self._log.partition_count

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._log.starts(places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        return await self._log.settled_ends(places)

    def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        return self._log.scan(place, start, end)


@asynccontextmanager
async def open_still(settings: Settings, clock: Clock) -> AsyncIterator[Source]:
    """The log that these settings mean.

    Raises:
        CliProblem: there is none.
        BackupRefused: it has no topics.
        LogError: it cannot be read, or another process has the embedded log open.
    """
    async with open_source(settings) as found:
        partition_count = found.partition_count
        if settings.kafka_bootstrap is not None:
            from horolog.log.kafka import KafkaLog  # noqa: PLC0415 - its client is loaded where it is used

            assert isinstance(found, KafkaLog)
            yield SettledKafka(found)
            return
    if partition_count == 0:
        raise BackupRefused("the log has no topics yet", "There is nothing to back up.")
    log = EmbeddedLog.open(settings.home / LOG_FILE, clock, partition_count)
    try:
        yield log
    finally:
        await log.close()

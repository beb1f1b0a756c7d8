"""Reading what is already there: ranges, and the last record of a key.

Guarantee: a scan ends, also where the range ends in markers, aborted records or gaps that compaction left. Consumers
are used again; an idle one costs a socket.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition

from horolog.log.kafka.bounds import Bounds
from horolog.log.kafka.clients import UNREACHABLE, Bin, new_consumer
from horolog.log.kafka.reader import to_records
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import LogUnavailable, Place, PositionLost, Record

CONSUMER_COUNT_MAX = 8
SCAN_FETCH_WAIT_MS = 10
SCAN_STEP_MS = 20
SCAN_PARTITION_BYTES_MAX = 8 * 1024 * 1024
LATEST_WINDOW_COUNT = 200
LATEST_WINDOW_GROWTH = 8


class Lookup:
    """Looks things up with a few consumers that are shared by all callers."""

    def __init__(self, settings: KafkaSettings, bounds: Bounds, bin_: Bin) -> None:
        self._settings = settings
        self._bounds = bounds
        self._bin = bin_
        self._idle: list[AIOKafkaConsumer] = []
        self._free = asyncio.Semaphore(CONSUMER_COUNT_MAX)

    async def scan(self, place: Place, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        """As the port says."""
        partition = self._partition(place)
        first = (await self._bounds.starts([place]))[place]
        if start < first:
            raise PositionLost(place, f"begins at {first}, after {start}")
        end = min(end, (await self._bounds.ends([place]))[place])
        if start >= end:
            return
        async with self._borrowed() as consumer:
            consumer.assign([partition])
            consumer.seek(partition, start)
            progress = asyncio.get_running_loop().time()
            position = start
            while position < end:
                fetched = await consumer.getmany(partition, timeout_ms=SCAN_STEP_MS)
                before, position = position, await consumer.position(partition)
                now = asyncio.get_running_loop().time()
                progress = now if position > before else progress
                if now - progress > self._settings.lookup_timeout_ms / 1000:
                    raise TimeoutError(f"nothing came after position {position}")
                messages = [message for message in fetched.get(partition, ()) if message.offset < end]
                if messages:
                    yield to_records(place, messages)
                    progress = asyncio.get_running_loop().time()
            consumer.pause(partition)

    async def latest(self, place: Place, key: bytes) -> Record | None:
        """As the port says; windows of offsets, each larger than the one before it, from the end backwards.

        Waits until no transaction is open that could hide a record which is committed already.
        """
        start = (await self._bounds.starts([place]))[place]
        upper = await self._bounds.settled(place)
        window = LATEST_WINDOW_COUNT
        while upper > start:
            lower = max(start, upper - window)
            found: Record | None = None
            async for records in self.scan(place, lower, upper):
                found = next((record for record in reversed(records) if record.key == key), found)
            if found is not None:
                return found
            upper, window = lower, window * LATEST_WINDOW_GROWTH
        return None

    async def close(self) -> None:
        """Release the consumers."""
        for consumer in self._idle:
            self._bin.consumer(consumer)
        self._idle.clear()

    @asynccontextmanager
    async def _borrowed(self) -> AsyncIterator[AIOKafkaConsumer]:
        async with self._free:
            consumer = self._idle.pop() if self._idle else await self._new()
            try:
                yield consumer
            except UNREACHABLE as error:
                self._bin.consumer(consumer)
                raise LogUnavailable(f"Kafka could not be read: {error!r}") from error
            except BaseException:
                self._bin.consumer(consumer)
                raise
            self._idle.append(consumer)

    async def _new(self) -> AIOKafkaConsumer:
        consumer = new_consumer(
            self._settings,
            "lookup",
            fetch_max_wait_ms=SCAN_FETCH_WAIT_MS,
            max_partition_fetch_bytes=SCAN_PARTITION_BYTES_MAX,
        )
        try:
            async with asyncio.timeout(self._settings.lookup_timeout_ms / 1000):
                await consumer.start()
        except UNREACHABLE as error:
            self._bin.consumer(consumer)
            raise LogUnavailable(f"Kafka could not be reached: {error!r}") from error
        except BaseException:
            self._bin.consumer(consumer)
            raise
        return consumer

    def _partition(self, place: Place) -> TopicPartition:
        return TopicPartition(self._settings.topic(place.topic), place.partition)

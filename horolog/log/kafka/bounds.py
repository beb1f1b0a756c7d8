"""Where places begin and end, for readers that must not see what may still be taken back.

A place ends for them at its last stable offset (LSO): before the first record of the oldest open transaction, whoever's
it is. So a dead writer's open transaction also hides what another role has committed behind it, until the transaction
times out or the writer's successor fences it. `settled` waits for that; `ends` does not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from horolog.log.kafka.clients import UNREACHABLE, Bin, new_consumer
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import LogUnavailable, Place
from schemas.topics import TOPICS

SETTLE_RETRY_S = 0.005
SETTLE_RETRY_S_MAX = 0.2

_Ask = Callable[[AIOKafkaConsumer, list[TopicPartition]], Awaitable[dict[TopicPartition, int]]]


class Bounds:
    """Asks the leaders; any number of callers at a time."""

    def __init__(self, settings: KafkaSettings, bin_: Bin) -> None:
        self._settings = settings
        self._committed = _Asker(settings, bin_, "read_committed")
        self._all = _Asker(settings, bin_, "read_uncommitted")
        self.stuck_at: set[int] = set()
        """The partitions of which a place did not settle when it had to: see `orphans`."""

    async def starts(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The oldest offset of each place."""
        return await self._committed.ask(AIOKafkaConsumer.beginning_offsets, places)

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """The last stable offset of each place."""
        return await self._committed.ask(AIOKafkaConsumer.end_offsets, places)

    async def settled(self, place: Place) -> int:
        """An end that has everything before it that was committed before the call.

        Raises:
            LogUnavailable: a transaction stayed open for longer than transactions may.
        """
        wanted = (await self._all.ask(AIOKafkaConsumer.end_offsets, [place]))[place]
        # The coordinator looks for timed out transactions at intervals, by default of ten seconds.
        timeout_s = self._settings.transaction_timeout_ms * 2 / 1000
        try:
            async with asyncio.timeout(timeout_s):
                end = (await self.reached({place: wanted}))[place]
                self.stuck_at.discard(place.partition)
                return end
        except TimeoutError as error:
            self.stuck_at.add(place.partition)
            raise LogUnavailable(f"a transaction on {place} is open for more than {timeout_s} s") from error

    async def reached(self, wanted: Mapping[Place, int]) -> Mapping[Place, int]:
        """Wait until the ends are not before `wanted`; returns them."""
        pause = SETTLE_RETRY_S
        while True:
            ends = await self.ends(list(wanted))
            if all(ends[place] >= position for place, position in wanted.items()):
                return ends
            await asyncio.sleep(pause)
            pause = min(2 * pause, SETTLE_RETRY_S_MAX)

    async def close(self) -> None:
        """Release the consumers."""
        await self._committed.close()
        await self._all.close()


class _Asker:
    """One consumer that never consumes, started when it is first needed and replaced when it failed."""

    def __init__(self, settings: KafkaSettings, bin_: Bin, isolation: str) -> None:
        self._settings = settings
        self._bin = bin_
        self._isolation = isolation
        self._consumer: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()

    async def ask(self, question: _Ask, places: Sequence[Place]) -> Mapping[Place, int]:
        if not places:
            return {}
        partitions = {TopicPartition(self._settings.topic(place.topic), place.partition): place for place in places}
        consumer: AIOKafkaConsumer | None = None
        try:
            async with asyncio.timeout(self._settings.lookup_timeout_ms / 1000):
                consumer = await self._started()
                offsets = await question(consumer, list(partitions))
        except UNREACHABLE as error:
            if consumer is not None and consumer is self._consumer:
                await self.close()
            raise LogUnavailable(f"Kafka does not tell its offsets: {error!r}") from error
        return {partitions[partition]: offset for partition, offset in offsets.items()}

    async def close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            self._bin.consumer(consumer)

    async def _started(self) -> AIOKafkaConsumer:
        async with self._starting:
            if self._consumer is None:
                consumer = new_consumer(self._settings, "bounds", isolation_level=self._isolation)
                try:
                    await consumer.start()
                    await consumer._client.set_topics([self._settings.topic(topic.name) for topic in TOPICS])
                except BaseException:
                    self._bin.consumer(consumer)
                    raise
                self._consumer = consumer
            return self._consumer

"""Following many places with one consumer.

Guarantee: nothing is skipped and nothing is returned twice. While Kafka does not answer a poll returns nothing, and
reading goes on by itself when it does. Records of open and aborted transactions, and the markers, are never returned.
However often the places change, what is new in them arrives within two idle fetches (`fetch_wait_ms`).
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from horolog.log.kafka.clients import UNREACHABLE, Bin, new_consumer
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import LogError, LogUnavailable, Place, PlaceError, PositionLost, Record

RETRY_S = 0.25


class KafkaReader:
    """Implements `Reader`. Nothing of a place that was taken away is returned; places that are new may have to wait.

    A broker answers one connection's requests one after the other, and keeps each idle fetch for `fetch_wait_ms`, also
    when the client has forgotten it over a change. So changes that follow each other sooner are made together.
    """

    def __init__(self, settings: KafkaSettings, bin_: Bin) -> None:
        self._settings = settings
        self._bin = bin_
        self._consumer: AIOKafkaConsumer | None = None
        self._starting: asyncio.Task[AIOKafkaConsumer] | None = None
        self._positions: dict[Place, int] = {}
        self._paused: frozenset[Place] = frozenset()
        self._changed = False
        self._change_at = 0.0
        self._taken_away: set[Place] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def assign(self, positions: Mapping[Place, int]) -> None:
        self._taken_away |= self._positions.keys() - positions.keys()
        self._positions = {place: self._positions.get(place, start) for place, start in positions.items()}
        self._changed = True

    def pause(self, places: frozenset[Place]) -> None:
        self._paused = places

    async def poll(self, record_count_max: int, timeout_s: float) -> Sequence[Record]:
        """As the port says.

        Raises:
            PositionLost: a place's position precedes the log's start.
            PlaceError: a position lies beyond the log's end: Kafka has lost records.
            LogUnavailable: the broker refuses to serve a place (authorisation, a corrupt batch); polling goes on.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while True:
            consumer = await self._connected(deadline)
            if consumer is None:
                return ()
            self._apply(consumer)
            until = min(deadline, self._change_at) if self._changed else deadline
            # Rounded up: a wait that ends just before its time would be followed by many of no time at all.
            remaining_ms = max(0, math.ceil((until - loop.time()) * 1000))
            records = await self._fetched(consumer, record_count_max, remaining_ms)
            if records or loop.time() >= deadline:
                return records

    def is_behind(self, place: Place) -> bool:
        return self.lag(place) > 0

    def lag(self, place: Place) -> int:
        """As the port says; the broker tells the end with every answer to a fetch, also with an empty one."""
        partition = self._partition(place)
        if self._consumer is None or self._changed or not self._consumer._subscription.is_assigned(partition):
            return 1
        state = self._consumer._subscription.subscription.assignment.state_value(partition)
        if state.lso is None or not state.has_valid_position:
            return 1
        # The position, unlike the last record returned, has passed the markers of transactions.
        return max(0, int(state.lso - state.position))

    async def close(self) -> None:
        self._closed = True
        if self._starting is not None:
            self._starting.cancel()
            await asyncio.wait((self._starting,))
        if self._consumer is not None:
            self._bin.consumer(self._consumer)
            self._consumer = None

    async def _connected(self, deadline: float) -> AIOKafkaConsumer | None:
        loop = asyncio.get_running_loop()
        while not self._closed:
            if self._consumer is not None and not self._is_dead(self._consumer):
                return self._consumer
            # A task of its own, so that a cancelled poll does not begin the start anew.
            if self._starting is None:
                self._starting = loop.create_task(self._start())
            await asyncio.wait((self._starting,), timeout=max(0.0, deadline - loop.time()))
            if not self._starting.done():
                return None
            starting, self._starting = self._starting, None
            if starting.exception() is None:
                self._consumer, self._changed, self._change_at = starting.result(), True, 0.0
            elif loop.time() >= deadline:
                return None
            else:
                await asyncio.sleep(min(RETRY_S, max(0.0, deadline - loop.time())))
        raise LogError("the reader is closed")

    def _is_dead(self, consumer: AIOKafkaConsumer) -> bool:
        # The fetching task ends only by a defect of the library; then polls would return nothing for ever.
        if not consumer._fetcher.error_future.done():
            return False
        self._bin.consumer(consumer)
        self._consumer = None
        return True

    async def _start(self) -> AIOKafkaConsumer:
        consumer = new_consumer(self._settings, "reader")
        try:
            async with asyncio.timeout(self._settings.open_timeout_ms / 1000):
                await consumer.start()
        except BaseException:
            self._bin.consumer(consumer)
            raise
        return consumer

    def _apply(self, consumer: AIOKafkaConsumer) -> None:
        now = asyncio.get_running_loop().time()
        if self._changed and now >= self._change_at:
            # No await between these two: fetching must not begin anywhere else.
            consumer.assign([self._partition(place) for place in self._positions])
            for place, position in self._positions.items():
                consumer.seek(self._partition(place), position)
            self._changed = False
            self._change_at = now + self._settings.fetch_wait_ms / 1000 if self._positions else now
            self._taken_away.clear()
        wanted = {self._partition(place) for place in self._paused} & consumer.assignment()
        paused = consumer.paused()
        if wanted != paused:
            consumer.pause(*(wanted - paused))
            consumer.resume(*(paused - wanted))

    async def _fetched(self, consumer: AIOKafkaConsumer, count_max: int, timeout_ms: int) -> list[Record]:
        try:
            fetched = await consumer.getmany(timeout_ms=timeout_ms, max_records=count_max)
        except OffsetOutOfRangeError as error:
            ((partition, position),) = error.args[0].items()
            if self._place(partition) in self._taken_away:
                self._change_at = 0.0
                return []
            raise await self._out_of_range(consumer, partition, position) from error
        except UNREACHABLE as error:
            raise LogUnavailable(f"Kafka does not serve a place: {error!r}") from error
        records: list[Record] = []
        for partition, messages in fetched.items():
            place = self._place(partition)
            if place not in self._taken_away:
                records += to_records(place, messages)
                self._positions[place] = messages[-1].offset + 1
        return records

    async def _out_of_range(self, consumer: AIOKafkaConsumer, partition: TopicPartition, position: int) -> LogError:
        try:
            start = (await consumer.beginning_offsets([partition]))[partition]
        except UNREACHABLE as unreachable:
            return LogUnavailable(f"{partition} cannot be read at {position}, nor its start: {unreachable!r}")
        if position < start:
            return PositionLost(self._place(partition), f"begins at {start}, after {position}")
        return PlaceError(self._place(partition), f"ends before {position}: records were lost")

    def _partition(self, place: Place) -> TopicPartition:
        return TopicPartition(self._settings.topic(place.topic), place.partition)

    def _place(self, partition: TopicPartition) -> Place:
        return Place(partition.topic[len(self._settings.prefix) :], partition.partition)


def to_records(place: Place, messages: Sequence[Any]) -> list[Record]:
    """aiokafka's records as the port's. Others may write without a key, or headers without a value."""
    topic, partition = place
    return [
        Record(
            topic,
            partition,
            message.offset,
            message.key or b"",
            message.value,
            tuple((name, value or b"") for name, value in message.headers),
            message.timestamp,
        )
        for message in messages
    ]

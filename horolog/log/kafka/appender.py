"""Appending without fencing: one idempotent producer for the whole process.

Guarantee: an append returns when all its records are acknowledged; retries inside never duplicate. Appends to the same
place that meet are sent as one batch. A producer that failed once is replaced: its sequence numbers have a hole.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from horolog.log.kafka.batches import by_place, send
from horolog.log.kafka.clients import UNREACHABLE, Bin, new_producer
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import LogUnavailable, Outgoing, Place
from schemas.topics import TOPICS


@dataclass(slots=True)
class _Part:
    """What one append has for one place."""

    records: list[Outgoing]
    written: asyncio.Future[None]


@dataclass(slots=True)
class _Lane:
    """What waits for one place; sent by one task, which ends when nothing waits."""

    waiting: list[_Part] = field(default_factory=list)
    task: asyncio.Task[None] | None = None


class Appender:
    """Sends appends, place by place, so that a partition without a leader holds up no other."""

    def __init__(self, settings: KafkaSettings, bin_: Bin) -> None:
        self._settings = settings
        self._bin = bin_
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._lanes: dict[Place, _Lane] = {}
        self._closed = False

    async def append(self, records: Sequence[Outgoing]) -> None:
        """As the port says."""
        loop = asyncio.get_running_loop()
        parts = []
        for place, group in by_place(records, self._settings.partition_count).items():
            part = _Part(group, loop.create_future())
            parts.append(part)
            lane = self._lanes.setdefault(place, _Lane())
            lane.waiting.append(part)
            if lane.task is None:
                lane.task = loop.create_task(self._drain(place, lane))
        await asyncio.gather(*(part.written for part in parts))

    async def _drain(self, place: Place, lane: _Lane) -> None:
        while lane.waiting:
            parts, lane.waiting = lane.waiting, []
            failure: Exception | None
            try:
                reason = await self._send(place, [record for part in parts for record in part.records])
                failure = None if reason is None else LogUnavailable(reason)
            except Exception as error:  # noqa: BLE001 - told to whoever appends; the next append begins anew
                failure = error
            for part in parts:
                if part.written.done():
                    continue
                if failure is None:
                    part.written.set_result(None)
                else:
                    part.written.set_exception(failure)
        lane.task = None

    async def _send(self, place: Place, records: list[Outgoing]) -> str | None:
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(self._settings.append_timeout_ms / 1000):
                producer = await self._started()
                await send(producer, {place: records}, self._settings.prefix)
        except UNREACHABLE as error:
            if producer is not None:
                self._replace(producer)
            return f"{place.topic}/{place.partition} could not be appended to: {error!r}"
        return None

    async def _started(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._closed:
                raise TimeoutError("the log is closed")
            if self._producer is None:
                producer = new_producer(self._settings, "append", None)
                try:
                    await producer.start()
                    await producer.client.set_topics([self._settings.topic(topic.name) for topic in TOPICS])
                except BaseException:
                    self._bin.producer(producer)
                    raise
                self._producer = producer
            return self._producer

    def _replace(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            self._bin.producer(producer)

    async def close(self) -> None:
        """Let what waits be sent, then release the producer."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if tasks:
            await asyncio.wait(tasks)
        self._closed = True
        if self._producer is not None:
            self._replace(self._producer)

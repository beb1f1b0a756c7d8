"""Records to batches and batches to the broker: a third of the cost of handing over record by record.

Guarantee: the records of a place arrive in the given order; `send` returns when every one of them is acknowledged by
all in-sync replicas, and raises when any is not. (A commit of the library alone succeeds although sends have failed.)
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from horolog.log.port import Outgoing, Place
from schemas.topics import RECORD_BYTES_MAX


def by_place(records: Sequence[Outgoing], partition_count: int) -> dict[Place, list[Outgoing]]:
    """Records grouped by place, each group in the given order.

    Raises:
        ValueError: a partition that does not exist, or a value above `RECORD_BYTES_MAX`.
    """
    groups: dict[Place, list[Outgoing]] = defaultdict(list)
    for record in records:
        if not 0 <= record.partition < partition_count:
            raise ValueError(f"there is no partition {record.partition} of {record.topic}")
        if record.value is not None and len(record.value) > RECORD_BYTES_MAX:
            raise ValueError(f"a value of {len(record.value)} bytes; at most {RECORD_BYTES_MAX} are allowed")
        groups[Place(record.topic, record.partition)].append(record)
    return groups


async def send(producer: AIOKafkaProducer, groups: dict[Place, list[Outgoing]], prefix: str) -> dict[Place, int]:
    """Send groups of records and wait until all are acknowledged; returns the position after each place's last.

    Raises:
        KafkaError: one was not, or may not have been; the producer must not be used again.
    """
    acknowledgements: list[asyncio.Future[Any]] = []
    sent: list[tuple[Place, int]] = []
    try:
        for place, records in groups.items():
            for batch in _batches(producer, records):
                acknowledgement = await producer.send_batch(batch, prefix + place.topic, partition=place.partition)
                acknowledgements.append(acknowledgement)
                sent.append((place, batch.record_count()))
        written = await asyncio.gather(*acknowledgements)
        # Later batches of a place replace earlier ones here.
        return {place: batch.offset + count for (place, count), batch in zip(sent, written, strict=True)}
    finally:
        for acknowledgement in acknowledgements:
            acknowledgement.cancel()


def _batches(producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> list[Any]:
    batches = [producer.create_batch()]
    for record in records:
        # None means that the batch is full; an empty one takes a record of any size.
        if _append(batches[-1], record) is None:
            batches.append(producer.create_batch())
            _append(batches[-1], record)
    for batch in batches:
        batch.close()
    return batches


def _append(batch: Any, record: Outgoing) -> Any:
    return batch.append(timestamp=None, key=record.key, value=record.value, headers=list(record.headers))

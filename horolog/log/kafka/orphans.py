"""Ending transactions that the broker has left open, although their coordinator holds them to be over.

Seen with Kafka 4.4: the only node is killed and comes back; the coordinator logs the abort of a transaction that timed
out, but a partition never gets the marker. Then whoever waits for what is committed there waits for ever.

A marker of the same producer id and a later epoch ends what that id has open in a partition. So the next writer of the
same role and partition, which has that id and the next epoch, opens a transaction over every place that it could
write to, puts nothing into it, and aborts it. Guarantee: what was committed stays; what was not, never will be.
"""

import asyncio

from aiokafka import AIOKafkaProducer, TopicPartition

from horolog.log.kafka.settings import KafkaSettings
from schemas.topics import CONTROL, TASKS, TOPICS

ADDED_PAUSE_S = 0.005


async def end_orphans(producer: AIOKafkaProducer, settings: KafkaSettings, partition: int) -> None:
    """Abort what older writers with this producer's id may have left open; bounded by the caller's timeout."""
    transactions = producer._txn_manager
    await producer.begin_transaction()
    for topic in TOPICS:
        # The inboxes of workers lie in any partition.
        partitions = range(settings.partition_count) if topic in (TASKS, CONTROL) else (partition,)
        for number in partitions:
            transactions.maybe_add_partition_to_txn(TopicPartition(settings.topic(topic.name), number))
    while transactions.partitions_to_add():  # noqa: ASYNC110 - the library tells nobody of it
        await asyncio.sleep(ADDED_PAUSE_S)
    await producer.abort_transaction()

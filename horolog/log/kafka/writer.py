"""The fenced writer of one role and partition: one transactional producer, used until anything goes wrong.

Guarantee: a commit that returned is whole and visible; one that raised `Fenced` has no effect; after anything else the
producer is gone, and a late message of it can do no harm once the next writer has raised the epoch.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaConnectionError, ProducerFenced

from horolog.log.kafka.batches import by_place, send
from horolog.log.kafka.bounds import Bounds
from horolog.log.kafka.clients import UNREACHABLE, Bin, new_producer
from horolog.log.kafka.orphans import end_orphans
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import CommitUnknown, Fenced, LogUnavailable, Outgoing, Place
from schemas.topics import TOPICS

EPOCH_BITS = 16
"""Kafka's producer epoch is a 16-bit number; when it is used up, the id itself is replaced."""
VISIBLE_TIMEOUT_S = 0.5

_logger = logging.getLogger(__name__)


class KafkaWriter:
    """Implements `Writer`. After a commit that did not end well every further one fails in the same way."""

    def __init__(self, settings: KafkaSettings, producer: AIOKafkaProducer, bounds: Bounds, bin_: Bin) -> None:
        self._settings = settings
        self._bounds = bounds
        self._producer: AIOKafkaProducer | None = producer
        self._bin = bin_
        self._failure: type[Fenced | CommitUnknown] = CommitUnknown
        self._closed = False
        transactions = producer._txn_manager
        self._epoch: int = transactions.producer_id << EPOCH_BITS | transactions.producer_epoch

    @property
    def epoch(self) -> int:
        """The producer's id and epoch as one number.

        Within an id Kafka raises the epoch with every writer. A new id comes after 32,767 epochs, or when the
        role and partition were silent for `transactional.id.expiration.ms` (7 days). It is higher than the old one as
        long as the transaction coordinator stayed on its broker: brokers draw ids from rising blocks of 1,000. Only a
        new id from another broker's older block would be lower. Fencing does not depend on this number, and the owners'
        loop numbers its checkpoints on from the last one, so nothing is ordered by it alone.
        """
        return self._epoch

    @property
    def closed(self) -> bool:
        """Whether it can never commit again."""
        return self._closed

    async def commit(self, records: Sequence[Outgoing]) -> None:
        """As the port says.

        Should another role's transaction be open on one of the places, it is not waited for longer than
        `VISIBLE_TIMEOUT_S`: the commit is durable then, and visible when that transaction has ended.
        """
        groups = by_place(records, self._settings.partition_count)
        producer, self._producer = self._producer, None
        if producer is None:
            raise self._failure("the writer is closed, or an earlier commit of it has failed")
        if not records:
            self._producer = producer
            return
        try:
            async with asyncio.timeout(self._settings.commit_timeout_ms / 1000):
                connections = _coordination(producer)
                await producer.begin_transaction()
                written = await send(producer, groups, self._settings.prefix)
                await producer.commit_transaction()
                _refuse_repeated(connections, producer)
            await self._visible(written)
        except ProducerFenced as error:
            self._give_up(producer)
            self._failure = Fenced
            raise Fenced("a newer writer of this role and partition exists") from error
        except BaseException as error:
            self._give_up(producer)
            if isinstance(error, Exception):
                raise CommitUnknown(f"the transaction did not end well: {error!r}") from error
            raise
        self._producer = producer

    async def _visible(self, written: dict[Place, int]) -> None:
        # The coordinator answers before the markers are written. Beginning the next transaction before they are
        # costs a pause of 20 ms in the library, and this wait is some 2 ms, so it is not even slower.
        try:
            async with asyncio.timeout(VISIBLE_TIMEOUT_S):
                # The marker comes after the last record: the place ends behind it.
                await self._bounds.reached({place: position + 1 for place, position in written.items()})
        except (TimeoutError, LogUnavailable) as error:
            _logger.debug("committed, but not known to be visible: %r", error)

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            self._give_up(producer)

    def _give_up(self, producer: AIOKafkaProducer) -> None:
        self._closed = True
        self._bin.producer(producer)


async def open_writer(settings: KafkaSettings, role: str, partition: int, bounds: Bounds, bin_: Bin) -> KafkaWriter:
    """Start the producer: this raises the epoch and ends the open transaction of any older one.

    Where a transaction stayed open for too long before, it is ended from here once more.

    Raises:
        LogUnavailable: it could not be started in time; older writers may have been fenced all the same.
    """
    name = f"{role}.{partition}"
    producer = new_producer(settings, name, settings.prefix + name)
    try:
        async with asyncio.timeout(settings.open_timeout_ms / 1000):
            await producer.start()
            # One request now instead of one per topic during the first commit.
            await producer.client.set_topics([settings.topic(topic.name) for topic in TOPICS])
            if partition in bounds.stuck_at:
                await end_orphans(producer, settings, partition)
    except UNREACHABLE as error:
        bin_.producer(producer)
        raise LogUnavailable(f"no writer of {name} could be opened: {error!r}") from error
    except BaseException:
        bin_.producer(producer)
        raise
    return KafkaWriter(settings, producer, bounds, bin_)


def _coordination(producer: AIOKafkaProducer) -> set[Any]:
    """The connections that transactional requests go over, as far as they are open."""
    connections = producer.client._conns.items()
    return {open_ for (_, group), open_ in connections if group == ConnectionGroup.COORDINATION and open_.connected()}


def _refuse_repeated(before: set[Any], producer: AIOKafkaProducer) -> None:
    # When a connection breaks the library repeats the request on a new one. The first may be under way still, and
    # end the next transaction of this epoch before it is whole; so there must not be a next one (KIP-890, "hanging
    # transactions"; Jepsen found it in 2024). For the same reason no request here times out before the commit does.
    if not before <= _coordination(producer):
        raise KafkaConnectionError("the coordinator's connection broke meanwhile, so a request may come twice")

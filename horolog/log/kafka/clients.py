"""The aiokafka clients: how they are built, and how they are got rid of.

Guarantee: getting rid of a client takes a bounded time and leaves nothing running, in whatever state it is. The
library itself waits without bound for batches that can no longer be delivered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import ConsumerStoppedError, KafkaError

from horolog.log.kafka.settings import KafkaSettings

STOP_TIMEOUT_S = 3.0
BATCH_BYTES_MAX = 512 * 1024
"""A batch is one round trip, and the unit that a topic's `max.message.bytes` bounds."""
REQUEST_BYTES_MAX = 4 * 1024 * 1024
FETCH_BYTES_MAX = 50 * 1024 * 1024
PARTITION_FETCH_BYTES_MAX = 1024 * 1024
RETRY_BACKOFF_MS = 50
FETCHER_WAKE_MS = 1_000

UNREACHABLE = (KafkaError, ConsumerStoppedError, OSError, TimeoutError)
"""What the clients raise when the cluster does not do as asked."""

_logger = logging.getLogger(__name__)


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """What every client needs to connect."""
    return {
        "bootstrap_servers": settings.bootstrap_servers,
        "request_timeout_ms": settings.request_timeout_ms,
        "retry_backoff_ms": RETRY_BACKOFF_MS,
        "security_protocol": settings.security_protocol,
        "ssl_context": settings.ssl_context,
        "sasl_mechanism": settings.sasl_mechanism,
        "sasl_plain_username": settings.sasl_username,
        "sasl_plain_password": settings.sasl_password,
        "sasl_oauth_token_provider": settings.oauth_token_provider,
    }


def new_producer(settings: KafkaSettings, name: str, transactional_id: str | None) -> AIOKafkaProducer:
    """An idempotent producer; with an id, a transactional one."""
    options = connection_options(settings)
    if transactional_id is not None:
        options |= {
            "transactional_id": transactional_id,
            "transaction_timeout_ms": settings.transaction_timeout_ms,
            "request_timeout_ms": max(settings.commit_timeout_ms, settings.open_timeout_ms),
        }
    return AIOKafkaProducer(
        client_id=f"{settings.prefix}{name}",
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES_MAX,
        max_request_size=REQUEST_BYTES_MAX,
        **options,
    )


def new_consumer(settings: KafkaSettings, name: str, **options: Any) -> AIOKafkaConsumer:
    """A read-committed consumer that neither commits nor resets positions."""
    return AIOKafkaConsumer(
        client_id=f"{settings.prefix}{name}",
        enable_auto_commit=False,
        fetch_max_bytes=FETCH_BYTES_MAX,
        consumer_timeout_ms=FETCHER_WAKE_MS,
        **{
            "auto_offset_reset": "none",
            "isolation_level": "read_committed",
            "fetch_max_wait_ms": settings.fetch_wait_ms,
            "max_partition_fetch_bytes": PARTITION_FETCH_BYTES_MAX,
        }
        | connection_options(settings)
        | options,
    )


async def discard_consumer(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer; one in a group leaves it."""
    if not await _stopped(consumer.stop):
        coordinator = consumer._coordinator
        for task in (getattr(coordinator, "_coordination_task", None), getattr(coordinator, "_heartbeat_task", None)):
            if task is not None:
                task.cancel()
        fetcher = consumer._fetcher
        if fetcher is not None:
            await _stopped(fetcher.close)
        await _stopped(consumer._client.close)


async def discard_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer without finishing anything: what it has not sent is not sent."""
    # Its own `stop` first waits until everything is delivered, which may be never.
    producer._closed = True
    sender = producer._sender.sender_task
    for _ in range(2):
        # At the first cancellation it waits for answers that are under way, at the second for nothing.
        if sender is not None and not sender.done():
            sender.cancel()
            await asyncio.wait((sender,), timeout=STOP_TIMEOUT_S)
    await _stopped(producer.client.close)
    _retrieve_exceptions(producer)


def _retrieve_exceptions(producer: AIOKafkaProducer) -> None:
    # The library reports one failure through many futures; asyncio would log each that nobody has asked.
    accumulator, transactions = producer._message_accumulator, producer._txn_manager
    batches = [*accumulator._pending_batches, *(batch for queue in accumulator._batches.values() for batch in queue)]
    futures = [transactions._transaction_waiter]
    futures += [future for batch in batches for future in (batch.future, batch._drain_waiter)]
    for future in futures:
        if future is not None and future.done() and not future.cancelled():
            future.exception()


async def _stopped(stop: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await stop()
    # Whatever a broken client raises while it is thrown away says nothing that its failure has not said before.
    except Exception as error:  # noqa: BLE001
        _logger.debug("a Kafka client did not stop cleanly: %r", error)
        return False
    return True


class Bin:
    """Clients that are being got rid of in the background, so that nobody waits for them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def producer(self, producer: AIOKafkaProducer) -> None:
        """Get rid of a producer."""
        self._start(discard_producer(producer))

    def consumer(self, consumer: AIOKafkaConsumer) -> None:
        """Get rid of a consumer."""
        self._start(discard_consumer(consumer))

    def _start(self, discarding: Any) -> None:
        task = asyncio.get_running_loop().create_task(discarding)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def emptied(self) -> None:
        """Wait until everything is gone."""
        while self._tasks:
            await asyncio.wait(self._tasks)

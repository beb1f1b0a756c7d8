"""The only module that knows Faust: an app with one agent, one table, and no web server, started inside our own loop.

Faust is used for what it does well: sharing out partitions, and tables that outlive a process. Three things that it
does by default would make the figures wrong, and are put right here:

- it reads transactions that are not committed, and some that never will be: ours are read when they are committed;
- it commits positions without waiting for what the table wrote: here nothing is acknowledged before that is durable;
- an exception in an agent acknowledges the record: nothing of a record's own gets out of `Counting.take`, and what
  else goes wrong ends the process, which begins again where it was certain.

`tests/integration/analytics` fails when a new version of Faust changes any of these.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver

from horolog.log.kafka import KafkaSettings
from horolog.log.port import LogUnavailable, Record
from projections.analytics.counting import Counting, settle_regularly
from projections.analytics.standstill import until_it_stands_still
from schemas.topics import EXECUTIONS

NAME = "analytics"
TABLE = "windows"
STOP_S_MAX = 15.0
STREAM_BUFFER_COUNT_MAX = 1000
COMMIT_INTERVAL_S = 2.0

_logger = logging.getLogger(__name__)


def changelog_name(kafka: KafkaSettings) -> str:
    """The full name of the compacted topic that the table is kept in; it has to be there before the start."""
    return f"{kafka.topic(NAME)}-{TABLE}-changelog"


class WitnessedTable(faust.Table):
    """A table that remembers what it has written and is not yet known to be durable."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unwritten: list[asyncio.Future[Any]] = []

    def send_changelog(self, *args: Any, **kwargs: Any) -> Any:
        """As Faust does, and remember it."""
        sent = super().send_changelog(*args, **kwargs)
        self.unwritten.append(sent)
        return sent


class CommittedThread(driver.AIOKafkaConsumerThread):
    """Faust's own consumer, but for what it may see."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust has no setting for it; the client reads it when it starts.
        consumer._isolation_level = "read_committed"
        return consumer


class CommittedConsumer(driver.Consumer):
    """Reads in a `CommittedThread`."""

    def _new_consumer_thread(self) -> Any:
        return CommittedThread(self, loop=self.loop, beacon=self.beacon)


class CommittedTransport(driver.Transport):
    """Has `CommittedConsumer`s."""

    Consumer = CommittedConsumer


@dataclass(frozen=True, slots=True)
class FaustTable:
    """Implements `counting.Table`."""

    table: Any
    wait_s_max: float

    @property
    def rows(self) -> MutableMapping[str, dict[str, Any]]:
        """The table itself."""
        rows: MutableMapping[str, dict[str, Any]] = self.table
        return rows

    async def written(self) -> None:
        """As the port says; what is written meanwhile is waited for by the next call."""
        unwritten, self.table.unwritten = self.table.unwritten, []
        try:
            async with asyncio.timeout(self.wait_s_max):
                await asyncio.gather(*unwritten)
        except (KafkaError, TimeoutError) as error:
            raise LogUnavailable(f"the windows that were counted could not be kept: {error!r}") from error


@dataclass(frozen=True, slots=True)
class FaustReceipt:
    """Implements `counting.Receipt`."""

    event: Any

    def acknowledge(self) -> None:
        """As the port says; Faust commits it some time later."""
        self.event.ack()


def new_app(kafka: KafkaSettings, directory: Path) -> Any:
    """An app without agents. Nothing in it is pickled: keys and values are bytes, rows of the table JSON."""
    session_s = kafka.session_timeout_ms / 1000
    return faust.App(
        kafka.topic(NAME),
        broker=";".join(f"kafka://{address}" for address in kafka.bootstrap_servers.split(",")),
        broker_credentials=_credentials(kafka),
        broker_session_timeout=session_s,
        broker_heartbeat_interval=kafka.heartbeat_ms / 1000,
        broker_rebalance_timeout=2 * session_s,
        broker_request_timeout=max(kafka.request_timeout_ms / 1000, 2 * session_s),
        broker_commit_interval=COMMIT_INTERVAL_S,
        consumer_auto_offset_reset="earliest",
        producer_acks=-1,
        processing_guarantee="at_least_once",
        store="memory://",
        Table=WitnessedTable,
        table_standby_replicas=0,
        topic_partitions=kafka.partition_count,
        topic_allow_declare=False,
        topic_disable_leader=True,
        stream_buffer_maxsize=STREAM_BUFFER_COUNT_MAX,
        key_serializer="raw",
        value_serializer="raw",
        web_enabled=False,
        autodiscover=False,
        datadir=str(directory),
    )


class FaustWorker:
    """Counts the ledger of the partitions that are its own, until it is told to stop."""

    def __init__(self, kafka: KafkaSettings, directory: Path) -> None:
        self._app = new_app(kafka, directory)
        self._table = self._app.Table(TABLE, partitions=kafka.partition_count)
        self._ledger = self._app.topic(kafka.topic(EXECUTIONS.name), key_type=bytes, value_type=bytes, allow_empty=True)
        self.table = FaustTable(self._table, kafka.commit_timeout_ms / 1000)
        self._failure: asyncio.Future[None] | None = None

    def is_ready(self) -> bool:
        """Whether it has joined, and has its part of the table."""
        return bool(self._app.started and not self._app.rebalancing and self._app.tables.recovery.completed.is_set())

    def _reached(self) -> object:
        """How far its part of the table is restored."""
        return sorted((place.partition, offset) for place, offset in self._app.tables.recovery.active_offsets.items())

    async def run(self, counting: Counting, stop: asyncio.Event) -> None:
        """Count until stopped.

        Raises:
            LogError: something is not known to be durable, Kafka was lost, or nothing begins; begin again.
        """
        failure = self._failure = asyncio.get_running_loop().create_future()
        self._app.agent(self._ledger, name="count", concurrency=1)(self._agent(counting))
        self._app.finalize()
        self._app.transport = CommittedTransport(self._app.conf.broker_consumer, self._app, loop=self._app.loop)
        starting = asyncio.ensure_future(self._app.start())
        settling = asyncio.ensure_future(settle_regularly(counting))
        watching = asyncio.ensure_future(until_it_stands_still(self.is_ready, self._reached, counting.clock))
        ending = asyncio.ensure_future(self._ended(stop, starting))
        try:
            await asyncio.wait((failure, settling, ending, watching), return_when=asyncio.FIRST_COMPLETED)
            for task in (failure, settling, ending, watching):
                if task.done():
                    await task
            await counting.settle()
        finally:
            for task in (starting, settling, ending, watching):
                task.cancel()
            await asyncio.gather(starting, settling, ending, watching, return_exceptions=True)
            await self._stop()

    def _agent(self, counting: Counting) -> Any:
        async def count(stream: Any) -> None:
            async for event in stream.noack().events():
                try:
                    counting.take(record_of(event.message), FaustReceipt(event))
                    if counting.is_full:
                        await counting.settle()
                except Exception as error:  # noqa: BLE001 - told by `run`; Faust would only log it, and go on
                    self._fail(error)
                    await asyncio.Event().wait()

        return count

    def _fail(self, error: Exception) -> None:
        if self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _ended(self, stop: asyncio.Event, starting: asyncio.Future[None]) -> None:
        try:
            await asyncio.wait((starting, told := asyncio.ensure_future(stop.wait())), return_when="FIRST_COMPLETED")
            told.cancel()
            if stop.is_set():
                return
            await starting
            if not await self._app.wait_for_stopped(stop.wait()):
                return
        except KafkaError as error:
            raise LogUnavailable(f"Kafka does not answer: {error!r}") from error
        if not stop.is_set():
            raise LogUnavailable(f"the stream processor has stopped: {self._app.crash_reason!r}")

    async def _stop(self) -> None:
        # Not cancelled but left behind: Faust takes a cancellation for one of its own, and goes on.
        stopping = asyncio.ensure_future(self._app.stop())
        await asyncio.wait((stopping,), timeout=STOP_S_MAX)
        if not stopping.done():
            _logger.warning("the stream processor does not stop; what it had in hand is handed over again")
        elif (error := stopping.exception()) is not None:
            _logger.warning("the stream processor did not stop cleanly: %r", error)


def record_of(message: Any) -> Record:
    """The record of the log port that a message of Faust is."""
    return Record(
        topic=EXECUTIONS.name,
        partition=message.partition,
        offset=message.offset,
        key=message.key or b"",
        value=message.value,
        headers=tuple(message.headers or ()),
        timestamp_ms=int(message.timestamp * 1000),
    )


def _credentials(kafka: KafkaSettings) -> Any:
    """How Faust is to prove who we are, and to believe Kafka: as everybody else here."""
    if kafka.security_protocol == "PLAINTEXT":
        return None
    if kafka.security_protocol == "SSL":
        return faust.SSLCredentials(kafka.ssl_context)
    return faust.SASLCredentials(
        username=kafka.sasl_username,
        password=kafka.sasl_password,
        ssl_context=kafka.ssl_context,
        mechanism=kafka.sasl_mechanism,
    )

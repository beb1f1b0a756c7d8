"""The worker's inbox: its partition of `tasks.v1` and of `control.v1`.

Guarantee: every record written after `open` returned is read, and what is addressed to another worker is left alone.
What cannot be understood is refused by the worker that it names; what names no worker of this inbox at all, by every
worker whose inbox it is. With seals, what no dispatcher has sealed is refused as well, and never run.

A task comes with the time of its hand-over; one without counts as sent as far ahead of its instant as any is.

What precedes is not read: the dispatcher knows from the beats which attempts this worker holds, and deals anew with
those that no beat names.
"""

import logging
from collections.abc import AsyncGenerator, Callable, Sequence

import orjson

from horolog.domain.seals import Seals
from horolog.limits import DISPATCH_AHEAD_S
from horolog.log.port import Log, LogUnavailable, Place, PlaceError, Reader, Record
from horolog.log.refusals import check_home
from horolog.ports import Clock
from schemas.base import Message
from schemas.codec import RecordError, decode, time_of, type_of
from schemas.events.workers import AttemptRevoked, TaskAssigned
from schemas.topics import CONTROL, TASKS, partition_of
from services.executor.handover import HandOver

POLL_RECORD_COUNT_MAX = 1000
POLL_TIMEOUT_S = 1.0
RETRY_S = 0.25
ADDRESS_BYTES_MAX = 400

_TYPES = frozenset({TaskAssigned.TYPE, AttemptRevoked.TYPE})
_ADDRESSEE = b'"workerId":"'
_logger = logging.getLogger(__name__)

OnRefused = Callable[[Record, str], None]


class Inbox:
    """Reads what is addressed to one worker. `refused_count` counts records that could not be understood."""

    def __init__(
        self, log: Log, clock: Clock, worker_id: str, on_refused: OnRefused, seals: Seals | None = None
    ) -> None:
        self.partition = partition_of(worker_id, log.partition_count)
        self.refused_count = 0
        self._log = log
        self._clock = clock
        self._worker_id = worker_id
        self._on_refused = on_refused
        self._seals = seals
        self._address = orjson.dumps(worker_id)
        self._tasks = Place(TASKS.name, self.partition)
        self._control = Place(CONTROL.name, self.partition)
        self._reader: Reader | None = None

    async def open(self) -> None:
        """Read from the present end of the inbox on.

        Raises:
            LogUnavailable: the log does not say where that is.
        """
        await self.close()
        positions = await self._log.ends((self._tasks, self._control))
        self._reader = self._log.reader()
        self._reader.assign(positions)

    async def close(self) -> None:
        """Stop reading; idempotent."""
        if self._reader is not None:
            await self._reader.close()
            self._reader = None

    def accept_tasks(self, wanted: bool) -> None:
        """Whether tasks are read for now; revocations always are."""
        if self._reader is not None:
            self._reader.pause(frozenset() if wanted else frozenset({self._tasks}))

    async def messages(self) -> AsyncGenerator[Sequence[HandOver | AttemptRevoked], None]:
        """What arrives, batch by batch, for ever."""
        while True:
            try:
                records = await self._poll()
            except LogUnavailable as error:
                _logger.warning("the inbox cannot be read: %s", error)
                await self._clock.sleep(RETRY_S)
            except PlaceError as error:
                _logger.warning("the inbox cannot be read on; going on from its end: %s", error)
                await self.close()
            else:
                yield [message for record in records if (message := self._message(record)) is not None]

    async def _poll(self) -> Sequence[Record]:
        if self._reader is None:
            await self.open()
        assert self._reader is not None
        return await self._reader.poll(POLL_RECORD_COUNT_MAX, POLL_TIMEOUT_S)

    def _message(self, record: Record) -> HandOver | AttemptRevoked | None:
        if self._is_for_another(record):
            return None
        try:
            message = decode(record.topic, record.headers, record.value)
            assert isinstance(message, TaskAssigned | AttemptRevoked)
            check_home(message, record, self._log.partition_count)
            self._check_seal(message, record)
        except RecordError as error:
            self.refused_count += 1
            _logger.warning("a record on %s at %d is refused: %s", record.topic, record.offset, error)
            self._on_refused(record, str(error))
            return None
        if message.worker_id != self._worker_id:
            return None
        if isinstance(message, AttemptRevoked):
            return message
        return HandOver(message, _sent_at(message, record), record.headers)

    def _check_seal(self, message: Message, record: Record) -> None:
        if self._seals is None:
            return
        if not self._seals.holds(record.headers, record.topic, message.TYPE, record.value or b""):
            raise RecordError("no dispatcher has sealed the record with a key that is known here")

    def _is_for_another(self, record: Record) -> bool:
        """Whether the record looks like one for another worker of this inbox.

        It is only looked at: decoding the tasks of all workers that share the partition would cost too much.
        """
        value = record.value
        if value is None or self._address in value or type_of(record.headers) not in _TYPES:
            return False
        _, found, rest = value.partition(_ADDRESSEE)
        name = rest[:ADDRESS_BYTES_MAX].partition(b'"')[0].decode(errors="replace")
        return bool(found) and partition_of(name, self._log.partition_count) == self.partition


def _sent_at(task: TaskAssigned, record: Record) -> float:
    sent_at = time_of(record.headers)
    return task.not_before.timestamp() - DISPATCH_AHEAD_S if sent_at is None else sent_at.timestamp()

"""Counts the ledger's records in windows, and tells of those that changed.

Guarantee: nothing is acknowledged before `settle` has returned: then the windows that the records changed are durable
in the table, and what is told of them, and of records that make no sense, is durable in the log. A window that was
met again is told again, so that a crash between the two leaves nothing untold.

A record that cannot be used has no other effect than its letter: it stops neither its tenant nor others.
"""

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from horolog.log.port import Log, Outgoing, Record
from horolog.log.refusals import check_home, dead_letter
from horolog.ports import Clock
from projections.analytics.windows import Window, counted, counts, slot_key
from schemas.codec import RecordError, decode, headers_of, time_of, type_of
from schemas.events.executions import ExecutionEvent
from schemas.registry import MODEL_OF_TYPE
from schemas.topics import ANALYTICS, partition_of

SOURCE = "horolog/analytics"
HORIZON = timedelta(milliseconds=ANALYTICS.retention_ms)
"""What is older is not counted: nothing that is told of it would be kept."""
UNSETTLED_COUNT_MAX = 500
SETTLE_INTERVAL_S = 1.0


class Table(Protocol):
    """Where windows are kept, by slot. What is written to it is durable once `written` has returned."""

    @property
    def rows(self) -> MutableMapping[str, dict[str, Any]]:
        """The rows of the partitions that this process has."""
        ...

    async def written(self) -> None:
        """Wait for everything that was written until now.

        Raises:
            LogUnavailable: some of it was not.
        """


class Receipt(Protocol):
    """A record that was handed over."""

    def acknowledge(self) -> None:
        """It need not be handed over again."""


@dataclass(frozen=True, slots=True)
class Change:
    """The window of a tenant after a record; not `is_new` when the record was counted before."""

    tenant_id: str
    window: Window
    is_new: bool


@dataclass(slots=True)
class CountingCounters:
    """What has been done since the start."""

    records: int = 0
    told: int = 0
    refused: int = 0


@dataclass(slots=True)
class Counting:
    """Counts records one after the other (`take`), and settles what was taken."""

    log: Log
    table: Table
    clock: Clock
    counters: CountingCounters = field(default_factory=CountingCounters)
    _changed: dict[tuple[str, datetime], Window] = field(default_factory=dict)
    _letters: list[Outgoing] = field(default_factory=list)
    _receipts: list[Receipt] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_full(self) -> bool:
        """Whether `settle` must be awaited before more is taken."""
        return len(self._receipts) >= UNSETTLED_COUNT_MAX

    def take(self, record: Record, receipt: Receipt) -> None:
        """Count one record of the ledger."""
        now = self.clock.now()
        try:
            change = self._change(record, now)
        except Exception as error:  # noqa: BLE001 - whatever a record does here, it must not do it again and again
            reason = str(error) if isinstance(error, RecordError) else f"it cannot be counted: {error!r}"
            self._letters.append(dead_letter(record, reason, SOURCE, now, record.partition))
            self.counters.refused += 1
        else:
            self._keep(change)
        self._receipts.append(receipt)
        self.counters.records += 1

    async def settle(self) -> None:
        """Make durable what was taken until now, and acknowledge it.

        Raises:
            LogError: it is not known to be durable, and was not acknowledged; whoever comes next begins there.
        """
        async with self._turn:
            changed, self._changed = self._changed, {}
            letters, self._letters = self._letters, []
            receipts, self._receipts = self._receipts, []
            if not receipts:
                return
            await self.table.written()
            told = [self._told(tenant_id, window) for (tenant_id, _), window in changed.items()]
            if told or letters:
                await self.log.append([*told, *letters])
            for receipt in receipts:
                receipt.acknowledge()
            self.counters.told += len(told)

    def _event(self, record: Record, now: datetime) -> ExecutionEvent | None:
        """The fact, if it is one that counts. Most need not even be decoded."""
        kind = MODEL_OF_TYPE.get(type_of(record.headers) or "")
        if kind is not None and issubclass(kind, ExecutionEvent) and not counts(kind):
            return None
        written_at = time_of(record.headers)
        if written_at is not None and now - written_at > HORIZON:
            return None
        message = decode(record.topic, record.headers, record.value)
        check_home(message, record, self.log.partition_count)
        assert isinstance(message, ExecutionEvent)
        return message

    def _change(self, record: Record, now: datetime) -> Change | None:
        """What the record does to its window; None when it does not count."""
        event = self._event(record, now)
        if event is None:
            return None
        row = self.table.rows.get(slot_key(event.tenant_id, event.at))
        kept = None if row is None else Window.from_row(row)
        window = counted(kept, event, record.offset)
        return None if window is None else Change(event.tenant_id, window, is_new=window != kept)

    def _keep(self, change: Change | None) -> None:
        if change is None:
            return
        if change.is_new:
            self.table.rows[slot_key(change.tenant_id, change.window.start)] = change.window.to_row()
        self._changed[change.tenant_id, change.window.start] = change.window

    def _told(self, tenant_id: str, window: Window) -> Outgoing:
        message = window.measured(tenant_id)
        return Outgoing(
            topic=ANALYTICS.name,
            partition=partition_of(tenant_id, self.log.partition_count),
            key=message.subject().encode(),
            value=message.to_json(),
            headers=headers_of(message, SOURCE, self.clock.now()),
        )


async def settle_regularly(counting: Counting) -> None:
    """Settle every `SETTLE_INTERVAL_S`, until cancelled.

    Raises:
        LogError: as `settle`.
    """
    while True:
        await counting.clock.sleep(SETTLE_INTERVAL_S)
        await counting.settle()

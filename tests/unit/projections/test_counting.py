"""Counting the ledger: nothing is acknowledged before it is durable, and a bad record stops nobody."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import LogUnavailable, Outgoing, Place, Record
from projections.analytics.counting import HORIZON, UNSETTLED_COUNT_MAX, Counting
from schemas.base import Message
from schemas.codec import decode
from schemas.events.analytics import WindowMeasured
from schemas.events.executions import AttemptDispatched, ExecutionCompleted
from schemas.events.owners import RecordRefused
from schemas.topics import ANALYTICS, DLQ, EXECUTIONS
from tests.unit.projections.facts import HOME, OTHER_TENANT, PARTITIONS, START, TENANT, admitted, at, event, record


@dataclass
class MemoryTable:
    """A table whose rows are durable at once, or never."""

    rows: MutableMapping[str, dict[str, Any]] = field(default_factory=dict)
    fails: bool = False

    async def written(self) -> None:
        if self.fails:
            raise LogUnavailable("the table could not be written")


@dataclass
class Handed:
    """A receipt that says whether it was taken back."""

    acknowledged: bool = False

    def acknowledge(self) -> None:
        self.acknowledged = True


class HandClock(SystemClock):
    """It is a second after the facts began, unless told."""

    at: datetime = at(1)

    def now(self) -> datetime:
        return self.at


class FailingLog(EmbeddedLog):
    """A log in memory that appends nothing while told to fail."""

    fails = False

    async def append(self, records: Sequence[Outgoing]) -> None:
        if self.fails:
            raise LogUnavailable("not now")
        await super().append(records)


@dataclass
class Bench:
    """A counting over a log in memory."""

    log: FailingLog
    table: MemoryTable
    counting: Counting
    offset: int = 0

    def take(self, *messages: Message) -> list[Handed]:
        return [self.hand(record(message)) for message in messages]

    def hand(self, one: Record) -> Handed:
        receipt = Handed()
        self.counting.take(replace(one, offset=self.offset), receipt)
        self.offset += 1
        return receipt

    async def written(self, topic: str) -> list[Message]:
        places = [Place(topic, partition) for partition in range(PARTITIONS)]
        ends = await self.log.ends(places)
        return [
            decode(one.topic, one.headers, one.value)
            for place in places
            async for records in self.log.scan(place, 0, ends[place])
            for one in records
        ]

    async def told(self) -> list[WindowMeasured]:
        return [one for one in await self.written(ANALYTICS.name) if isinstance(one, WindowMeasured)]


@pytest.fixture
async def bench() -> Bench:
    log = FailingLog.open(None, SystemClock(), PARTITIONS)
    await log.create_topics()
    table = MemoryTable()
    return Bench(log, table, Counting(log, table, HandClock()))


async def test_a_window_is_told_once_for_all_records_that_were_taken_together(bench: Bench) -> None:
    done = event(ExecutionCompleted, 1, 4, attempt=1, completed_at=at(0))
    receipts = bench.take(admitted(1), admitted(2), done)
    assert await bench.told() == []
    assert not any(receipt.acknowledged for receipt in receipts)
    await bench.counting.settle()
    [told] = await bench.told()
    assert (told.tenant_id, told.through, told.tally.admitted, told.tally.completed) == (TENANT, 2, 2, 1)
    assert all(receipt.acknowledged for receipt in receipts)
    await bench.counting.settle()
    assert len(await bench.told()) == 1


async def test_tenants_are_counted_apart(bench: Bench) -> None:
    bench.take(admitted(1), admitted(2, tenant_id=OTHER_TENANT))
    await bench.counting.settle()
    assert {told.tenant_id: told.tally.admitted for told in await bench.told()} == {TENANT: 1, OTHER_TENANT: 1}


@pytest.mark.parametrize("what", ["table", "log"])
async def test_nothing_is_acknowledged_that_is_not_durable(bench: Bench, what: str) -> None:
    receipts = bench.take(admitted(1))
    bench.table.fails, bench.log.fails = what == "table", what == "log"
    with pytest.raises(LogUnavailable):
        await bench.counting.settle()
    assert [receipt.acknowledged for receipt in receipts] == [False]


async def test_what_was_counted_but_not_told_is_told_when_it_comes_again(bench: Bench) -> None:
    bench.take(admitted(1))
    bench.log.fails = True
    with pytest.raises(LogUnavailable):
        await bench.counting.settle()
    # The next process has the same table, and is handed the record once more.
    bench.log.fails, bench.offset = False, 0
    bench.counting = Counting(bench.log, bench.table, HandClock())
    bench.take(admitted(1))
    await bench.counting.settle()
    [told] = await bench.told()
    assert (told.tally.admitted, told.through) == (1, 0)


async def test_a_bad_record_is_told_as_a_letter_and_stops_nobody(bench: Bench) -> None:
    good = record(admitted(1))
    elsewhere = replace(good, partition=(HOME + 1) % PARTITIONS)
    receipts = [bench.hand(one) for one in (replace(good, value=b"{"), good, elsewhere)]
    await bench.counting.settle()
    letters = [one for one in await bench.written(DLQ.name) if isinstance(one, RecordRefused)]
    assert {(letter.topic, letter.refused_by) for letter in letters} == {(EXECUTIONS.name, "horolog/analytics")}
    assert {letter.offset for letter in letters} == {0, 2}
    assert [told.tally.admitted for told in await bench.told()] == [1]
    assert all(receipt.acknowledged for receipt in receipts)
    assert bench.counting.counters.refused == 2


async def test_a_row_that_cannot_be_read_costs_its_record_and_not_the_process(bench: Bench) -> None:
    bench.take(admitted(1))
    for row in bench.table.rows.values():
        row["tally"] = {"admitted": "many"}
    [receipt] = bench.take(admitted(2))
    await bench.counting.settle()
    [letter] = await bench.written(DLQ.name)
    assert isinstance(letter, RecordRefused)
    assert letter.reason.startswith("it cannot be counted")
    assert receipt.acknowledged


async def test_what_does_not_count_or_is_too_old_is_acknowledged_and_leaves_no_trace(bench: Bench) -> None:
    clock = bench.counting.clock
    assert isinstance(clock, HandClock)
    between = bench.take(event(AttemptDispatched, 1, 2, attempt=1, worker_id="w"))
    clock.at = START + HORIZON + timedelta(seconds=1)
    old = bench.take(admitted(1))
    await bench.counting.settle()
    assert all(receipt.acknowledged for receipt in [*between, *old])
    assert (bench.table.rows, await bench.told()) == ({}, [])


async def test_so_many_records_and_no_more_are_taken_before_it_has_to_settle(bench: Bench) -> None:
    for number in range(UNSETTLED_COUNT_MAX):
        assert not bench.counting.is_full
        bench.take(admitted(number))
    assert bench.counting.is_full
    await bench.counting.settle()
    assert not bench.counting.is_full

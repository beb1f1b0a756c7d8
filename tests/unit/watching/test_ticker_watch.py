"""A ticker's watch: a partition that stands still, or has lost a schedule, is taken anew, and fires go on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from horolog.log.owner import OwnerSettings
from horolog.log.port import LogUnavailable, Outgoing
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.events.fires import FireDue
from schemas.events.jobs import JobTabled
from schemas.jobs import FunctionConfig, Job, JobDefinition, JobStatus, JobType
from schemas.topics import FIRES, JOB_TABLE, partition_of
from services.ticker.partition import TickerPartition
from services.ticker.ticker import Ticker
from tests.unit.owning.virtual import START, VirtualClock, elapse, play
from tests.unit.owning.world import PARTITION_COUNT, ScriptedLog, new_log, records

TENANT = "11111111-2222-4333-8444-555555555555"
HOME = partition_of(TENANT, PARTITION_COUNT)
PERIOD_S = 600
"""Of the expression `0 */10 * * * *`."""


def uuid_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def tabled(number: int, expression: str, version: int = 1, **changes: Any) -> JobTabled:
    config = FunctionConfig(module_path="a", function_name="b")
    definition = JobDefinition(name="job", cron_expression=expression, job_type=JobType.FUNCTION, config=config)
    values = {"tenant_id": TENANT, "created_by": "user:test", "created_at": START, "updated_at": START}
    job = Job.model_validate(
        {"job_id": uuid_of(number), "definition": definition, "effective_from": START, **values, **changes}
    )
    return JobTabled(tenant_id=TENANT, job=job.model_copy(update={"version": version, "schedule_version": version}))


async def write(log: ScriptedLog, *messages: Message) -> None:
    outgoing = [
        Outgoing(JOB_TABLE.name, HOME, m.subject().encode(), m.to_json(), headers_of(m, "test", START))
        for m in messages
    ]
    await log.append(outgoing)


async def fired_s(log: ScriptedLog, number: int = 1) -> list[float]:
    """The instants of a job that were emitted, in seconds from the start."""
    found = [decode(r.topic, r.headers, r.value) for r in await records(log, FIRES.name, HOME)]
    return [
        (m.scheduled_for - START).total_seconds()
        for m in found
        if isinstance(m, FireDue) and m.job_id == uuid_of(number)
    ]


@asynccontextmanager
async def ticking(log: ScriptedLog) -> AsyncIterator[Ticker]:
    """A ticker with its watch, which ends with the block."""
    stop = asyncio.Event()
    ticker = Ticker(log, VirtualClock(), OwnerSettings("a"))
    running = asyncio.create_task(ticker.run(stop))
    try:
        yield ticker
    finally:
        stop.set()
        await running


def state_of(ticker: Ticker) -> TickerPartition:
    state = ticker.owner.holdings[HOME].state
    assert isinstance(state, TickerPartition)
    return state


def test_partition_whose_loop_is_stuck_is_taken_anew_and_fires_everything_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        log = new_log()
        await write(log, tabled(1, "*/10 * * * * *"))
        async with ticking(log) as ticker:
            await elapse(15)
            stuck, taken = ticker.owner.holdings[HOME], ticker.owner.counters.acquisitions
            log.gates[HOME].clear()
            await elapse(60)
            assert ticker.owner.counters.acquisitions > taken
            assert ticker.owner.holdings[HOME] is not stuck
            log.gates[HOME].set()
            await elapse(45)
            assert ticker.watch.counters.stalls == 1
            assert await fired_s(log) == [float(s) for s in range(10, 121, 10)]

    play(scenario())
    (told,) = [r for r in caplog.records if "stood still" in r.getMessage()]
    assert (told.levelno, vars(told)["partition"]) == (logging.ERROR, HOME)


def test_schedule_that_memory_has_lost_comes_back_from_the_table(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        log = new_log()
        await write(log, tabled(1, "0 */10 * * * *"), tabled(2, "0 5 * * * *"))
        async with ticking(log) as ticker:
            await elapse(10)
            state = state_of(ticker)
            del state._current[uuid_of(1)]
            state._heap = [entry for entry in state._heap if entry[2].job_id != uuid_of(1)]
            await elapse(PERIOD_S)
            assert await fired_s(log, 1) == [PERIOD_S]
            assert await fired_s(log, 2) == [PERIOD_S / 2]
            assert (ticker.watch.counters.differences, ticker.watch.counters.stalls) == (1, 0)

    play(scenario())
    (told,) = [r for r in caplog.records if "not as it is in the log" in r.getMessage()]
    assert (vars(told)["tenant_id"], vars(told)["job_id"]) == (TENANT, uuid_of(1))


@pytest.mark.parametrize("shift_s", [1200, -300])
def test_schedule_that_would_fire_at_another_instant_is_put_right(shift_s: int) -> None:
    async def scenario() -> None:
        log = new_log()
        await write(log, tabled(1, "0 */10 * * * *"))
        async with ticking(log) as ticker:
            await elapse(10)
            state = state_of(ticker)
            ((_, order, segment),) = state._heap
            segment.next_s += shift_s
            state._heap = [(segment.next_s, order, segment)]
            await elapse(PERIOD_S)
            assert await fired_s(log) == [PERIOD_S]

    play(scenario())


def test_schedule_that_nobody_looks_at_any_more_is_found_behind_the_watermark() -> None:
    async def scenario() -> None:
        log = new_log()
        await write(log, tabled(1, "0 */10 * * * *"), tabled(2, "*/5 * * * * *"))
        async with ticking(log) as ticker:
            await elapse(590)
            state = state_of(ticker)
            state._heap = [entry for entry in state._heap if entry[2].job_id != uuid_of(1)]
            await elapse(2 * PERIOD_S)
            # The instant that came before the repair is for the ledger's proof to tell; the one after it fires.
            assert await fired_s(log) == [2 * PERIOD_S]
            assert ticker.watch.counters.differences == 1

    play(scenario())


def test_partitions_that_agree_with_the_table_are_left_alone() -> None:
    async def scenario() -> None:
        log = new_log()
        later = START + timedelta(seconds=300)
        await write(log, tabled(1, "*/7 * * * * *"), tabled(2, "0 0 0 29 2 *"), tabled(3, "0 0 * * * *"))
        async with ticking(log) as ticker:
            await elapse(300)
            changed = tabled(1, "*/9 * * * * *", version=2, effective_from=later)
            paused = tabled(2, "0 0 0 29 2 *", version=2, status=JobStatus.PAUSED, effective_from=later)
            await write(log, changed, paused, tabled(3, "0 0 * * * *", version=2, deleted=True, effective_from=later))
            await elapse(300)
            counters = ticker.watch.counters
            assert (counters.looks >= 30, counters.failures, ticker.owner.counters.acquisitions) == (True, 0, 2)

    play(scenario())


def test_partition_that_rests_while_the_log_is_away_is_not_called_stuck() -> None:
    class LogAway(ScriptedLog):
        async def latest(self, *arguments: Any) -> Any:
            if away:
                raise LogUnavailable("told to")
            return await super().latest(*arguments)

    away = False

    async def scenario() -> None:
        nonlocal away
        log = LogAway.open(None, VirtualClock(), PARTITION_COUNT)
        async with ticking(log) as ticker:
            await elapse(10)
            away = True
            log.gates[HOME].clear()
            await elapse(100)
            away = False
            log.gates[HOME].set()
            await elapse(100)
            assert ticker.watch.counters.stalls == 0

    play(scenario())

"""A checkpoint does not pass what was read but is not out yet; so a successor reads that again, and loses nothing."""

import asyncio
from datetime import timedelta

from horolog.limits import CHECKPOINT_IDLE_S, OVERDUE_LOOK_INTERVAL_S, OVERDUE_S
from horolog.log.owner import OwnerSettings
from horolog.log.port import Log, Outgoing
from schemas.base import Message
from schemas.codec import decode, headers_of
from schemas.events.fires import FireDue
from schemas.events.jobs import JobTabled
from schemas.jobs import JobStatus
from schemas.topics import FIRES, JOB_TABLE, partition_of
from services.ticker.ticker import Ticker
from tests.unit.deciding.kit import TENANT, definition, tabled, uuid_of
from tests.unit.owning.virtual import START, VirtualClock, elapse, play
from tests.unit.owning.world import PARTITION_COUNT, new_log, records

HOME = partition_of(TENANT, PARTITION_COUNT)
PAUSED_AT = START - timedelta(seconds=630)
TURN_S = 10.0


async def table(log: Log, message: Message) -> None:
    headers = headers_of(message, "test", START)
    await log.append([Outgoing(JOB_TABLE.name, HOME, message.subject().encode(), message.to_json(), headers)])


def job(version: int, **changes: object) -> JobTabled:
    """A version of a job of every minute, in force from the pause on."""
    named = tabled(definition(cron_expression="0 * * * * *", misfire={"policy": "all"}), version, PAUSED_AT).job
    return JobTabled(tenant_id=TENANT, job=named.model_copy(update=changes))


async def own_for(log: Log, seconds: float, settings: OwnerSettings) -> int:
    """Own the partitions for so long, under the ticker's watch, and go; how often that took one for stuck."""
    stop = asyncio.Event()
    ticker = Ticker(log, VirtualClock(), settings)
    running = asyncio.create_task(ticker.run(stop))
    await elapse(seconds)
    stop.set()
    await running
    return ticker.watch.counters.stalls


def test_a_successor_goes_on_with_a_resume_whose_past_the_owner_before_it_had_only_read() -> None:
    async def scenario() -> None:
        log = new_log()
        await table(log, job(2, status=JobStatus.PAUSED))
        await own_for(log, 3 * CHECKPOINT_IDLE_S, OwnerSettings("a"))
        await table(log, job(3))
        await table(log, job(1, job_id=uuid_of(2), deleted=True))
        # One record a turn: after one without any, the second reads the resume while more waits; no third one comes.
        await own_for(log, TURN_S * 1.5, OwnerSettings("b", turn_interval_s=TURN_S, record_count_max=1))
        assert await records(log, FIRES.name, HOME) == []
        await own_for(log, 3, OwnerSettings("c"))
        fires = [decode(r.topic, r.headers, r.value) for r in await records(log, FIRES.name, HOME)]
        minutes = [fire.scheduled_for for fire in fires if isinstance(fire, FireDue)]
        assert minutes == [START + timedelta(minutes=minute) for minute in range(-10, 1)]

    play(scenario())


def test_an_owner_that_reads_on_while_it_holds_back_is_not_called_stuck() -> None:
    async def scenario() -> None:
        log, seconds = new_log(), int(OVERDUE_S + 3 * OVERDUE_LOOK_INTERVAL_S)
        await table(log, job(2, status=JobStatus.PAUSED))
        await own_for(log, 3 * CHECKPOINT_IDLE_S, OwnerSettings("a"))
        await table(log, job(3))
        for number in range(2 * seconds):
            await table(log, job(1, job_id=uuid_of(2 + number), deleted=True))
        slow = OwnerSettings("b", turn_interval_s=1.0, record_count_max=1)
        assert await own_for(log, seconds, slow) == 0
        assert await records(log, FIRES.name, HOME) == []

    play(scenario())

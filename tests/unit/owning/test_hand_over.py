"""Owners that come and go in one process: every command copied once, every fire emitted once."""

import asyncio
from datetime import timedelta

from horolog.log.owner import Owner, OwnerSettings
from horolog.log.port import Log, Outgoing
from schemas.codec import decode, headers_of
from schemas.events.fires import FireDue
from schemas.topics import FIRES, JOB_TABLE, partition_of
from services.ticker.ticker import TickerRole
from tests.unit.deciding.kit import TENANT, definition, tabled
from tests.unit.owning.virtual import START, VirtualClock, elapse, play
from tests.unit.owning.world import (
    PARTITION_COUNT,
    CopyingRole,
    command,
    copied,
    new_log,
    owning,
    records,
)

HOME = partition_of(TENANT, PARTITION_COUNT)
COMMAND_COUNT = 200


async def come_and_go(owner: Owner, stay_s: float, away_s: float, count: int) -> None:
    """Take part for a while, several times."""
    for _ in range(count):
        stop = asyncio.Event()
        running = asyncio.create_task(owner.run(stop))
        await elapse(stay_s)
        stop.set()
        await running
        assert not owner.holdings
        await elapse(away_s)


def guest(log: Log, role: CopyingRole | TickerRole, name: str) -> Owner:
    """An owner that is not running yet."""
    return Owner(log, VirtualClock(), role, OwnerSettings(name))


def test_commands_are_copied_once_while_owners_come_and_go() -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "stays"):
            guests = asyncio.gather(
                come_and_go(guest(log, role, "b"), 0.7, 0.3, 20), come_and_go(guest(log, role, "c"), 1.1, 0.2, 15)
            )
            for number in range(COMMAND_COUNT):
                await command(log, number, number % PARTITION_COUNT)
                await elapse(0.1)
            await guests
            for partition in range(PARTITION_COUNT):
                found = await records(log, "jobs.v1", partition)
                values = [number for number in range(COMMAND_COUNT) if number % PARTITION_COUNT == partition]
                assert [record.value for record in found] == [b"%d %d" % pair for pair in enumerate(values)]

    play(scenario())


def test_command_waits_less_than_a_second_while_its_partition_changes_hands() -> None:
    async def scenario() -> None:
        log, role = new_log(), CopyingRole()
        async with owning(log, role, "a"):
            for number in range(20):
                leaving = asyncio.create_task(come_and_go(guest(log, role, "b"), 0.5, 0, 1))
                await elapse(0.25)
                began = asyncio.get_running_loop().time()
                await command(log, number)
                await copied(log, number + 1)
                assert asyncio.get_running_loop().time() - began < 1
                await leaving

    play(scenario())


def test_every_instant_fires_once_while_tickers_come_and_go() -> None:
    async def scenario() -> None:
        log, role = new_log(), TickerRole()
        tabled_job = tabled(definition(cron_expression="* * * * * *"))
        headers = headers_of(tabled_job, "test", START)
        job_id = tabled_job.job.job_id
        await log.append([Outgoing(JOB_TABLE.name, HOME, job_id.encode(), tabled_job.to_json(), headers)])
        async with owning(log, role, "stays"):
            await come_and_go(guest(log, role, "b"), 1.3, 0.4, 30)
        fires = [decode(r.topic, r.headers, r.value) for r in await records(log, FIRES.name, HOME)]
        instants = [fire.scheduled_for for fire in fires if isinstance(fire, FireDue)]
        assert len(instants) == len(fires) > 45
        assert instants == [instants[0] + timedelta(seconds=index) for index in range(len(instants))]

    play(scenario())

"""The projector's loop: it applies what falls to it, tells who waits, and goes on after every trouble."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, timedelta

import pytest

from horolog.adapters.redis_notify import RedisNotify, RedisWake
from horolog.adapters.system import SystemClock
from horolog.log.port import Place
from horolog.ports import Clock
from projections.connections import open_pool
from projections.projector import Notify, Projector, ProjectorSettings, Silence
from projections.queries import PostgresReadModel
from projections.views import OutcomeView
from schemas.events.executions import AttemptProgressed
from schemas.topics import DAY_MS, EXECUTIONS, JOBS
from services.api.outcomes import OutcomeWaiter, Pace
from tests.integration.projections.world import DEADLINE_S, PAUSE_S, PLACES, StillClock, World, written
from tests.unit.projections.facts import (
    HOME,
    START,
    TENANT,
    accepted,
    admitted,
    beat,
    changed,
    checkpoint,
    event,
    job,
    outgoing,
    uuid_of,
)

NEVER = Pace(polling_s=3600, awake_s=3600, outage_s=3600)
SWEPT = ("outcomes.v1", "workers.v1")


class Looking:
    """Notes what can be read at the very moment of each notice."""

    def __init__(self, model: PostgresReadModel) -> None:
        self._model = model
        self.seen: list[OutcomeView] = []
        self.noticed = asyncio.Event()

    async def applied(self, command_ids: Sequence[str]) -> None:
        self.seen += await self._model.outcomes(command_ids)
        self.noticed.set()


@asynccontextmanager
async def running(
    world: World, notify: Notify | None = None, member: str = "a", clock: Clock | None = None, **settings: int
) -> AsyncIterator[Projector]:
    """A projector at work."""
    stop, chosen = asyncio.Event(), ProjectorSettings(member, world.dsn, **settings)
    projector = Projector(world.log, clock or StillClock(), chosen, notify or Silence())
    task = asyncio.create_task(projector.run(stop))
    try:
        yield projector
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task


@pytest.fixture
async def model(world: World) -> AsyncIterator[PostgresReadModel]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresReadModel(pool)
    await pool.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not await holds():
            await asyncio.sleep(PAUSE_S)


async def caught_up(world: World) -> None:
    """Wait until every record is applied."""

    async def level() -> bool:
        rows = await world.rows("projection_offsets")
        ends = {place: end for place, end in (await world.log.ends(PLACES)).items() if end}
        return ends.items() <= {Place(row["topic"], row["partition"]): row["next"] for row in rows}.items()

    await until(level)


async def test_notice_comes_when_the_rows_can_be_read(world: World, model: PostgresReadModel) -> None:
    notify = Looking(model)
    async with running(world, notify):
        for number in range(1, 6):
            outcome = accepted(number, job_id=uuid_of(number), job_version=1)
            notify.noticed.clear()
            await world.write(changed(job(number), command=number), outcome)
            await asyncio.wait_for(notify.noticed.wait(), DEADLINE_S)
        await caught_up(world)
    assert {outcome.command_id for outcome in notify.seen if outcome.visible} == {uuid_of(n) for n in range(1, 6)}


async def test_projector_is_ready_while_it_applies_its_share(world: World) -> None:
    async with running(world) as projector:

        async def ready() -> bool:
            return projector.is_ready()

        await until(ready)
    assert not projector.is_ready()


async def test_request_is_woken_over_redis_by_the_rows_it_waits_for(
    world: World, model: PostgresReadModel, redis_url: str
) -> None:
    notify, wake = RedisNotify(redis_url), RedisWake(redis_url)
    waiter = OutcomeWaiter(model, wake, NEVER)
    listening = asyncio.create_task(waiter.listen())
    async with running(world, notify):
        await until(lambda: asyncio.sleep(0, wake.live))
        waiting = asyncio.create_task(waiter.wait(uuid_of(1), DEADLINE_S))
        await asyncio.sleep(0)
        await world.write(changed(job(), command=1), accepted(1, job_id=uuid_of(1), job_version=1))
        outcome = await waiting
        assert outcome is not None
        assert await model.job(outcome.tenant_id, uuid_of(1)) is not None
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await waiter.close()
    await notify.close()
    await wake.close()


async def test_two_projectors_apply_each_record_once_though_one_leaves(world: World) -> None:
    async with running(world, member="a") as first:
        async with running(world, member="b") as second:
            await world.write(changed(job()), *(admitted(n) for n in range(1, 30)))
            await caught_up(world)
        await world.write(*(admitted(n) for n in range(30, 60)))
        await caught_up(world)
    assert len(await world.rows("job_executions", "id")) == 59
    assert first.counters.records + second.counters.records == 60


async def test_projector_goes_on_after_the_database_was_gone(world: World) -> None:
    query = "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'horolog-projections/%'"
    async with running(world):
        await world.write(changed(job()))
        await caught_up(world)
        for number in range(1, 4):
            await world.eye.fetch(query)
            await world.write(admitted(number))
            await caught_up(world)
    assert len(await world.rows("job_executions", "id")) == 3


async def test_poison_does_not_stop_the_loop(world: World) -> None:
    poison = event(AttemptProgressed, 1, 2**40, attempt=1, progress=1)
    async with running(world) as projector:
        await world.write(admitted(1), poison, admitted(2))
        await caught_up(world)
        assert projector.counters.refused == 1
    assert len(await world.letters()) == 1
    assert len(await world.rows("job_executions", "id")) == 2


async def test_records_that_their_topic_no_longer_keeps_are_passed_over_with_notice(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(world):
        await world.write(beat("a"), accepted(1), changed(job()))
        await caught_up(world)
    await world.write(beat("b"), accepted(2), admitted(1), checkpoint(3))
    await world.log.sweep(int(SystemClock().now().timestamp() * 1000) + 2 * DAY_MS)
    async with running(world) as projector:
        await world.write(beat("c"), accepted(3))
        await caught_up(world)
        assert projector.counters.skipped == len(SWEPT)
    assert [row["worker_id"] for row in await world.rows("workers", "worker_id")] == ["a", "c"]
    assert len(await world.rows("job_executions", "id")) == 1
    assert all(any(topic in line and "kept nothing before" in line for line in caplog.messages) for topic in SWEPT)


async def test_missing_facts_stop_the_read_models_and_are_reported(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    place = Place(EXECUTIONS.name, HOME)
    await world.write(admitted(1), changed(job()))
    await world.eye.execute("insert into projection_offsets values ($1, $2, -1)", *place)

    async def reported() -> bool:
        return any(
            record.levelname == "ERROR" and "begins at 0, after -1" in record.message for record in caplog.records
        )

    async with running(world):
        await until(reported)
    assert await world.rows("job_executions") == []
    assert await world.rows("scheduled_jobs") == []


class NotedCopies:
    """Notes what it is to forget."""

    def __init__(self) -> None:
        self.forgotten: set[tuple[str, date]] = set()
        self.looked = asyncio.Event()

    async def forget(self, days: Iterable[tuple[str, date]]) -> None:
        self.forgotten |= set(days)

    async def look(self) -> None:
        self.looked.set()


async def test_changes_of_days_that_are_over_are_told_to_whoever_keeps_copies(world: World) -> None:
    now, copies = SystemClock().now(), NotedCopies()
    await world.write(admitted(1, scheduled_for=now), admitted(2, scheduled_for=now - timedelta(days=3)))
    async with running(world, clock=SystemClock()) as projector:
        projector.copies = copies
        await caught_up(world)
        # Told after it was written: with the next turn at the latest.
        copies.looked.clear()
        await asyncio.wait_for(copies.looked.wait(), DEADLINE_S)
    assert copies.forgotten == {(TENANT, (now - timedelta(days=3)).date())}


async def test_months_out_of_retention_are_dropped(world: World) -> None:
    now = SystemClock().now()
    await world.write(admitted(1, scheduled_for=now), admitted(2, scheduled_for=START.replace(year=now.year - 2)))
    async with running(world, clock=SystemClock()):
        await caught_up(world)
    assert len(await world.rows("job_executions", "id")) == 2
    async with running(world, clock=SystemClock(), ledger_months_kept=12):
        await world.write(changed(job()))
        await caught_up(world)
    assert await world.row("job_executions", "id::text") == (uuid_of(1001),)


async def test_idle_projector_stops_at_once(world: World) -> None:
    async with running(world):
        await world.write(changed(job()))
        await caught_up(world)
    assert len(await written(world.log, Place(JOBS.name, outgoing(changed(job())).partition))) == 1


async def test_read_models_of_another_log_stay_as_they_are_and_the_projector_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.eye.execute(
        "insert into projection_offsets (topic, partition, next) values ($1, $2, 9)", JOBS.name, HOME
    )
    await world.write(changed(job()), admitted())
    async with running(world):
        await until(lambda: asyncio.sleep(0, "the read models are of another log" in caplog.text))
    assert await world.rows("job_executions") == await world.rows("scheduled_jobs") == []

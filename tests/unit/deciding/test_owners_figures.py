"""What partitions tell the metrics: which tenant's executions wait for what, and how far a ticker has to go."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from horolog.log.embedded.log import EmbeddedLog
from horolog.log.owner import Holding, OwnerSettings, Partition
from schemas.isolation import Isolation
from schemas.jobs import CommandConfig, JobType
from services.dispatcher.dispatcher import Dispatcher
from services.ticker.partition import TickerPartition
from services.ticker.ticker import Ticker
from tests.unit.deciding.kit import HOME, PARTITIONS, TENANT, Dispatching, at, definition, fire, record, tabled
from tests.unit.deciding.test_emitted_lateness import LateClock

QUEUE_ALL = {"policy": "queueAll"}
DEMANDING = CommandConfig(command="true", isolation=Isolation.NAMESPACES)


@asynccontextmanager
async def new_log() -> AsyncIterator[EmbeddedLog]:
    """An empty log."""
    log = EmbeddedLog.open(None, LateClock(at(0)), PARTITIONS)
    yield log
    await log.close()


def holding(state: Partition) -> Holding:
    """The partition in somebody's hands."""
    return Holding(HOME, asyncio.Event(), state)


def queue_after(world: Dispatching, fires: Sequence[int]) -> Counter[tuple[str, str]]:
    """What waits when so many fires have come at their seconds."""
    for second in fires:
        world.turn(second, fire(second, 40 + second))
    return world.partition.book.queue_sizes()


def test_what_waits_for_any_worker_and_what_for_its_own_job_are_told_apart() -> None:
    world = Dispatching(capacity=0)
    world.create(overlap=QUEUE_ALL, max_concurrent=2)
    assert queue_after(world, [1, 2, 3, 4, 5]) == {(TENANT, "any"): 2, (TENANT, "job"): 3}


def test_what_runs_waits_for_nothing() -> None:
    world = Dispatching(capacity=10)
    world.create(overlap=QUEUE_ALL, max_concurrent=2)
    assert queue_after(world, [1, 2]) == {}


def test_what_demands_a_level_waits_in_the_pool_of_those_that_reach_it() -> None:
    world = Dispatching(capacity=10)
    world.create(job_type=JobType.COMMAND, config=DEMANDING, overlap=QUEUE_ALL, max_concurrent=10)
    assert queue_after(world, [1, 2]) == {(TENANT, "namespaces"): 2}


async def test_dispatcher_adds_up_what_waits_in_its_partitions() -> None:
    async with new_log() as log:
        dispatcher = Dispatcher(log, LateClock(at(0)), OwnerSettings("a"))
        for partition in (1, 2):
            world = Dispatching(capacity=0)
            world.create(overlap=QUEUE_ALL)
            queue_after(world, [1, 2, 3])
            dispatcher.owner.holdings[partition] = holding(world.partition)
        assert dispatcher.queue_sizes() == {(TENANT, "any"): 2, (TENANT, "job"): 4}


async def test_ticker_is_as_far_behind_as_the_oldest_instant_that_it_owes() -> None:
    async with new_log() as log:
        clock = LateClock(at(0))
        ticker, state = Ticker(log, clock, OwnerSettings("a")), TickerPartition(HOME, None)
        ticker.owner.holdings[HOME] = holding(state)
        assert ticker.behind_s() == {HOME: 0}
        state.take_in(record(tabled(definition(cron_expression="0 * * * * *"))), 0)
        assert ticker.behind_s() == {HOME: 0}
        clock.instant = at(100)
        assert ticker.behind_s() == {HOME: 40}
        state.turn([], clock.instant)
        assert ticker.behind_s() == {HOME: 0}


async def test_what_became_of_a_gap_is_told_once_it_is_committed() -> None:
    async with new_log() as log:
        told: Counter[str] = Counter()

        def tell(outcome: str, count: int) -> None:
            told[outcome] += count

        ticker = Ticker(log, LateClock(at(1800)), OwnerSettings("a"), lambda *_: None, tell)
        every_five_minutes = definition(cron_expression="0 */5 * * * *", misfire={"policy": "all"})
        one_that_fires_late = record(tabled(every_five_minutes))
        ticker.owner.on_commit(TickerPartition(HOME, None).turn([one_that_fires_late], at(1800)).outputs)
        latest_only = record(tabled(definition(cron_expression="0 */5 * * * *")))
        ticker.owner.on_commit(TickerPartition(HOME, None).turn([latest_only], at(1750)).outputs)
        # Of 300 to 1500 all fire late, or all but the last are missed; the instant at 1800 is merely due.
        assert told == {"fired": 6, "missed": 4}

"""A dispatcher hears workers' beats beside its turns, and does not go deaf."""

import asyncio
from datetime import timedelta

from horolog.log.owner import OwnerSettings
from horolog.log.port import Outgoing
from schemas.codec import headers_of
from schemas.events.workers import WorkerBeat, WorkerState
from schemas.topics import WORKERS, partition_of
from services.dispatcher.dispatcher import GREETED_S, Dispatcher
from services.dispatcher.partition import DispatcherPartition
from tests.unit.owning.virtual import VirtualClock, elapse, play
from tests.unit.owning.world import ALL, DEADLINE_S, PARTITION_COUNT, PAUSE_S, ScriptedLog, held_by, new_log


async def beat(log: ScriptedLog, worker_id: str, ahead_s: float = 0.0) -> None:
    """The worker, whose clock is so far ahead, gives a sign of life now."""
    now, inbox = VirtualClock().now() + timedelta(seconds=ahead_s), partition_of(worker_id, PARTITION_COUNT)
    message = WorkerBeat(
        worker_id=worker_id, inbox=inbox, state=WorkerState.READY, capacity=5, running_count=0, started_at=now, at=now
    )
    headers = headers_of(message, "test", now)
    await log.append([Outgoing(WORKERS.name, inbox, worker_id.encode(), message.to_json(), headers)])


def knows(dispatcher: Dispatcher, worker_id: str) -> bool:
    """Whether every partition that it holds knows the worker."""
    states = [holding.state for holding in dispatcher.owner.holdings.values()]
    assert len(states) == PARTITION_COUNT
    return all(isinstance(state, DispatcherPartition) and worker_id in state.book.workers for state in states)


async def heard(dispatcher: Dispatcher, log: ScriptedLog, worker_id: str, ahead_s: float = 0.0) -> None:
    """Beat until the dispatcher knows the worker."""
    async with asyncio.timeout(DEADLINE_S):
        while not knows(dispatcher, worker_id):
            await beat(log, worker_id, ahead_s)
            await elapse(PAUSE_S)


async def dispatching(log: ScriptedLog) -> tuple[Dispatcher, asyncio.Task[None]]:
    """A dispatcher that holds all partitions, and its run."""
    dispatcher = Dispatcher(log, VirtualClock(), OwnerSettings("a"))
    running = asyncio.create_task(dispatcher.run(asyncio.Event()))
    await held_by(dispatcher.owner, *ALL)
    return dispatcher, running


async def ended(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.wait((running,))


def test_a_dispatcher_whose_hearing_failed_by_a_defect_counts_it_and_hears_again() -> None:
    async def scenario() -> None:
        log = new_log()
        log.broken_reader_count = 2
        dispatcher, running = await dispatching(log)
        await heard(dispatcher, log, "worker-a")
        assert dispatcher.owner.counters.failures == 2
        await ended(running)

    play(scenario())


def test_workers_that_were_heard_long_ago_are_not_remembered_for_new_partitions() -> None:
    async def scenario() -> None:
        log = new_log()
        dispatcher, running = await dispatching(log)
        await heard(dispatcher, log, "worker-ahead", ahead_s=3600.0)
        for number in range(100):
            await heard(dispatcher, log, f"worker-{number}")
        await elapse(2 * GREETED_S)
        await heard(dispatcher, log, "worker-z")
        assert list(dispatcher._beats) == ["worker-z"]
        await ended(running)

    play(scenario())

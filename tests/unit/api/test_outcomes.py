"""The waiter: one question for all who wait, none while nobody does, and no wait without an end."""

import asyncio
from collections.abc import Sequence

import pytest

from projections.views import OutcomeView
from services.api.outcomes import OutcomeWaiter, Pace
from tests.unit.api.ledger import MemoryReadModel
from tests.unit.api.world import OURS, START

FAST = Pace(polling_s=0.001, awake_s=0.001, outage_s=0.001)
NEVER = Pace(polling_s=3600, awake_s=3600, outage_s=3600)
IDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(5)]


class Bell:
    """Rings when told to."""

    def __init__(self) -> None:
        self._notices: asyncio.Queue[Sequence[str]] = asyncio.Queue()

    @property
    def live(self) -> bool:
        return True

    async def heard(self) -> Sequence[str]:
        return await self._notices.get()

    def ring(self, *command_ids: str) -> None:
        self._notices.put_nowait(command_ids)


def outcome(command_id: str) -> OutcomeView:
    return OutcomeView(command_id, OURS, True, "", START, None, None, None, None, None, None, True)


async def test_many_wait_by_one_question_at_a_time() -> None:
    read_model = MemoryReadModel()
    waiter = OutcomeWaiter(read_model, None, FAST)
    waiting = [asyncio.create_task(waiter.wait(id_, 10)) for id_ in [*IDS, IDS[0]]]
    async with asyncio.timeout(10):
        await read_model.asked.wait()
        read_model.outcomes_by_id = {id_: outcome(id_) for id_ in IDS}
        answers = await asyncio.gather(*waiting)
    assert [answer and answer.command_id for answer in answers] == [*IDS, IDS[0]]
    assert set(read_model.questions[0]) == set(IDS)
    assert waiter.waiting_count == 0


async def test_nothing_is_asked_while_nobody_waits() -> None:
    read_model = MemoryReadModel(outcomes_by_id={IDS[0]: outcome(IDS[0])})
    waiter = OutcomeWaiter(read_model, None, FAST)
    await waiter.wait(IDS[0], 10)
    asked = len(read_model.questions)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(read_model.questions) == asked
    assert await waiter.wait(IDS[0], 10) == outcome(IDS[0])


async def test_wait_ends_at_its_deadline_and_is_forgotten() -> None:
    waiter = OutcomeWaiter(MemoryReadModel(), None, FAST)
    assert await waiter.wait(IDS[0], 0.02) is None
    assert waiter.waiting_count == 0


async def test_wake_up_is_enough_without_polling() -> None:
    read_model, bell = MemoryReadModel(outcomes_by_id={IDS[0]: outcome(IDS[0])}), Bell()
    waiter = OutcomeWaiter(read_model, bell, NEVER)
    listening = asyncio.create_task(waiter.listen())
    waiting = asyncio.create_task(waiter.wait(IDS[0], 10))
    await asyncio.sleep(0)
    bell.ring(IDS[1])
    bell.ring(IDS[0])
    assert await waiting == outcome(IDS[0])
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)


async def test_outage_of_the_database_is_outlived() -> None:
    read_model = MemoryReadModel(gone=True)
    waiter = OutcomeWaiter(read_model, None, FAST)
    waiting = asyncio.create_task(waiter.wait(IDS[0], 10))
    async with asyncio.timeout(10):
        await read_model.asked.wait()
    read_model.gone, read_model.outcomes_by_id = False, {IDS[0]: outcome(IDS[0])}
    assert await waiting == outcome(IDS[0])


async def test_fault_reaches_whoever_waits_and_the_next_wait_starts_anew() -> None:
    read_model = MemoryReadModel(broken=True)
    waiter = OutcomeWaiter(read_model, None, FAST)
    with pytest.raises(RuntimeError):
        await waiter.wait(IDS[0], 10)
    read_model.broken, read_model.outcomes_by_id = False, {IDS[0]: outcome(IDS[0])}
    assert await waiter.wait(IDS[0], 10) == outcome(IDS[0])


async def test_closing_stops_the_questions() -> None:
    read_model = MemoryReadModel()
    waiter = OutcomeWaiter(read_model, None, FAST)
    waiting = asyncio.create_task(waiter.wait(IDS[0], 0.05))
    async with asyncio.timeout(10):
        await read_model.asked.wait()
    await waiter.close()
    asked = len(read_model.questions)
    assert await waiting is None
    assert len(read_model.questions) == asked

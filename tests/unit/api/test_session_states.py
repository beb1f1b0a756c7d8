"""The state of a session is remembered for seconds, asked for once at a time, and never invented."""

import asyncio
from datetime import datetime, timedelta

import pytest

from services.api.accounts.bounds import STATE_FRESH_S, STATE_KEPT_S
from services.api.accounts.ports import AccountsUnavailable
from services.api.accounts.states import SessionStates
from services.api.accounts.users import Live
from tests.unit.api.memory_accounts import MemoryAccounts, issuing
from tests.unit.api.world import OURS, UNKNOWN, CountedIds, HandClock


class SlowAccounts(MemoryAccounts):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answering = asyncio.Event(), asyncio.Event()

    async def live(self, session_id: str, at: datetime) -> Live | None:
        self.asked_live_count += 1
        self.asked.set()
        await self.answering.wait()
        return Live(session_id, "user", OURS, "ada", ("viewer",), 1)


async def test_a_session_is_asked_for_again_when_it_is_no_longer_fresh() -> None:
    clock, store = HandClock(), MemoryAccounts()
    states = SessionStates(store, clock)
    for age_s, count in ((0.0, 1), (STATE_FRESH_S, 1), (0.1, 2), (STATE_FRESH_S, 2), (0.1, 3)):
        clock.at += timedelta(seconds=age_s)
        assert await states.live(UNKNOWN) is None
        assert store.asked_live_count == count


async def test_many_calls_at_once_ask_once_and_outlive_whoever_gives_up() -> None:
    store = SlowAccounts()
    states = SessionStates(store, HandClock())
    calls = [asyncio.create_task(states.live("a")) for _ in range(10)]
    await store.asked.wait()
    calls[0].cancel()
    store.answering.set()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [isinstance(answer, Live) for answer in answers[1:]] == [True] * 9
    assert store.asked_live_count == 1


async def test_an_answer_is_as_old_as_its_question() -> None:
    clock, store = HandClock(), SlowAccounts()
    states = SessionStates(store, clock)
    call = asyncio.create_task(states.live("a"))
    await store.asked.wait()
    clock.at += timedelta(seconds=STATE_FRESH_S + 0.1)
    store.answering.set()
    await call
    await states.live("a")
    assert store.asked_live_count == 2


async def test_what_was_known_holds_for_its_seconds_and_then_nobody_is_let_in() -> None:
    clock = HandClock()
    made = issuing(clock, CountedIds())
    states = SessionStates(made.store, clock)
    assert await states.live(UNKNOWN) is None
    made.store.is_away = True
    clock.at += timedelta(seconds=STATE_KEPT_S)
    assert await states.live(UNKNOWN) is None
    clock.at += timedelta(seconds=0.1)
    with pytest.raises(AccountsUnavailable):
        await states.live(UNKNOWN)
    with pytest.raises(AccountsUnavailable):
        await states.live("never asked for")


async def test_no_more_sessions_are_remembered_than_there_is_room_for() -> None:
    store = MemoryAccounts()
    states = SessionStates(store, HandClock(), count_max=2)
    for session_id in ("a", "b", "c", "c", "b", "a"):
        await states.live(session_id)
    assert store.asked_live_count == 4

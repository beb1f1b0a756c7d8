"""A stream processor that never gets ready is given up, and one that gets further is not."""

import asyncio
from collections.abc import Callable

import pytest

from horolog.log.port import LogUnavailable
from projections.analytics.standstill import LOOK_S, STANDSTILL_S_MAX, until_it_stands_still
from tests.unit.owning.virtual import VirtualClock, elapse, play

ROUND_COUNT = 900


def given_up_after(is_ready: Callable[[float], bool], reached: Callable[[float], object]) -> float | None:
    """After how many seconds it is given up; None when it is not within half an hour."""
    found: list[float] = []

    async def scenario() -> None:
        clock, loop = VirtualClock(), asyncio.get_running_loop()
        looking = asyncio.create_task(
            until_it_stands_still(lambda: is_ready(loop.time()), lambda: reached(loop.time()), clock)
        )
        for _ in range(ROUND_COUNT):
            await elapse(LOOK_S)
            if looking.done():
                found.append(loop.time())
                break
        looking.cancel()
        if found:
            with pytest.raises(LogUnavailable, match="not become ready"):
                await looking

    play(scenario())
    return found[0] if found else None


def test_one_that_never_gets_ready_is_given_up_in_time() -> None:
    after = given_up_after(lambda _: False, lambda _: None)
    assert after is not None
    assert STANDSTILL_S_MAX <= after <= STANDSTILL_S_MAX + 5


def test_one_that_stops_being_ready_has_as_long_as_at_the_beginning() -> None:
    after = given_up_after(lambda now: now < 600, lambda _: None)
    assert after is not None
    assert 600 + STANDSTILL_S_MAX - 5 <= after <= 600 + STANDSTILL_S_MAX + 5


def test_one_that_restores_a_large_table_has_all_the_time_that_takes() -> None:
    assert given_up_after(lambda _: False, lambda now: now // 30) is None


def test_one_that_is_ready_is_left_alone() -> None:
    assert given_up_after(lambda _: True, lambda _: None) is None

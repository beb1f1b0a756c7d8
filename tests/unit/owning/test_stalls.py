"""After a stall, what was last known of the log's end is old: an owner counts as behind until it has heard anew."""

import asyncio

from horolog.limits import FEED_LOOK_INTERVAL_S, FEED_LOOK_STALE_S, FEED_SETTLE_S
from horolog.log.feed import Feed, Inbox
from horolog.log.port import Place
from tests.unit.owning.virtual import elapse, play, stall
from tests.unit.owning.world import COMMANDS, new_log

UP_TO_DATE_S = 2.0
LONG_S = FEED_LOOK_STALE_S + 1.0


def state_of(inbox: Inbox) -> str:
    """What an owner makes of it."""
    return "behind" if inbox.is_behind else "up to date"


async def read_to_the_end() -> tuple[Inbox, asyncio.Task[None]]:
    """An inbox that has everything, and what feeds it."""
    feed = Feed(new_log())
    feeding = asyncio.create_task(feed.run())
    inbox = Inbox({Place(COMMANDS, 0): 0}, asyncio.Event())
    await feed.start(inbox)
    await elapse(UP_TO_DATE_S)
    assert state_of(inbox) == "up to date"
    return inbox, feeding


def test_an_inbox_counts_as_behind_as_soon_as_its_process_goes_on_after_a_stall() -> None:
    async def scenario() -> None:
        inbox, feeding = await read_to_the_end()
        stall(LONG_S)
        assert state_of(inbox) == "behind"
        feeding.cancel()

    play(scenario())


def test_two_seconds_without_a_look_are_a_stall() -> None:
    async def scenario() -> None:
        inbox, feeding = await read_to_the_end()
        stall(2.0)
        assert state_of(inbox) == "behind"
        feeding.cancel()

    play(scenario())


def test_the_first_look_after_a_stall_is_not_trusted_and_later_ones_are() -> None:
    async def scenario() -> None:
        inbox, feeding = await read_to_the_end()
        stall(LONG_S)
        await elapse(FEED_SETTLE_S / 2)
        assert state_of(inbox) == "behind"
        await elapse(UP_TO_DATE_S + FEED_SETTLE_S)
        assert state_of(inbox) == "up to date"
        feeding.cancel()

    play(scenario())


def test_a_short_pause_leaves_the_inbox_as_it_is() -> None:
    async def scenario() -> None:
        inbox, feeding = await read_to_the_end()
        stall(FEED_LOOK_INTERVAL_S * 2)
        assert state_of(inbox) == "up to date"
        feeding.cancel()

    play(scenario())

"""A record that cannot be used goes to the dead-letter topic once; nothing else suffers."""

from dataclasses import replace

import pytest

from horolog.log.port import LogUnavailable, Outgoing
from projections.writer import PositionsMoved
from schemas.events.executions import AttemptStarted
from schemas.topics import EXECUTIONS
from tests.integration.projections.world import World, applying, catch_up, unread
from tests.unit.projections.facts import HOME, admitted, at, beat, changed, event, job, outgoing, uuid_of

TOO_LONG = event(AttemptStarted, 50, 2, attempt=1, worker_id="w" * 101, started_at=at(1))
TOO_LARGE = event(AttemptStarted, 51, 2**40, attempt=1, worker_id="w", started_at=at(1))
NOT_JSON = replace(outgoing(admitted(60)), value=b"{")
UNKNOWN = replace(outgoing(admitted(61)), headers=(("ce_type", b"io.horolog.execution.dreamt.v1"),))
STRAY = outgoing(admitted(62), partition=(HOME + 1) % 4)
POISON = (outgoing(TOO_LONG), NOT_JSON, UNKNOWN, STRAY, outgoing(TOO_LARGE))
GOOD = [uuid_of(1000 + number) for number in range(1, 21)]


async def write_mixed(world: World) -> None:
    """Twenty good executions with the poison among them."""
    good = [outgoing(admitted(number)) for number in range(1, 21)]
    records: list[Outgoing] = [outgoing(changed(job()))]
    for number, poison in enumerate(POISON):
        records += [*good[number * 4 : number * 4 + 4], poison]
    await world.log.append(records)


async def executions(world: World) -> list[str]:
    return sorted(row["id"] for row in await world.rows("job_executions", "id::text"))


async def test_poison_is_told_once_each_and_all_others_land(world: World) -> None:
    await write_mixed(world)
    async with applying(world) as applier:
        await catch_up(world, applier)
        assert await unread(world, applier) == []
        assert applier.counters.refused == len(POISON)
        assert applier.counters.records == len(GOOD) + len(POISON) + 1
    assert await executions(world) == GOOD
    letters = await world.letters()
    assert len({letter.subject() for letter in letters}) == len(letters) == len(POISON)


async def test_letter_says_what_is_wrong(world: World) -> None:
    await write_mixed(world)
    async with applying(world) as applier:
        await catch_up(world, applier)
    reasons = {(letter.partition, letter.offset): letter.reason for letter in await world.letters()}
    assert "the read models refuse it: value too long" in reasons[HOME, 4]
    assert "Invalid JSON" in reasons[HOME, 9]
    assert "'io.horolog.execution.dreamt.v1' is unknown" in reasons[HOME, 14]
    assert f"belongs to partition {HOME}" in reasons[(HOME + 1) % 4, 0]
    assert "the read models refuse it" in reasons[HOME, 23]


async def test_batch_of_one_poisonous_record_moves_the_position(world: World) -> None:
    await world.write(TOO_LONG)
    async with applying(world) as applier:
        await catch_up(world, applier)
        assert applier.positions[next(p for p in applier.positions if p == (EXECUTIONS.name, HOME))] == 1
    assert await world.rows("job_executions") == []


async def test_rows_wait_for_the_letters(world: World) -> None:
    await write_mixed(world)
    async with applying(world) as applier:
        world.log.fails_before = True
        with pytest.raises(LogUnavailable):
            await catch_up(world, applier)
        await catch_up(world, applier)
    assert await executions(world) == GOOD
    assert len(await world.letters()) == len(POISON)


async def test_letter_whose_append_ended_in_doubt_is_not_told_again(world: World) -> None:
    await write_mixed(world)
    async with applying(world) as applier:
        world.log.fails_after = True
        with pytest.raises(LogUnavailable):
            await catch_up(world, applier)
        told = len(await world.letters())
    assert told > 0
    async with applying(world) as successor:
        await catch_up(world, successor)
    assert len(await world.letters()) == len(POISON)
    assert await executions(world) == GOOD


async def test_applier_that_has_been_overtaken_tells_nothing(world: World) -> None:
    await world.log.append([NOT_JSON])
    async with applying(world) as zombie, applying(world) as owner:
        stale = await unread(world, zombie)
        await catch_up(world, owner)
        with pytest.raises(PositionsMoved):
            await zombie.apply(stale)
    assert len(await world.letters()) == 1


async def test_refused_row_of_another_table_is_found_as_well(world: World) -> None:
    too_long = job(2).model_copy(update={"definition": job(cron_expression="0 " * 200).definition})
    await world.write(changed(job()), changed(too_long), beat("a"), beat("b", pid=2**40), beat("c"))
    async with applying(world) as applier:
        await catch_up(world, applier)
    assert [row["id"] for row in await world.rows("scheduled_jobs", "id::text")] == [uuid_of(1)]
    assert [row["worker_id"] for row in await world.rows("workers", "worker_id")] == ["a", "c"]
    assert len(await world.letters()) == 2

"""What `horolog dev` shows: each execution that ended, once, however many there are, with bounded memory."""

import json
from datetime import timedelta

import pytest

from horolog.cli.devtable import BATCH_COUNT, SEEN_COUNT_MAX, Follower
from schemas.events.executions import ExecutionSkipped, Reason, TriggerType
from schemas.jobs import JobType
from tests.integration.projections.world import opened, project
from tests.unit.projections.facts import START, changed, event, job

COUNT = SEEN_COUNT_MAX + 2 * BATCH_COUNT + 7
JUST_BEFORE = START - timedelta(seconds=1)


def skipped(number: int) -> ExecutionSkipped:
    """An execution that never ran, so that it has no end of its own; many share one instant."""
    fields = {"trigger_type": TriggerType.SCHEDULED, "job_version": 1, "job_type": JobType.FUNCTION}
    return event(ExecutionSkipped, number, 1, number // 700, reason=Reason.OVERLAP, **fields)


async def test_all_that_ended_is_shown_once_and_memory_is_bounded(
    migrated_database: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(migrated_database) as world:
        await project(world, changed(job()), *map(skipped, range(1, COUNT + 1)))
    follower = Follower(migrated_database, JUST_BEFORE, as_json=True)
    for _ in range(COUNT // BATCH_COUNT + 3):
        await follower.finish()
    await follower.close()
    shown = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert len(shown) == len(set(shown)) == COUNT
    assert follower.remembered_count <= SEEN_COUNT_MAX


async def test_what_comes_out_of_order_is_shown_too(migrated_database: str, capsys: pytest.CaptureFixture[str]) -> None:
    follower = Follower(migrated_database, JUST_BEFORE, as_json=True)
    async with opened(migrated_database) as world:
        for number in (1400, 1):
            await project(world, changed(job()), skipped(number))
            await follower.finish()
    await follower.close()
    assert len(capsys.readouterr().out.splitlines()) == 2

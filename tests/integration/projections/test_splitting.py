"""However the records are cut into batches and the places are mixed, the same rows come out."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.log.port import Record
from schemas.base import Message
from schemas.events.executions import (
    AttemptDispatched,
    AttemptProgressed,
    AttemptStarted,
    CancellationRequested,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    LateResultRecorded,
    RetryScheduled,
)
from schemas.events.jobs import JobDeleted, JobUpdated
from tests.integration.projections.world import TABLES, Rows, World, applying, opened, unread
from tests.unit.projections.facts import (
    FAILURE,
    USAGE,
    accepted,
    admitted,
    at,
    beat,
    changed,
    checkpoint,
    event,
    job,
    outgoing,
    uuid_of,
)

WHY = {"trigger_type": "scheduled", "job_version": 1, "job_type": "function", "reason": "overlap"}
JOBS = (
    changed(job(), command=1),
    changed(job(version=2, seconds=5, name="two"), JobUpdated, command=2),
    changed(job(version=3, seconds=9).model_copy(update={"deleted": True}), JobDeleted),
)
REST: tuple[Message, ...] = (
    accepted(1, job_id=uuid_of(1), job_version=1),
    accepted(1),
    beat(seconds=2),
    beat(seconds=1),
    checkpoint(2),
    checkpoint(1, 9),
)


@st.composite
def attempts(draw: st.DrawFn, number: int) -> list[ExecutionEvent]:
    """The events of up to three attempts, all but the last retried; `seq` is put in later."""
    told: list[ExecutionEvent] = []
    count = draw(st.integers(1, 3))
    for attempt in range(1, count + 1):
        who: dict[str, Any] = {"attempt": attempt, "worker_id": f"w{attempt}"}
        told.append(event(AttemptDispatched, number, 0, **who))
        began = at(draw(st.integers(1, 50)))
        if started := draw(st.booleans()):
            told.append(event(AttemptStarted, number, 0, **who, started_at=began))
        for progress in draw(st.lists(st.integers(0, 100), max_size=2)):
            told.append(event(AttemptProgressed, number, 0, attempt=attempt, progress=progress))
        if draw(st.booleans()):
            told.append(event(LateResultRecorded, number, 0, attempt=attempt, worker_id="old", reported="x"))
        over = {**who, "started_at": began if started else None, "completed_at": at(60), "usage": USAGE}
        told.append(draw(st.sampled_from(_endings(number, over, last=attempt == count))))
    return told


def _endings(number: int, over: dict[str, Any], last: bool) -> Sequence[ExecutionEvent]:
    if not last:
        return [event(RetryScheduled, number, 0, **over, failure=FAILURE, retry_at=at(70))]
    return [
        event(ExecutionCompleted, number, 0, **over, result={"n": number}, metadata={"m": 1}),
        event(ExecutionFailed, number, 0, **over, failure=FAILURE, result=[1]),
        event(ExecutionCancelled, number, 0, **over, reason="requested", cancelled_by="user:1"),
        event(CancellationRequested, number, 0, attempt=1, reason="requested"),
    ]


@st.composite
def executions(draw: st.DrawFn, number: int) -> list[ExecutionEvent]:
    """One execution's events from its first, or from a later one when retention has taken the earlier."""
    if draw(st.integers(0, 9)) == 0:
        return [
            event(ExecutionMissed, number, 1, 0, job_version=1, job_type="function", missed_until=at(9), missed_count=9)
        ]
    if draw(st.integers(0, 4)) == 0:
        return [admitted(number), event(ExecutionSkipped, number, 2, 0, **WHY, blocked_by=uuid_of(9))]
    told = [admitted(number), *draw(attempts(number))]
    told = [one.model_copy(update={"seq": seq}) for seq, one in enumerate(told, 1)]
    late = event(LateResultRecorded, number, 0, attempt=1, worker_id="old", reported="x")
    gone = draw(st.sampled_from([0, 0, 0, 1, 2, 3]))
    return [*told, *[late] * draw(st.integers(0, 2))][gone:]


@st.composite
def histories(draw: st.DrawFn) -> list[Message]:
    """Several executions' events, mixed; with the job's changes, and one of everything else."""
    streams: list[list[Message]] = [list(draw(executions(number))) for number in range(1, draw(st.integers(2, 5)))]
    streams += [list(JOBS[: draw(st.integers(0, 3))]), list(REST)]
    turns = draw(st.permutations([i for i, stream in enumerate(streams) for _ in stream]))
    remaining = [iter(stream) for stream in streams]
    return [next(remaining[turn]) for turn in turns]


@given(st.data())
@settings(max_examples=60)
def _law(runner: asyncio.Runner, dsn: str, data: st.DataObject) -> None:
    history = data.draw(histories())
    cuts = data.draw(st.sets(st.integers(1, max(1, len(history) - 1)), max_size=8))
    whole, split = runner.run(_both(dsn, history, sorted(cuts)))
    assert split == whole


async def _both(dsn: str, history: Sequence[Message], cuts: Sequence[int]) -> tuple[dict[str, Rows], dict[str, Rows]]:
    async with opened(dsn) as world:
        await world.write(*history)
        return await _applied(world, history, ()), await _applied(world, history, cuts)


async def _applied(world: World, history: Sequence[Message], cuts: Sequence[int]) -> dict[str, Rows]:
    await world.eye.execute(f"truncate {', '.join(TABLES)}")
    async with applying(world) as applier:
        records = _in_order(await unread(world, applier), history)
        for start, end in zip([0, *cuts], [*cuts, len(records)], strict=True):
            if records[start:end]:
                await applier.apply(_by_place(records[start:end]))
    return await world.snapshot()


def _in_order(records: Sequence[Record], history: Sequence[Message]) -> list[Record]:
    """The records in the order in which the history has them, over all places."""
    waiting: dict[str, list[Record]] = {}
    for record in records:
        waiting.setdefault(record.topic, []).append(record)
    return [waiting[outgoing(message).topic].pop(0) for message in history]


def _by_place(records: Sequence[Record]) -> list[Record]:
    """As a reader gives them: the records of a place are contiguous."""
    return sorted(records, key=lambda record: (record.topic, record.partition, record.offset))


def test_batches_apart_lead_to_the_same_rows_as_all_in_one(migrated_database: str) -> None:
    with asyncio.Runner() as runner:
        _law(runner, migrated_database)


def test_history_of_a_job_ends_each_version_where_the_next_begins(migrated_database: str) -> None:
    async def versions(cuts: Sequence[int]) -> Rows:
        async with opened(migrated_database) as world:
            history = [JOBS[0], JOBS[2]]
            await world.write(*history)
            rows = (await _applied(world, history, cuts))["job_versions"]
        return [{name: row[name] for name in ("version", "valid_from", "valid_to")} for row in rows]

    with asyncio.Runner() as runner:
        whole, split = runner.run(versions(())), runner.run(versions([1]))
    assert whole == split
    assert sorted((row["version"], row["valid_from"], row["valid_to"]) for row in whole) == [
        (1, at(0), at(9)),
        (3, at(9), None),
    ]

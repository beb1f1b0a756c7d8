"""What the metrics are told of a batch: each fact once, however its events are spread over batches."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from projections.figures import UNKNOWN, Teller
from projections.fold import fold
from projections.writer import KnownStart
from schemas.base import Message
from schemas.events.executions import (
    AttemptDispatched,
    AttemptStarted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    RetryScheduled,
)
from schemas.jobs import JobType
from tests.unit.projections.facts import FAILURE, PARTITIONS, TENANT, admitted, at, changed, event, job, record
from tests.unit.projections.figures import Rows, Told

# Execution 1 is due at second 1.
RUN = {"worker_id": "w", "started_at": at(1.25), "completed_at": at(3)}
SECOND_RUN = {"worker_id": "w", "started_at": at(7), "completed_at": at(9)}
STARTED = event(AttemptStarted, 1, 3, attempt=1, worker_id="w", started_at=at(1.25))
COMPLETED = event(ExecutionCompleted, 1, 4, 0, attempt=1, **RUN)
RETRY = event(RetryScheduled, 1, 4, 0, attempt=1, **RUN, failure=FAILURE, retry_at=at(6))
SECOND_STARTED = event(AttemptStarted, 1, 5, attempt=2, worker_id="w", started_at=at(7))
FAILED = event(ExecutionFailed, 1, 6, 0, attempt=2, **SECOND_RUN, failure=FAILURE)
UNBEGUN = event(ExecutionCancelled, 1, 2, attempt=0, completed_at=at(3), reason="requested")
STRANGE = b'{"attempt":1,"at":"2026-03-01T12:00Z","scheduledFor":"2026-03-01T12:00Z","tenantId":"everybody"}'
WHY = {"job_version": 1, "job_type": "command"}


async def tell(teller: Teller, rows: Rows, *batch: Message) -> None:
    """Tell of a batch, as an applier does once it is committed."""
    folded = fold([record(message) for message in batch], PARTITIONS)
    assert folded.refusals == []
    asked = await teller.look_up(folded.events, rows)
    teller.tell(folded.events, folded.dispatches, asked)


async def told(*batches: Sequence[Message], rows: Rows | None = None) -> Told:
    """What was told of these batches."""
    figures = Told()
    teller = Teller(figures)
    for batch in batches:
        await tell(teller, rows or Rows(), *batch)
    return figures


@pytest.mark.parametrize("cut", range(5))
async def test_start_and_end_are_told_once_wherever_the_batches_end(cut: int) -> None:
    facts = [changed(job()), admitted(), STARTED, COMPLETED]
    figures = await told(facts[:cut], facts[cut:])
    assert figures == Told([], [0.25], [("function", "completed", 1)], [("function", 1.75)], {TENANT}, [2])


async def test_start_that_is_known_from_the_end_only_is_told_too() -> None:
    figures = await told([admitted()], [COMPLETED])
    assert figures.started == [0.25]


@pytest.mark.parametrize("has_started_event", [True, False])
async def test_only_the_first_attempt_tells_when_it_started_and_only_the_last_how_long_it_ran(
    has_started_event: bool,
) -> None:
    first, second = ([STARTED], [SECOND_STARTED]) if has_started_event else ([], [])
    figures = await told([admitted()], [*first, RETRY], [*second, FAILED])
    assert figures.started == [0.25]
    assert figures.over == [("function", "failed", 1)]
    assert figures.ran == [("function", 2)]
    # Due at second 1, its second attempt ended at 9.
    assert figures.finished == [8]


async def test_execution_that_never_began_tells_its_end_only() -> None:
    figures = await told([admitted()], [UNBEGUN])
    assert figures == Told(over=[("function", "cancelled", 1)], tenants={TENANT})


async def test_fires_that_did_not_run_are_told_with_their_number() -> None:
    skipped = event(ExecutionSkipped, 1, 1, 0, **WHY, trigger_type="scheduled", reason="paused")
    missed = event(ExecutionMissed, 2, 1, 0, **WHY, missed_until=at(9), missed_count=8)
    figures = await told([skipped, missed])
    assert figures.over == [("command", "skipped", 1), ("command", "missed", 8)]


@pytest.mark.parametrize(("known_started", "expected"), [(True, []), (False, [0.25])])
async def test_of_an_execution_admitted_before_the_rows_say_whether_its_start_was_told(
    known_started: bool, expected: list[float]
) -> None:
    rows = Rows({COMPLETED.execution_id: KnownStart(known_started, "http")})
    figures = await told([COMPLETED], rows=rows)
    assert figures.started == expected
    assert figures.over == [("http", "completed", 1)]


async def test_start_and_end_of_an_execution_admitted_before_are_told_once() -> None:
    before, after = Rows({STARTED.execution_id: KnownStart(False, "http")}), KnownStart(True, "http")
    assert (await told([STARTED, COMPLETED], rows=before)).started == [0.25]
    figures, teller = Told(), Teller(Told())
    teller.figures = figures
    await tell(teller, before, STARTED)
    await tell(teller, replace(before, known={STARTED.execution_id: after}), COMPLETED)
    assert figures.started == [0.25]
    assert figures.over == [("http", "completed", 1)]


async def test_job_that_nobody_knows_has_a_type_of_that_name() -> None:
    assert (await told([COMPLETED])).over == [(UNKNOWN, "completed", 1)]


async def test_nothing_is_asked_about_executions_whose_admission_was_seen() -> None:
    rows = Rows()
    await told([admitted(), STARTED], [RETRY], [FAILED], rows=rows)
    assert rows.asked_count == 0


async def test_memory_is_bounded_and_what_was_forgotten_is_asked() -> None:
    figures, rows = Told(), Rows({admitted(1).execution_id: KnownStart(True, "http")})
    teller = Teller(figures, open_count_max=2)
    await tell(teller, rows, admitted(1, job_type=JobType.HTTP), STARTED, admitted(2), admitted(3))
    await tell(teller, rows, COMPLETED)
    assert rows.asked_count == 1
    assert figures.started == [0.25]
    assert figures.over == [("http", "completed", 1)]


async def test_first_dispatch_is_told_and_later_ones_are_not() -> None:
    dispatches = [event(AttemptDispatched, 1, 2, 0.8, attempt=1, worker_id="w")]
    dispatches += [event(AttemptDispatched, 2, 2, 2.5, attempt=1, worker_id="w")]
    dispatches += [event(AttemptDispatched, 1, 5, 6, attempt=2, worker_id="w")]
    assert (await told(dispatches)).dispatched == [pytest.approx(-0.2), 0.5]


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b"7", b'{"attempt":1,"at":"soon"}', STRANGE, None])
async def test_dispatch_that_makes_no_sense_tells_nothing(value: bytes | None) -> None:
    good = record(event(AttemptDispatched, 1, 2, attempt=1, worker_id="w"))
    folded = fold([replace(good, value=value)], PARTITIONS)
    figures = Told()
    Teller(figures).tell(folded.events, folded.dispatches, {})
    assert figures == Told()

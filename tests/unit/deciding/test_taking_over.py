"""A successor comes to the same book, and decides the same, whenever it takes over; and the book keeps its limits."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import event, given, settings
from hypothesis import strategies as st

from horolog.domain.execution import Execution
from schemas.events.executions import AttemptDispatched, ExecutionAdmitted, ExecutionEnded, ExecutionSkipped
from schemas.jobs import JobDefinition, OverlapPolicy
from services.dispatcher.book import Book
from tests.unit.deciding.histories import JOBS, Owned, Step, asked, begun, definitions, histories
from tests.unit.deciding.kit import definition, fire, messages, uuid_of


def pictured(book: Book) -> dict[str, Execution]:
    """The executions as both owners see them; where the ledger ended when they began is each one's own business."""
    return {name: replace(execution, log_mark=0) for name, execution in book.executions.items()}


@settings(max_examples=300, deadline=None)
@given(definitions, histories, st.integers(1, 3), st.integers(0, 15))
def test_a_successor_decides_what_the_owner_would_have_decided(
    first: JobDefinition, history: list[Step], capacity: int, taken_at: int
) -> None:
    owned = begun(capacity, first)
    successor = None
    for number, step in enumerate(history):
        owned.now += timedelta(seconds=step.seconds)
        if number == min(taken_at, len(history) - 1):
            event(f"taken over with {min(len(owned.partition.book.executions), 6)} executions")
            successor = owned.successor()
        given, beat = asked(owned, step), owned.beat()
        partitions = [owned.partition] if successor is None else [owned.partition, successor]
        for partition in partitions:
            partition.note_beat(beat, owned.now)
        expected = None
        if successor is not None:
            twin = replace(owned, partition=successor, log={})
            expected = twin.turn(given)
        written = owned.turn(given)
        if successor is not None:
            assert messages(expected or []) == messages(written)
            assert pictured(successor.book) == pictured(owned.partition.book)
        if step.learns_end:
            owned.learn_end()


@settings(max_examples=200, deadline=None)
@given(definitions, histories, st.integers(1, 3))
def test_no_more_go_on_at_a_time_than_may_and_each_ends_once(
    first: JobDefinition, history: list[Step], capacity: int
) -> None:
    owned, going, ended = begun(capacity, first), dict[str, str](), Counter[str]()
    admitted = Counter[str]()
    for step in history:
        owned.now += timedelta(seconds=step.seconds)
        owned.partition.note_beat(owned.beat(), owned.now)
        for message in messages(owned.turn(asked(owned, step))):
            if isinstance(message, AttemptDispatched):
                limit = _limit(owned, message.job_id)
                going[message.execution_id] = message.job_id
                assert Counter(going.values())[message.job_id] <= limit
            elif isinstance(message, ExecutionAdmitted):
                admitted[message.execution_id] += 1
            elif isinstance(message, ExecutionEnded | ExecutionSkipped):
                going.pop(message.execution_id, None)
                ended[message.execution_id] += 1
    assert {*ended.values(), *admitted.values()} <= {1}


@settings(max_examples=200, deadline=None)
@given(definitions, histories, st.integers(1, 3))
def test_no_more_wait_than_the_policy_lets_wait(first: JobDefinition, history: list[Step], capacity: int) -> None:
    owned = begun(capacity, first)
    for step in history:
        owned.now += timedelta(seconds=step.seconds)
        owned.partition.note_beat(owned.beat(), owned.now)
        owned.turn(asked(owned, step))
        for number in JOBS:
            _hold_against_policy(owned, number)


def test_what_a_clock_that_was_ahead_had_admitted_keeps_its_place_and_waits_for_no_clock() -> None:
    queue = {"policy": "queueAll", "queueMax": 2}
    owned = begun(1, definition(overlap=queue))
    ahead = timedelta(seconds=15)
    owned.partition.note_beat(owned.beat(), owned.now)
    owned.turn([fire(100, 50)])
    owned.now += ahead
    owned.turn([fire(101, 51), fire(102, 52)])
    owned.now += timedelta(seconds=3) - ahead
    owned.partition = owned.successor()
    written = messages(owned.turn([fire(103, 53)]))
    skipped = [message.execution_id for message in written if isinstance(message, ExecutionSkipped)]
    line = owned.partition.book.line(uuid_of(1))
    assert line is not None
    assert skipped == [uuid_of(53)]
    assert list(line.timely) == [uuid_of(51), uuid_of(52)]


def _limit(owned: Owned, job_id: str) -> int:
    job = owned.partition.book.jobs.get(job_id)
    # A limit that was lowered holds for what begins from then on.
    line = owned.partition.book.line(job_id)
    assert job is not None
    return max(job.definition.max_concurrent, len(line.going) if line is not None else 0)


def _hold_against_policy(owned: Owned, number: int) -> None:
    book, job = owned.partition.book, owned.job(number)
    line = book.line(uuid_of(number))
    if job is None or line is None:
        return
    policy = job.definition.overlap
    allowed = {OverlapPolicy.SKIP: 0, OverlapPolicy.QUEUE_ALL: policy.queue_max}.get(policy.policy, 1)
    held_up = line.going_late_count
    waiting = [
        execution
        for execution in (book.executions[name] for name in line.timely)
        if execution.stage.value == "waiting" and execution.due_at <= owned.now
        if execution.trigger_type.value == "scheduled"
    ]
    assert len(waiting) <= allowed + held_up

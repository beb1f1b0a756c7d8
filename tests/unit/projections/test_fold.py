"""A batch of records comes to one change for each row, and to a reason for each record that is none of ours."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from horolog.log.port import Record
from projections.fold import SOURCES, fold
from projections.rows import Changes
from schemas.events.executions import AttemptDispatched, AttemptStarted, ExecutionCompleted
from schemas.events.jobs import JobTabled
from schemas.events.owners import CommandRejected
from schemas.registry import MESSAGES_OF_TOPIC
from schemas.topics import CHECKPOINTS, EXECUTIONS, partition_of
from tests.unit.projections.facts import (
    HOME,
    OTHER_TENANT,
    PARTITIONS,
    START,
    TENANT,
    accepted,
    admitted,
    at,
    beat,
    changed,
    checkpoint,
    event,
    job,
    outgoing,
    record,
    uuid_of,
)
from tests.unit.schemas.goldens import all_samples

INBOX = partition_of("a", PARTITIONS)
FOREIGN_JOB = changed(job()).model_copy(update={"job": job(tenant=OTHER_TENANT)})
REJECTED = CommandRejected(
    tenant_id=TENANT, command_id=uuid_of(8), at=START, code="NO", message="no", details={"why": 1}
)


def changes(*records: Record) -> Changes:
    folded = fold(records, PARTITIONS)
    assert folded.refusals == []
    return folded.changes


def reason(refused: Record) -> str:
    folded = fold([refused], PARTITIONS)
    assert folded.changes == Changes(
        executions=[],
        jobs=[],
        versions=[],
        begun=[],
        outcomes=[],
        workers=[],
        owners=[],
        tenants=[],
        tenant_changes=[],
        windows=[],
    )
    (refusal,) = folded.refusals
    assert refusal.record is refused
    return refusal.reason


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (replace(record(admitted()), value=b"{"), "the value breaks its type's rules"),
        (replace(record(admitted()), value=b"\xff\x00"), "the value breaks its type's rules"),
        (replace(record(admitted()), value=None), "the record has no value"),
        (replace(record(admitted()), value=b" " * 1_000_001), "more than the 1000000 allowed"),
        (replace(record(admitted()), headers=()), "the record has no ce_type header"),
        (replace(record(admitted()), headers=(("ce_type", b"io.horolog.new.v9"),)), "'io.horolog.new.v9' is unknown"),
        (replace(record(changed(job())), topic=EXECUTIONS.name), "does not belong on the topic"),
        (replace(record(JobTabled(tenant_id=TENANT, job=job())), topic=EXECUTIONS.name), "does not belong"),
        (record(admitted(), partition=(HOME + 1) % PARTITIONS), f"belongs to partition {HOME}"),
        (record(changed(job()), partition=(HOME + 1) % PARTITIONS), f"belongs to partition {HOME}"),
        (record(accepted(1), partition=(HOME + 1) % PARTITIONS), f"belongs to partition {HOME}"),
        (record(FOREIGN_JOB, partition=HOME), "about another job"),
        (record(beat("a"), partition=(INBOX + 1) % PARTITIONS), f"the inbox of worker a is partition {INBOX}"),
        (record(beat("a", inbox=INBOX + 1), partition=INBOX), f"is partition {INBOX}, not {INBOX + 1}"),
        (record(checkpoint(), partition=(HOME + 1) % PARTITIONS), f"the checkpoint is of partition {HOME}"),
        (replace(record(checkpoint()), key=b"dispatcher"), "of the role 'ticker', but its key is another's"),
    ],
)
def test_record_that_is_none_of_ours_is_refused_with_the_reason(refused: Record, why: str) -> None:
    assert why in reason(refused)


def test_refusal_leaves_the_rest_of_the_batch_alone() -> None:
    poison = replace(record(admitted(2), 1), value=b"not json")
    folded = fold([record(admitted(1), 0), poison, record(admitted(3), 2)], PARTITIONS)
    assert [row.id for row in folded.changes.executions] == [uuid_of(1001), uuid_of(1003)]
    assert [refusal.record for refusal in folded.refusals] == [poison]


def test_tombstone_in_a_compacted_topic_says_nothing() -> None:
    assert changes(replace(record(checkpoint()), value=None)).owners == []
    assert CHECKPOINTS.compacted


def test_dispatch_changes_no_row() -> None:
    assert changes(record(event(AttemptDispatched, 1, 2, attempt=1, worker_id="w"))).executions == []


def test_first_outcome_of_a_command_counts() -> None:
    again = accepted(1, job_id=uuid_of(5))
    (row,) = changes(record(accepted(1, job_id=uuid_of(4), job_version=1)), record(again)).outcomes
    assert (row.accepted, row.job_id, row.job_version) == (True, uuid_of(4), 1)


def test_rejection_keeps_its_code_message_and_details() -> None:
    (row,) = changes(record(REJECTED)).outcomes
    assert (row.accepted, row.code, row.message, row.details) == (False, "NO", "no", '{"why":1}')


def test_newest_beat_of_a_worker_counts() -> None:
    (row,) = changes(record(beat(seconds=2, running_count=2)), record(beat(seconds=1, running_count=1))).workers
    assert (row.last_beat_at, row.running_count, row.state) == (at(2), 2, "ready")


def test_newest_owner_of_a_partition_counts_and_its_last_word() -> None:
    told = [checkpoint(2, 1), checkpoint(1, 5), checkpoint(2, 3, positions={"a": 1}, watermark=at(3))]
    (row,) = changes(*map(record, told)).owners
    assert (row.epoch, row.last_checkpoint_at, row.positions, row.watermark) == (2, at(3), '{"a":1}', at(3))


def test_commands_that_take_effect_are_named_once() -> None:
    told = [accepted(1), changed(job(1), command=1), changed(job(2), command=2), changed(job(3)), REJECTED]
    assert set(changes(*map(record, told)).applied) == {uuid_of(1), uuid_of(2), uuid_of(8)}
    assert len(changes(*map(record, told)).applied) == 3


def test_every_type_on_the_topics_of_the_read_side_has_a_rule() -> None:
    known = {model for topic in SOURCES for model in MESSAGES_OF_TOPIC[topic]}
    sampled = [message for message in all_samples() if type(message) in known]
    assert {type(message) for message in sampled} == known
    for message in sampled:
        fold([record(message)], PARTITIONS)


@given(st.lists(st.integers(0, 7), max_size=40))
def test_records_told_again_within_a_batch_change_nothing(order: list[int]) -> None:
    started = event(AttemptStarted, 1, 2, attempt=1, worker_id="w", started_at=at(1))
    ended = event(ExecutionCompleted, 1, 3, attempt=1, started_at=at(1), completed_at=at(2))
    told = [changed(job()), changed(job(version=2, name="b")), accepted(1), checkpoint(), beat()]
    records = [record(message) for message in (*told, admitted(), started, ended)]
    whole = fold(records, PARTITIONS)
    again = fold([*records, *(records[i] for i in order)], PARTITIONS)
    # The audit trail tells of every record that there is.
    assert len(again.changes.audit) == len(whole.changes.audit) + sum(i < 2 for i in order)
    assert replace(again, changes=replace(again.changes, audit=whole.changes.audit)) == whole


def test_facts_are_written_where_their_tenant_is_at_home() -> None:
    assert outgoing(admitted()).partition == HOME

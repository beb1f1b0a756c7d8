"""Records are read into facts; what concerns nobody here, or makes no sense, is passed over."""

from dataclasses import replace
from typing import Any

from horolog.domain.notifications.facts import KnownTenant
from horolog.domain.notifications.rules import Kind
from projections.notifications.reading import SUSPENDED, read, suspensions
from schemas.events.executions import (
    AttemptStarted,
    ExecutionCancelled,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    RetryScheduled,
    TriggerType,
)
from schemas.events.jobs import JobExhausted, JobPaused
from schemas.jobs import JobType
from tests.unit.projections.facts import (
    FAILURE,
    PARTITIONS,
    START,
    TENANT,
    admitted,
    at,
    changed,
    event,
    job,
    record,
    uuid_of,
)

ENDED: dict[str, Any] = {"attempt": 1, "worker_id": "w", "started_at": at(1), "completed_at": at(2)}
MADE: dict[str, Any] = {"job_version": 1, "job_type": JobType.FUNCTION}


def test_ends_starts_and_omissions_are_facts() -> None:
    events = [
        event(ExecutionFailed, 1, 3, failure=FAILURE, **ENDED),
        event(ExecutionCompleted, 2, 3, **ENDED),
        event(AttemptStarted, 3, 2, attempt=1, worker_id="w", started_at=at(63)),
        event(ExecutionMissed, 4, 1, missed_until=at(64), missed_count=2, **MADE),
        event(ExecutionSkipped, 5, 1, trigger_type=TriggerType.SCHEDULED, reason="quota", **MADE),
    ]
    facts = read([record(one, offset) for offset, one in enumerate(events)], PARTITIONS).facts
    assert [fact.kind for fact in facts] == [Kind.FAILED, Kind.RECOVERED, Kind.LATE, Kind.MISSED, Kind.QUOTA]
    assert [facts[0].cause, facts[2].late_s, facts[3].missed_count] == ["TIMED_OUT", 60.0, 2]
    assert facts[0].id == events[0].message_id()


def test_other_reasons_later_attempts_and_starts_in_time_are_none() -> None:
    events = [
        admitted(),
        event(ExecutionSkipped, 1, 1, trigger_type=TriggerType.SCHEDULED, reason="overlap", **MADE),
        event(AttemptStarted, 2, 2, attempt=2, worker_id="w", started_at=at(63)),
        event(AttemptStarted, 3, 2, attempt=1, worker_id="w", started_at=at(3)),
    ]
    assert read([record(one, offset) for offset, one in enumerate(events)], PARTITIONS).facts == []


def test_a_late_start_that_only_the_end_of_the_attempt_tells_is_a_fact_beside_the_end() -> None:
    short = {**ENDED, "started_at": at(63), "tells_start": True}
    events = [
        event(ExecutionFailed, 1, 3, 64, failure=FAILURE, **short),
        event(ExecutionCompleted, 2, 3, 64, **short),
        event(RetryScheduled, 3, 3, 64, failure=FAILURE, retry_at=at(70), **short),
        event(ExecutionCancelled, 4, 3, 64, reason="stopped", **short),
    ]
    found = [read([record(one)], PARTITIONS).facts for one in events]
    late = [fact for facts in found for fact in facts if fact.kind is Kind.LATE]
    assert [(fact.execution_id, fact.late_s) for fact in late] == [(uuid_of(1000 + n), 63.0 - n) for n in range(1, 5)]
    assert [[fact.kind for fact in facts] for facts in found[:2]] == [
        [Kind.LATE, Kind.FAILED],
        [Kind.LATE, Kind.RECOVERED],
    ]
    assert len({fact.id for facts in found for fact in facts}) == 6


def test_an_end_whose_start_was_told_or_was_of_a_later_attempt_or_in_time_is_not_late() -> None:
    ends: list[dict[str, Any]] = [
        {"started_at": at(63)},
        {"started_at": at(63), "tells_start": True, "attempt": 2},
        {"started_at": at(1), "tells_start": True},
    ]
    events = [event(ExecutionCompleted, 1, 3, 64, **{**ENDED, **fields}) for fields in ends]
    kinds = [fact.kind for one in events for fact in read([record(one)], PARTITIONS).facts]
    assert kinds == [Kind.RECOVERED] * 3


def test_jobs_are_known_before_what_happened_to_them_and_told_when_they_end() -> None:
    failed = event(ExecutionFailed, 1, 3, failure=FAILURE, **ENDED)
    later = job(version=2, seconds=9, tags=("billing",))
    found = read([record(failed), record(changed(job())), record(changed(later, JobPaused), 1)], PARTITIONS)
    assert [fact.kind for fact in found.facts] == [Kind.DISABLED, Kind.FAILED]
    assert found.facts[0].cause == "paused"
    assert list(found.jobs[later.job_id].tags) == ["billing"]
    exhausted = read([record(changed(later, JobExhausted))], PARTITIONS).facts
    assert [fact.cause for fact in exhausted] == ["exhausted"]


def test_record_of_another_partition_or_without_sense_is_passed_over() -> None:
    failed = record(event(ExecutionFailed, 1, 3, failure=FAILURE, **ENDED))
    strange = [replace(failed, partition=(failed.partition + 1) % PARTITIONS), replace(failed, value=b"{")]
    assert read([*strange, replace(failed, value=None)], PARTITIONS).facts == []


def test_suspension_is_a_fact_once_until_the_tenant_is_resumed() -> None:
    def known(version: int, is_suspended: bool) -> KnownTenant:
        return KnownTenant(TENANT, version, is_suspended, START)

    changes = [known(2, True), known(3, True), known(4, False), known(5, True)]
    told = suspensions({TENANT: known(1, False)}, changes)
    assert [(fact.id, fact.cause) for fact in told] == [(f"{TENANT}/{version}", SUSPENDED) for version in (2, 5)]
    assert suspensions({TENANT: known(5, True)}, changes) == []

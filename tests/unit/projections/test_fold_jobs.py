"""Job changes become the latest row of each job, and one row for each version."""

from datetime import UTC, datetime
from typing import Any

import pytest

from projections.fold_jobs import fold_jobs, fold_versions, next_execution_at
from schemas.events.jobs import JobDeleted, JobPaused, JobUpdated
from schemas.jobs import Job, JobStatus
from tests.unit.projections.facts import START, at, changed, job, uuid_of


def with_(after: Job, **changes: object) -> Job:
    return after.model_copy(update=changes)


def test_latest_version_is_the_row_whatever_comes_after_it() -> None:
    changes = [changed(job(version=2, name="new"), JobUpdated), changed(job(version=1, name="old"))]
    (row,) = fold_jobs(changes)
    assert (row.version, row.name) == (2, "new")


def test_rows_are_in_the_order_of_ids() -> None:
    assert [row.id for row in fold_jobs([changed(job(2)), changed(job(1))])] == [uuid_of(1), uuid_of(2)]


def test_active_job_has_its_next_instant_after_it_took_effect() -> None:
    (row,) = fold_jobs([changed(with_(job(), effective_from=at(3600)))])
    assert row.next_execution_at == at(7200)


@pytest.mark.parametrize("changes", [{"status": JobStatus.PAUSED}, {"status": JobStatus.INACTIVE}, {"deleted": True}])
def test_job_that_owes_nothing_has_no_next_instant(changes: dict[str, object]) -> None:
    (row,) = fold_jobs([changed(with_(job(), **changes), JobPaused)])
    assert row.next_execution_at is None


def test_deleted_job_keeps_its_row_with_the_instant_of_its_end() -> None:
    (row,) = fold_jobs([changed(with_(job(version=2, seconds=9), deleted=True), JobDeleted)])
    assert row.deleted_at == at(9)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({}, at(3600)),
        ({"start_date": at(7200)}, at(7200)),
        ({"start_date": at(7200.5)}, at(10_800)),
        ({"end_date": at(3600)}, at(3600)),
        ({"end_date": at(3599)}, None),
        ({"timezone": "Asia/Kolkata"}, at(1800)),
        ({"timezone": "Nowhere/Else"}, None),
        ({"cron_expression": "not one"}, None),
        ({"cron_expression": "0 0 0 30 2 *"}, None),
        ({"cron_expression": "0 0 0 1 1 *"}, datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_next_instant_is_within_the_window(definition: dict[str, Any], expected: datetime | None) -> None:
    assert next_execution_at(job(**definition).definition, START) == expected


def test_every_version_has_a_row_and_the_first_telling_counts() -> None:
    changes = [
        changed(job(version=1), command=7, reason="first"),
        changed(job(version=2), JobUpdated, before=job(version=1)),
        changed(job(version=2), JobUpdated, reason="told again"),
    ]
    first, second = fold_versions(changes)
    assert (first.version, first.command_id, first.reason) == (1, uuid_of(7), "first")
    assert (second.version, second.change, second.reason) == (2, JobUpdated.TYPE, None)

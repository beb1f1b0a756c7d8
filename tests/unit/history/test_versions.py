"""What versions differ in, and the jobs as they were: folded from changes, in whatever order these come."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from horolog.domain.history import change_name, differences, existing, note_change
from schemas.events.jobs import JobCreated, JobDeleted, JobUpdated
from schemas.jobs import HttpConfig, Job, JobStatus, JobType, RetryConfig
from tests.unit.projections.facts import START, at, changed, job


def web(**config: Any) -> Job:
    fields = {"url": "http://a", "method": "POST", **config}
    return job(job_type=JobType.HTTP, config=HttpConfig.model_validate(fields))


def found(before: Job, after: Job) -> list[tuple[str, Any, Any]]:
    return [(each.path, each.before, each.after) for each in differences(before, after)]


def test_a_first_version_differs_from_nothing() -> None:
    assert differences(None, job()) == ()


def test_the_same_definition_differs_in_nothing_whatever_its_version() -> None:
    assert found(job(), job(version=9, seconds=60)) == []


def test_fields_are_named_by_pointers_in_order() -> None:
    before, after = job(tags=("a",)), job(tags=("a", "b"), timeout=7, retry_config=RetryConfig(max_retries=1))
    paths = [path for path, _, _ in found(before, after)]
    assert paths == ["/retryConfig", "/tags", "/timeout"]
    assert found(before, after)[1:] == [("/tags", ["a"], ["a", "b"]), ("/timeout", 300, 7)]
    assert found(after, before)[0] == ("/retryConfig", RetryConfig(max_retries=1).to_dict(), None)


def test_names_with_signs_of_the_pointer_are_escaped() -> None:
    assert found(web(body={"a/b~c": 1}), web(body={"a/b~c": 2})) == [("/config/body/a~1b~0c", 1, 2)]


@pytest.mark.parametrize(("before", "after"), [(1, True), (0, False), (1, 1.0), ([True], [1]), ({}, [])])
def test_values_that_only_python_takes_for_equal_differ(before: Any, after: Any) -> None:
    assert found(web(body={"a": before}), web(body={"a": after})) == [("/config/body/a", before, after)]


def test_a_null_in_a_body_is_not_nothing() -> None:
    assert found(web(body={"a": None}), web(body={})) == [("/config/body/a", None, None)]


def test_state_and_deletion_are_differences() -> None:
    gone = job().model_copy(update={"status": JobStatus.INACTIVE, "deleted": True})
    assert found(job(), gone) == [("/deleted", False, True), ("/status", "active", "inactive")]


def test_jobs_are_as_of_an_instant_in_whatever_order_changes_come() -> None:
    changes = [
        changed(job(1, 1, seconds=10)),
        changed(job(1, 2, seconds=20, name="renamed"), JobUpdated),
        changed(job(2, 1, seconds=15)),
        changed(job(2, 2, seconds=30).model_copy(update={"deleted": True}), JobDeleted),
    ]
    for order in permutations([*changes, changes[0]]):
        seen = list[list[tuple[str, int]]]()
        for seconds in (9, 10, 19.9, 20, 30):
            jobs: dict[str, Job] = {}
            for change in order:
                note_change(jobs, change, at(seconds))
            seen.append([(each.definition.name, each.version) for each in existing(jobs)])
        both = [("job 1", 1), ("job 2", 1)]
        assert seen == [[], both[:1], both, [("renamed", 2), both[1]], [("renamed", 2)]]


def test_the_higher_version_holds_where_a_clock_was_set_back() -> None:
    jobs: dict[str, Job] = {}
    for change in (changed(job(1, 1, seconds=10)), changed(job(1, 2, seconds=9), JobUpdated)):
        note_change(jobs, change, START + timedelta(seconds=9))
    assert [each.version for each in existing(jobs)] == [2]


def test_a_change_is_named_by_its_type() -> None:
    assert (change_name(JobCreated.TYPE), change_name("strange")) == ("created", "strange")

"""The plan holds what differs and nothing else, and guesses nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.applying.differences import ABSENT, differences, same
from horolog.cli.applying.job_files import WantedJob
from horolog.cli.applying.plan import Plan, PresentJob, Rules, plan
from horolog.cli.applying.report import plan_lines, step_body, summary
from schemas.jobs import JobDefinition
from tests.unit.cli.applying.definitions import bodies, body, job_id, present, stored

SECRET = {"command": "df", "environment": {"PASSWORD": "hunter2"}}
MASKED = {"command": "df", "environment": {"PASSWORD": "********"}}


def _wanted(*entries: dict[str, Any]) -> tuple[WantedJob, ...]:
    return tuple(
        WantedJob(f"a.yaml:{number}", entry.pop("id", None), entry["name"], JobDefinition.read(entry).to_dict())
        for number, entry in enumerate((dict(entry) for entry in entries), 1)
    )


def _plan(wanted: list[dict[str, Any]], there: list[PresentJob], **rules: Any) -> Plan:
    return plan(_wanted(*wanted), there, Rules(**rules))


def _kinds(found: Plan) -> list[tuple[str, str]]:
    assert found.problems == ()
    return [(step.kind, step.name) for step in found.steps]


def test_a_new_job_is_created_a_different_one_changed_and_the_same_left_alone() -> None:
    there = [present(1, name="same"), present(2, version=4, name="different", priority=3), present(3, name="other")]
    found = _plan([body(name="new"), body(name="same"), body(name="different")], there)
    assert _kinds(found) == [("create", "new"), ("unchanged", "same"), ("change", "different")]
    change = found.steps[2]
    assert (change.job_id, change.version, change.place) == (job_id(2), 4, "a.yaml:3")
    assert [one.to_dict() for one in change.differences] == [{"field": "priority", "before": 3, "after": 0}]
    assert summary(found) == "1 to create, 1 to change, 1 unchanged."


def test_defaults_written_out_and_left_out_are_the_same() -> None:
    written = body(timezone="UTC", timeout=300, tags=[], misfire={"policy": "latest"}, description=None)
    assert _kinds(_plan([written], [present()])) == [("unchanged", "disk")]


def test_an_instant_is_compared_as_an_instant() -> None:
    there = [present(startDate="2026-03-01T00:00:00Z")]
    assert _kinds(_plan([body(startDate="2026-03-01T01:00:00+01:00")], there)) == [("unchanged", "disk")]


def test_an_id_finds_its_job_whatever_its_name() -> None:
    found = _plan([{"id": job_id(1), **body(name="renamed")}], [present(1)])
    assert [one.to_dict() for one in found.steps[0].differences] == [
        {"field": "name", "before": "disk", "after": "renamed"}
    ]


@pytest.mark.parametrize(
    ("entries", "there", "said"),
    [
        ([{"id": job_id(9), **body()}], [present(1)], "which no job has"),
        ([body()], [present(1), present(2)], f"is the name of 2 jobs; say which is meant by its id: {job_id(1)}"),
        ([body(), {"id": job_id(1), **body(name="b")}], [present(1)], "the same job as the one at a.yaml:2"),
        ([body(jobType="command", config=MASKED)], [], "config.environment.PASSWORD is the mask"),
        ([body(jobType="command", config=MASKED)], [present(1)], "config.environment.PASSWORD is the mask"),
    ],
)
def test_what_cannot_be_told_is_a_problem_and_no_step(
    entries: list[dict[str, Any]], there: list[PresentJob], said: str
) -> None:
    found = _plan([body(name="good"), *entries], there)
    assert found.steps == ()
    assert said in found.problems[0]


def test_a_set_marks_its_jobs_and_prunes_only_these() -> None:
    there = [present(1, tags=["a", "applied:ours"]), present(2, name="gone", version=7, tags=["applied:ours"])]
    there += [present(3, name="by hand"), present(4, name="of others", tags=["applied:theirs"])]
    found = _plan([body(tags=["a"]), body(name="by hand")], there, set_name="ours", prune=True)
    assert _kinds(found) == [("unchanged", "disk"), ("change", "by hand"), ("delete", "gone")]
    assert (found.steps[2].job_id, found.steps[2].version) == (job_id(2), 7)
    assert found.steps[1].differences[0].after == ["applied:ours"]
    assert _kinds(_plan([body(tags=["a"])], there, set_name="ours")) == [("unchanged", "disk")]


def test_without_a_set_marks_are_left_as_they_are() -> None:
    assert _kinds(_plan([body()], [present(1, tags=["applied:ours"])])) == [("unchanged", "disk")]


def test_a_job_of_another_set_is_not_taken() -> None:
    found = _plan([body()], [present(1, tags=["applied:theirs"])], set_name="ours")
    assert "belongs to another set (applied:theirs)" in found.problems[0]


def test_a_job_without_room_for_the_mark_is_a_problem() -> None:
    found = _plan([body(tags=[str(number) for number in range(20)])], [], set_name="ours")
    assert "no room" in found.problems[0]


def test_a_mask_keeps_the_value_that_the_job_has() -> None:
    there = [present(1, jobType="command", config=MASKED)]
    assert _kinds(_plan([body(jobType="command", config=MASKED)], there)) == [("unchanged", "disk")]


def test_a_secret_value_is_left_alone_or_sent_and_never_shown() -> None:
    there, wanted = [present(1, jobType="command", config=MASKED)], [body(jobType="command", config=SECRET)]
    kept = _plan(wanted, there)
    assert _kinds(kept) == [("unchanged", "disk")]
    assert kept.steps[0].kept == ("config.environment.PASSWORD",)
    for found in (_plan(wanted, there, send_secrets=True), _plan(wanted, [])):
        (step,) = found.changes()
        assert step.body is not None
        assert step.body["config"]["environment"] == {"PASSWORD": "hunter2"}
        told = [*plan_lines(found, with_fields=True), str(step_body(step))]
        assert "hunter2" not in "".join(told)
        assert "(a secret value)" in "".join(told)


def test_a_new_type_of_job_changes_the_fields_of_its_config() -> None:
    found = _plan([body(jobType="command", config={"command": "df"})], [present(1)])
    fields = {one.field: (one.before, one.after) for one in found.steps[0].differences}
    assert fields["config.command"] == (ABSENT, "df")
    assert fields["config.url"] == ("https://example.org/run", ABSENT)
    lines = list(plan_lines(found, with_fields=True))
    assert "    + config.command: df" in lines
    assert "    ~ jobType: http → command" in lines


def test_truth_values_are_no_numbers_and_numbers_are_compared_by_value() -> None:
    assert same({"a": [1, 2.0]}, {"a": [1.0, 2]})
    assert not same(1, True)
    assert not same([0], [False])
    assert differences({"a": {"b": 1}}, {"a": {"b": True}})[0].field == "a.b"


@settings(max_examples=150, database=None, deadline=None)
@given(wanted=st.lists(bodies(), max_size=4, unique_by=lambda entry: entry["name"]))
def test_what_was_applied_is_unchanged_the_second_time(wanted: list[dict[str, Any]]) -> None:
    first = _plan(wanted, [], set_name="ours")
    assert all(step.kind == "create" for step in first.steps)
    there = [stored(JobDefinition.read(step.body), number) for number, step in enumerate(first.steps)]
    again = _plan(wanted, there, set_name="ours", prune=True)
    assert again.problems == ()
    assert again.changes() == ()

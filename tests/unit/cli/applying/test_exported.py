"""An export is what a person chose, the same each time, and applied elsewhere it is the same file again."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from horolog.cli.applying.exported import exported
from horolog.cli.applying.job_files import Source, read_jobs
from horolog.cli.applying.plan import PresentJob, Rules, plan
from horolog.cli.problems import CliProblem
from schemas.jobs import JobDefinition
from tests.unit.cli.applying.definitions import bodies, job_id, present, stored


def _applied_elsewhere(text: str, set_name: str | None = None) -> list[PresentJob]:
    """The jobs of a tenant that had none, once the file was applied to it."""
    wanted = read_jobs([Source("jobs.yaml", text)])
    assert wanted.problems == ()
    steps = plan(wanted.jobs, [], Rules(set_name)).steps
    return [stored(JobDefinition.read(step.body), 100 + number) for number, step in enumerate(steps)]


def test_only_what_was_chosen_is_written_by_name() -> None:
    jobs = [present(1, name="b", priority=4, tags=["x", "applied:ours"]), present(2, name="a", misfire={"rate": 2})]
    assert exported(jobs).text == (
        "# Jobs of Horolog, for `horolog apply -f`; docs/apply.md says how to read them.\n"
        "jobs:\n"
        "  - name: a\n"
        '    cronExpression: "0 * * * * *"\n'
        "    jobType: http\n"
        "    config:\n"
        '      url: "https://example.org/run"\n'
        "      method: GET\n"
        "    misfire:\n"
        "      rate: 2.0\n"
        "  - name: b\n"
        '    cronExpression: "0 * * * * *"\n'
        "    jobType: http\n"
        "    config:\n"
        '      url: "https://example.org/run"\n'
        "      method: GET\n"
        "    priority: 4\n"
        "    tags:\n"
        "      - x\n"
    )
    assert exported([present(1, tags=["applied:ours"])]).text == exported([present(1)]).text


def test_the_order_of_the_jobs_does_not_matter() -> None:
    jobs = [present(1, name="b"), present(2, name="a")]
    assert exported(jobs) == exported(jobs[::-1])


def test_what_a_file_cannot_say_is_told_beside_it() -> None:
    config = {"command": "df", "environment": {"A": "********", "B": "secret://b"}}
    found = exported([present(1, status="paused", jobType="command", config=config)])
    assert found.notes == (
        "disk: config.environment.A is kept secret: a new job needs secret://name there",
        "disk: is paused, which a file does not say: a new job is active",
    )
    assert '        A: "********"\n        B: "secret://b"\n' in found.text
    wanted = read_jobs([Source("jobs.yaml", found.text)])
    assert "config.environment.A is the mask" in plan(wanted.jobs, [], Rules()).problems[0]
    assert plan(wanted.jobs, [present(1, jobType="command", config=config)], Rules()).changes() == ()


def test_comments_tell_what_the_server_made_if_they_are_wanted() -> None:
    found = exported([present(1, version=3, tags=["applied:ours"])], annotate=True)
    assert f"jobs:\n  # id {job_id(1)}, version 3, active, applied:ours\n  - name: disk\n" in found.text


def test_jobs_that_share_a_name_are_written_with_their_ids() -> None:
    jobs = [present(1), present(2, priority=3)]
    found = exported(jobs)
    assert [document["id"] for document in found.documents] == [job_id(1), job_id(2)]
    wanted = read_jobs([Source("jobs.yaml", found.text)])
    assert plan(wanted.jobs, jobs, Rules()).changes() == ()


def test_a_job_of_a_newer_server_is_not_half_written() -> None:
    job = PresentJob(job_id(1), "disk", 1, "active", {**present().body, "timeout": "soon"})
    with pytest.raises(CliProblem) as caught:
        exported([job])
    assert "disk" in caught.value.message


@settings(max_examples=150, database=None, deadline=None)
@given(made=st.lists(bodies(), max_size=4, unique_by=lambda entry: entry["name"]), marked=st.booleans())
def test_export_apply_and_export_give_the_same_bytes(made: list[dict[str, Any]], marked: bool) -> None:
    jobs = [stored(JobDefinition.read(entry), number) for number, entry in enumerate(made)]
    text = exported(jobs).text
    assert exported(_applied_elsewhere(text, "ours" if marked else None)).text == text

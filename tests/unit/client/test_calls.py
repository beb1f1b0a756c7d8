"""Each operation asks for the right thing, and its answer is a frozen model; newer fields are no obstacle."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from horolog.client import definition_of, executions, function_job, http_job, jobs, output_of
from horolog.client.calls import Call, Wish
from horolog.client.errors import NotTheApi, StillGoing
from horolog.client.executions import ExecutionFilter
from horolog.client.jobs import JobFilter, command_job
from schemas.http import ExecutionResponse, JobResponse
from schemas.jobs import JobDefinition, JobStatus
from services.api.examples import EXAMPLES
from tests.unit.client.playing import Play, Time, play, reply, terms

AT = datetime(2026, 3, 1, tzinfo=UTC)
JOB: dict[str, Any] = EXAMPLES["JobResponse"]
EXECUTION: dict[str, Any] = EXAMPLES["ExecutionResponse"]
DEFINITION = function_job("month end", "0 0 2 1 * *", "billing.close_month", {"region": "eu"})
WISH = Wish("mine", 4)


def asked(call: Call[Any], body: Any) -> Play[Any]:
    played = play(call(terms()), [reply(200, body)])
    assert played.error is None
    return played


@pytest.mark.parametrize(
    ("call", "answer", "request_line", "body"),
    [
        (jobs.create_job(DEFINITION), "JobResponse", "POST /jobs", DEFINITION.to_dict()),
        (jobs.get_job("a/b", as_of=AT), "JobResponse", "GET /jobs/a%2Fb?asOf=2026-03-01T00:00:00+00:00", None),
        (jobs.update_job("j", {"name": "x"}, version=4), "JobResponse", "PUT /jobs/j", {"name": "x"}),
        (jobs.pause_job("j", reason="why"), "JobResponse", "POST /jobs/j/pause", {"reason": "why"}),
        (jobs.resume_job("j", catch_up=True), "JobResponse", "POST /jobs/j/resume", {"reason": None, "catchUp": True}),
        (jobs.stop_job("j"), "JobResponse", "POST /jobs/j/stop", {"reason": None}),
        (
            jobs.trigger_job("j", {"region": "eu"}),
            "ExecutionResponse",
            "POST /jobs/j/trigger",
            {"parameters": {"region": "eu"}, "reason": None},
        ),
        (jobs.preview_fires("j", limit=3), "FiresResponse", "GET /jobs/j/fires?limit=3", None),
        (jobs.preview_resume("j"), "ResumePreview", "GET /jobs/j/resume-preview", None),
        (jobs.roll_back_job("j", 2), "JobResponse", "POST /jobs/j/rollback", {"toVersion": 2, "reason": None}),
        (executions.get_execution("e"), "ExecutionResponse", "GET /executions/e", None),
        (executions.cancel_execution("e"), "ExecutionResponse", "POST /executions/e/cancel", {"reason": None}),
        (executions.execution_statistics(job_id="j"), "ExecutionStatistics", "GET /executions/stats?jobId=j", None),
        (executions.get_command("c"), "CommandAnswer", "GET /commands/c", None),
        (executions.get_status(), "StatusResponse", "GET /status", None),
    ],
)
def test_an_operation_asks_and_reads(call: Call[Any], answer: str, request_line: str, body: Any) -> None:
    played = asked(call, {**EXAMPLES[answer], "newerField": {"x": 1}})
    request = played.sent[0]
    query = "&".join(f"{name}={value}" for name, value in request.query.items())
    path = request.path.removeprefix("/api/v1/scheduler") + (f"?{query}" if query else "")
    assert f"{request.method} {path}" == request_line
    assert (None if request.body is None else json.loads(request.body)) == body
    assert type(played.result).__name__ == answer


def test_newer_fields_are_left_out_wherever_they_are() -> None:
    newer = {**JOB, "misfire": {**JOB["misfire"], "newer": 1}}
    assert asked(jobs.get_job("j"), newer).result == asked(jobs.get_job("j"), JOB).result


def test_answers_are_frozen() -> None:
    job: Any = asked(jobs.get_job("j"), JOB).result
    with pytest.raises(ValidationError):
        job.name = "other"


def test_a_wish_carries_the_key_and_the_version() -> None:
    headers = asked(jobs.pause_job("j", wish=WISH), JOB).sent[0].headers
    assert (headers["Idempotency-Key"], headers["If-Match"]) == ("mine", '"4"')
    assert asked(jobs.delete_job("j", version=1), None).sent[0].headers["If-Match"] == '"1"'


def test_each_call_has_a_key_of_its_own() -> None:
    ours, call = terms(), jobs.create_job(DEFINITION)
    keys = [play(call(ours), [reply(201, JOB)]).sent[0].headers["Idempotency-Key"] for _ in range(2)]
    assert len(set(keys)) == 2


def test_an_answer_that_cannot_be_read_names_the_fields_and_no_values() -> None:
    error = play(jobs.get_job("j")(terms()), [reply(200, {**JOB, "version": "s3cret"})]).error
    assert isinstance(error, NotTheApi)
    assert "version" in str(error)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(("limit", "sizes"), [(None, [None, None]), (3, ["3", "1"])])
def test_a_list_goes_on_from_page_to_page_up_to_its_limit(limit: int | None, sizes: list[str | None]) -> None:
    ours = terms()
    first = play(
        jobs.list_jobs(JobFilter(status=JobStatus.ACTIVE, named="a"), limit=limit)(ours),
        [reply(200, {"items": [JOB, JOB], "nextCursor": "c1"})],
    )
    assert first.result is not None
    assert first.result.following is not None
    last = play(first.result.following(ours), [reply(200, {"items": [JOB], "nextCursor": "c2" if limit else None})])
    assert last.result is not None
    assert last.result.following is None
    assert [played.sent[0].query.get("limit") for played in (first, last)] == sizes
    assert (first.sent[0].query["status"], last.sent[0].query["cursor"], last.sent[0].query["q"]) == (
        "active",
        "c1",
        "a",
    )


def test_filters_of_executions_are_told_in_the_apis_words() -> None:
    played = asked(executions.list_executions(ExecutionFilter("j", start=AT)), {"items": [], "nextCursor": None})
    assert played.sent[0].query == {"jobId": "j", "from": AT.isoformat()}


def _execution(status: str) -> dict[str, Any]:
    return {**EXECUTION, "status": status}


def test_waiting_ends_with_the_execution() -> None:
    outcomes = [reply(200, _execution(status)) for status in ("pending", "running", "completed")]
    played = play(executions.wait_for_execution("e")(terms()), outcomes)
    assert played.result is not None
    assert (played.result.status, len(played.pauses)) == ("completed", 2)


def test_waiting_is_over_after_the_time_that_was_said() -> None:
    time = Time()
    ours = terms(time=time)
    played = play(executions.wait_for_execution("e", timeout_s=5)(ours), [reply(200, _execution("running"))], time)
    assert isinstance(played.error, StillGoing)
    assert sum(played.pauses) == pytest.approx(5)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"result": {"stdout": "a", "stderr": "b", "exitCode": 0}, "metadata": None}, ("a", "b")),
        ({"result": 7, "metadata": {"stdout": "printed"}}, ("printed", "")),
        ({"result": None, "metadata": {"statusCode": 200}}, ("", "")),
    ],
)
def test_output_is_where_the_job_type_keeps_it(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    output = output_of(ExecutionResponse.model_validate({**EXECUTION, **fields}))
    assert (output.stdout, output.stderr) == expected


def test_a_job_is_defined_in_a_line() -> None:
    assert DEFINITION.to_dict()["config"] == {
        "modulePath": "billing",
        "functionName": "close_month",
        "parameters": {"region": "eu"},
        "timeout": 300_000,
        "registered": True,
    }
    assert command_job("disk", "0 * * * * *", "df", "-h").to_dict()["jobType"] == "command"
    assert http_job("ping", "0 * * * * *", "https://example.org").to_dict()["jobType"] == "http"
    with pytest.raises(ValueError, match="module"):
        function_job("x", "0 * * * * *", "undotted")


def test_the_definition_of_a_job_is_what_would_leave_it_as_it_is() -> None:
    body = definition_of(JobResponse.model_validate(JOB))
    assert JobDefinition.read(body).name == JOB["name"]
    assert "version" not in body
    assert body["config"] == JOB["config"]

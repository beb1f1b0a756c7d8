"""Each step is one call, under a key of its content and version; what was not done is told and stops nothing else."""

from typing import Any

import httpx

from horolog.cli.applying.carrying_out import Outcome, carry_out, key_of
from horolog.cli.applying.plan import Step
from horolog.cli.client import Client
from horolog.cli.connection import Connection
from tests.unit.cli.applying.definitions import body, job_id
from tests.unit.cli.fake_api import LOST, FakeApi, job

CREATE = Step("create", "disk", body=body())
CHANGE = Step("change", "disk", job_id=job_id(1), version=4, body=body(priority=2))
DELETE = Step("delete", "old", job_id=job_id(2), version=7)
SAME = Step("unchanged", "same", job_id=job_id(3), version=1)


class Numbered:
    """Ids that count."""

    def __init__(self) -> None:
        self.count = 0

    def new(self) -> str:
        self.count += 1
        return f"new-{self.count}"


def _done(api: FakeApi, *steps: Step, known: frozenset[str] = frozenset()) -> list[Outcome]:
    with httpx.Client(trust_env=False) as http:
        client = Client(Connection(api.url, None), http, Numbered(), sleep=lambda _: None)
        return list(carry_out(client, steps, known))


def _results(outcomes: list[Outcome]) -> list[str]:
    return [outcome.result for outcome in outcomes]


def _made(number: int, **fields: Any) -> dict[str, Any]:
    return job(id=job_id(number), **fields)


def test_each_step_is_one_call_that_names_its_version_and_key(api: FakeApi) -> None:
    api.tell("POST", "/jobs", _made(9), 201)
    api.tell("PUT", f"/jobs/{job_id(1)}", _made(1))
    api.tell("DELETE", f"/jobs/{job_id(2)}", None, 204)
    outcomes = _done(api, SAME, CREATE, CHANGE, DELETE)
    assert _results(outcomes) == ["unchanged", "created", "changed", "deleted"]
    assert outcomes[1].job_id == job_id(9)
    assert [asked.method for asked in api.asked] == ["POST", "PUT", "DELETE"]
    assert [asked.headers.get("if-match") for asked in api.asked] == [None, '"4"', '"7"']
    keys = [asked.headers["idempotency-key"] for asked in api.asked]
    assert keys == [key_of(step) for step in (CREATE, CHANGE, DELETE)]


def test_a_key_follows_from_content_and_version_alone() -> None:
    assert key_of(CHANGE) == key_of(Step("change", "x", "b.yaml:3", job_id(1), 4, body(priority=2)))
    others = {key_of(Step("change", "disk", None, job_id(1), version, body(priority=3))) for version in (4, 5)}
    assert len({key_of(CHANGE), *others}) == 3


def test_no_secret_is_part_of_a_key() -> None:
    one, other = (body(config={"url": "https://x.org", "method": "GET", "headers": {"Key": key}}) for key in "ab")
    assert key_of(Step("create", "disk", body=one)) == key_of(Step("create", "disk", body=other))


def test_a_change_of_somebody_else_is_a_conflict_and_the_rest_goes_on(api: FakeApi) -> None:
    api.refuse("PUT", f"/jobs/{job_id(1)}", 412, "VERSION_CONFLICT")
    api.refuse("DELETE", f"/jobs/{job_id(2)}", 404, "JOB_NOT_FOUND")
    outcomes = _done(api, CHANGE, DELETE)
    assert _results(outcomes) == ["conflict", "deleted"]
    assert "somebody else" in outcomes[0].detail
    assert len(api.asked) == 2


def test_a_refusal_is_asked_about_once_more_under_a_new_key(api: FakeApi) -> None:
    api.refuse("POST", "/jobs", 429, "QUOTA_EXCEEDED")
    api.tell("POST", "/jobs", _made(9), 201)
    assert _results(_done(api, CREATE)) == ["created"]
    assert [asked.headers["idempotency-key"] for asked in api.asked] == [key_of(CREATE), "new-1"]


def test_a_refusal_that_holds_is_told_and_the_rest_goes_on(api: FakeApi) -> None:
    api.refuse("POST", "/jobs", 422, "INVALID_JOB_CONFIG")
    api.tell("PUT", f"/jobs/{job_id(1)}", _made(1))
    outcomes = _done(api, CREATE, CHANGE)
    assert _results(outcomes) == ["refused", "changed"]
    assert "INVALID_JOB_CONFIG" in outcomes[0].detail


def test_the_job_of_an_older_call_is_not_taken_for_the_new_one(api: FakeApi) -> None:
    api.tell("POST", "/jobs", _made(5, name="renamed since"), 201)
    api.tell("POST", "/jobs", _made(9), 201)
    (outcome,) = _done(api, CREATE, known=frozenset({job_id(5)}))
    assert (outcome.result, outcome.job_id) == ("created", job_id(9))


def test_a_deleted_job_of_an_older_call_is_created_anew(api: FakeApi) -> None:
    api.refuse("POST", "/jobs", 404, "JOB_NOT_FOUND")
    api.tell("POST", "/jobs", _made(9), 201)
    assert _results(_done(api, CREATE)) == ["created"]


def test_after_silence_nothing_else_is_tried(api: FakeApi) -> None:
    api.tell("POST", "/jobs", None, LOST)
    outcomes = _done(api, CREATE, SAME, CHANGE)
    assert _results(outcomes) == ["unknown", "unchanged", "not tried"]
    assert len({asked.headers["idempotency-key"] for asked in api.asked}) == 1


def test_an_answer_that_leaves_it_open_is_not_asked_about_under_a_new_key(api: FakeApi) -> None:
    api.refuse("POST", "/jobs", 503, "LOCK_ACQUISITION_FAILED")
    assert _results(_done(api, CREATE)) == ["unknown"]
    assert {asked.headers["idempotency-key"] for asked in api.asked} == {key_of(CREATE)}

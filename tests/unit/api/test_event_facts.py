"""What streams tell of a record: what it is about and what became of it, and nothing that could be a secret."""

from typing import Any

import orjson
import pytest

from schemas.base import Message
from schemas.events.audit import AuditRecorded
from schemas.events.executions import ExecutionCompleted, ExecutionFailed
from schemas.events.jobs import JobUpdated
from schemas.jobs import FunctionConfig
from schemas.registry import MESSAGES_OF_TOPIC
from services.api.permissions import Permission
from services.api.streams.facts import PERMISSION_OF_TYPE, fact_of, types_named
from services.api.streams.spots import TOPICS
from tests.unit.projections.facts import (
    FAILURE,
    START,
    TENANT,
    admitted,
    at,
    changed,
    event,
    job,
    record,
    tenant_created,
    uuid_of,
)

CANARY = "a-canary-of-a-secret"


def told(message: Message) -> dict[str, Any]:
    """What is told of a record with this message."""
    fact = fact_of(record(message))
    assert fact is not None
    found: dict[str, Any] = orjson.loads(fact.data)
    assert (fact.tenant_id, fact.type, fact.job_id) == (TENANT, found["type"], found.get("jobId"))
    return found


def test_a_change_of_a_job_tells_its_version_and_who_made_it() -> None:
    config = FunctionConfig(module_path="a", function_name="b", parameters={"password": CANARY})
    update = changed(job(1, 2, config=config), JobUpdated, command=7, before=job(1, 1, config=config), reason="why")
    assert told(update) == {
        "type": "job.updated",
        "at": "2026-03-01T12:00:00Z",
        "jobId": uuid_of(1),
        "status": "active",
        "name": "job 1",
        "version": 2,
        "actor": "user:test",
        "reason": "why",
        "commandId": uuid_of(7),
    }


def test_the_end_of_an_execution_tells_how_it_ended_and_not_what_it_put_out() -> None:
    ended = {"attempt": 2, "started_at": at(1), "completed_at": at(2), "result": {"stdout": CANARY}}
    completed = told(event(ExecutionCompleted, 1, 3, 2, **ended, metadata={"x": CANARY}))
    assert (completed["type"], completed["status"], completed["attempt"]) == ("execution.completed", "completed", 2)
    failed = told(event(ExecutionFailed, 1, 3, 2, **ended, failure=FAILURE))
    assert failed["failure"] == {"type": "TIMEOUT", "code": "TIMED_OUT", "message": "too long"}
    assert CANARY not in str((completed, failed))


def test_an_admitted_execution_tells_no_parameters() -> None:
    found = told(admitted(parameters={"password": CANARY}))
    assert (found["type"], found["status"], found["triggerType"]) == ("execution.admitted", "pending", "scheduled")
    assert CANARY not in str(found)


def test_the_audit_trail_tells_who_asked_for_what() -> None:
    call = AuditRecorded(
        tenant_id=TENANT, call_id=uuid_of(1), at=START, actor="user:ada", address="203.0.113.9", method="DELETE",
        route="/x", object_id="billing", code="FORBIDDEN", status=403,
    )  # fmt: skip
    found = told(call)
    assert (found["actor"], found["action"], found["object"]) == ("user:ada", "DELETE /x", "billing")
    assert (found["outcome"], found["address"]) == ("FORBIDDEN", "203.0.113.9")
    assert told(tenant_created())["type"] == "tenant.created"


def test_a_record_that_cannot_be_read_is_told_by_nobody() -> None:
    assert fact_of(record(admitted())) is not None
    broken = record(admitted())
    for value in (None, b"", b"{", b"{}"):
        assert fact_of(type(broken)(broken.topic, 0, 0, b"", value, broken.headers, 0)) is None


def test_every_fact_of_the_topics_has_a_type_of_its_own_and_a_permission() -> None:
    models = [model for topic in TOPICS for model in MESSAGES_OF_TOPIC[topic]]
    assert len(PERMISSION_OF_TYPE) == len(models)
    assert set(PERMISSION_OF_TYPE.values()) == {
        Permission.JOBS_READ,
        Permission.EXECUTIONS_READ,
        Permission.AUDIT_READ,
    }


@pytest.mark.parametrize("word", ["job", "execution", "attempt", "tenant", "audit"])
def test_a_first_word_means_all_types_that_begin_with_it(word: str) -> None:
    assert types_named(word) == {type_ for type_ in PERMISSION_OF_TYPE if type_.startswith(f"{word}.")}
    assert types_named(word)


def test_a_type_means_itself_and_another_word_nothing() -> None:
    assert types_named("job.created") == {"job.created"}
    assert not types_named("job.")
    assert not types_named("")
    assert not types_named("io.horolog.job.created.v1")

"""What is told of a record of the log.

Guarantee: of a record nothing is told but the fields that are named here; a new field of a fact, or a new fact on a
topic, is not told before somebody has thought about it. A record that cannot be read is told by nobody: it is a dead
letter.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any

from horolog.log.port import Place, Record
from schemas.base import Message
from schemas.codec import RecordError, decode
from schemas.events import executions as facts
from schemas.events.audit import AuditRecorded
from schemas.events.executions import ExecutionEvent
from schemas.events.jobs import JobChanged
from schemas.events.tenants import TenantChanged
from schemas.http_events import EventBody, EventFailure
from schemas.registry import MESSAGES_OF_TOPIC
from schemas.topics import AUDIT, EXECUTIONS, JOBS, TENANT_CHANGES, Topic
from services.api.permissions import Permission
from services.api.streams.spots import TOPICS

PERMISSION_OF_TOPIC: Mapping[Topic, Permission] = MappingProxyType(
    {
        JOBS: Permission.JOBS_READ,
        EXECUTIONS: Permission.EXECUTIONS_READ,
        AUDIT: Permission.AUDIT_READ,
        TENANT_CHANGES: Permission.AUDIT_READ,
    }
)
_PREFIX = "io.horolog."
_STATUS: Mapping[type[Message], str] = MappingProxyType(
    {
        facts.ExecutionAdmitted: "pending",
        facts.ExecutionBlocked: "pending",
        facts.ExecutionSkipped: "skipped",
        facts.ExecutionMissed: "missed",
        facts.AttemptStarted: "running",
        facts.AttemptProgressed: "running",
        facts.RetryScheduled: "pending",
        facts.ExecutionCompleted: "completed",
        facts.ExecutionFailed: "failed",
        facts.ExecutionCancelled: "cancelled",
        facts.CancellationRequested: "running",
    }
)
_OF_EXECUTIONS = (
    *("execution_id", "job_id", "scheduled_for", "seq", "attempt", "progress", "worker_id", "started_at"),
    *("completed_at", "retry_at", "missed_until", "missed_count", "trigger_type", "triggered_by", "blocked_by"),
    *("cancelled_by", "requested_by", "reason"),
)
_OF_CHANGES = ("job_id", "actor", "reason", "command_id")


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact that may be told. `data` is its JSON."""

    tenant_id: str
    type: str
    job_id: str | None
    execution_id: str | None
    data: bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """What one kind of stream tells of: topics, in the order of its spots, and what is told of a record of them."""

    topics: tuple[Topic, ...]
    fact_of: Callable[[Record], Fact | None]

    def index_of(self, topic: str) -> int:
        """Where the topic of this name stands in spots."""
        return next(index for index, known in enumerate(self.topics) if known.name == topic)

    def places(self, partition: int) -> list[Place]:
        """Its topics in one partition."""
        return [Place(topic.name, partition) for topic in self.topics]

    def fact_for(self, record: Record, marks: set[bytes]) -> Fact | None:
        """The fact of a record if it is of one of these tenants, whose ids are looked for before it is decoded."""
        value = record.value or b""
        if not any(mark in value for mark in marks):
            return None
        fact = self.fact_of(record)
        return fact if fact is not None and fact.tenant_id.encode() in marks else None


def short_type(model: type[Message]) -> str:
    """The type as streams call it: `io.horolog.job.created.v1` is `job.created`."""
    return model.TYPE.removeprefix(_PREFIX).rpartition(".")[0]


PERMISSION_OF_TYPE: Mapping[str, Permission] = MappingProxyType(
    {short_type(model): PERMISSION_OF_TOPIC[topic] for topic in TOPICS for model in MESSAGES_OF_TOPIC[topic]}
)
"""Every type that there is, and what one needs to see it."""


def types_named(word: str) -> frozenset[str]:
    """The types that a word means: one of them, or all that begin with it, such as `execution`; none if it is no word.

    `attempt` are the steps of an execution, `tenant` changes of the tenant, `audit` what was asked of the API.
    """
    return frozenset(type_ for type_ in PERMISSION_OF_TYPE if type_ == word or type_.partition(".")[0] == word)


def fact_of(record: Record) -> Fact | None:
    """The fact of a record, if there is one to tell."""
    try:
        message = decode(record.topic, record.headers, record.value)
    except RecordError:
        return None
    for kind, describe in _DESCRIBE.items():
        if isinstance(message, kind):
            body = describe(message)
            return Fact(message.tenant_id, body.type, body.job_id, body.execution_id, body.to_json())
    return None


def _execution(event: ExecutionEvent) -> EventBody:
    failure = getattr(event, "failure", None)
    told = failure and EventFailure(type=failure.type.value, code=failure.code, message=failure.message)
    return _body(event, _OF_EXECUTIONS, status=_STATUS.get(type(event)), failure=told)


def _job(change: JobChanged) -> EventBody:
    job = change.job
    return _body(change, _OF_CHANGES, status=job.status.value, version=job.version, name=job.definition.name)


def _tenant(change: TenantChanged) -> EventBody:
    return _body(change, _OF_CHANGES, version=change.tenant.version)


def _call(call: AuditRecorded) -> EventBody:
    action = f"{call.method} {call.route}".strip()
    outcome = f"{call.code} {call.dropped_count}" if call.dropped_count else call.code
    return _body(
        call, ("actor", "address", "command_id"), action=action, object=call.object_id or None, outcome=outcome
    )


def _body(message: Any, names: tuple[str, ...], **told: Any) -> EventBody:
    found = {name: _plain(getattr(message, name, None)) for name in names}
    return EventBody(type=short_type(type(message)), at=message.at, **found, **told)


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


_DESCRIBE: Mapping[type[Message], Callable[[Any], EventBody]] = MappingProxyType(
    {ExecutionEvent: _execution, JobChanged: _job, TenantChanged: _tenant, AuditRecorded: _call}
)

EVENTS = Subject(TOPICS, fact_of)
"""What happens to a tenant: its events."""

"""Records of the log into what notifications work with: facts, and what is known of jobs and tenants.

Guarantee: a function of the records. What makes no sense, or concerns nobody here, is passed over: the projector tells
it as a dead letter, once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from horolog.domain.notifications.facts import Fact, KnownJob, KnownTenant
from horolog.domain.notifications.rules import Kind
from horolog.log.port import Record
from horolog.log.refusals import check_home
from schemas.base import Message
from schemas.codec import RecordError, decode, type_of
from schemas.events.executions import (
    AttemptStarted,
    ExecutionCompleted,
    ExecutionEnded,
    ExecutionEvent,
    ExecutionFailed,
    ExecutionMissed,
    ExecutionSkipped,
    Reason,
    RetryScheduled,
)
from schemas.events.jobs import JobChanged, JobDeleted, JobExhausted, JobPaused, JobStopped
from schemas.events.tenants import TenantTabled
from schemas.registry import MESSAGES_OF_TOPIC
from schemas.tenants import Tenant, TenantState
from schemas.topics import EXECUTIONS, JOBS, TENANTS

SOURCES = (JOBS, TENANTS, EXECUTIONS)
_TOLD = (AttemptStarted, RetryScheduled, ExecutionEnded, ExecutionMissed, ExecutionSkipped)
_UNTOLD = frozenset(kind.TYPE for kind in MESSAGES_OF_TOPIC[EXECUTIONS] if not issubclass(kind, _TOLD))
"""Most records of executions; they are not even decoded. Older versions of the others are."""
_DISABLING: Mapping[type[JobChanged], str] = MappingProxyType(
    {JobPaused: "paused", JobStopped: "stopped", JobExhausted: "exhausted", JobDeleted: "deleted"}
)
SUSPENDED = "tenant_suspended"


@dataclass(slots=True)
class Read:
    """What a batch says: the latest of each job, tenants as they changed, and facts, those of jobs before others."""

    jobs: dict[str, KnownJob] = field(default_factory=dict)
    tenants: list[KnownTenant] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)


def read(records: Sequence[Record], partition_count: int) -> Read:
    """What the records say. Jobs and tenants come first, so that facts of the same batch find them."""
    found = Read()
    for topic in SOURCES:
        for message in _messages((record for record in records if record.topic == topic.name), partition_count):
            _take(found, message)
    return found


def suspensions(known: Mapping[str, KnownTenant], changes: Sequence[KnownTenant]) -> list[Fact]:
    """The facts in the changes of tenants of which this is known: those that suspend one that was not."""
    before, facts = dict(known), list[Fact]()
    for tenant in changes:
        last = before.get(tenant.tenant_id)
        if last is not None and tenant.version <= last.version:
            continue
        if tenant.is_suspended and not (last is not None and last.is_suspended):
            id_ = f"{tenant.tenant_id}/{tenant.version}"
            facts.append(Fact(id_, tenant.tenant_id, Kind.DISABLED, tenant.changed_at, cause=SUSPENDED))
        before[tenant.tenant_id] = tenant
    return facts


def _messages(records: Iterable[Record], partition_count: int) -> Iterable[Message]:
    for record in records:
        if record.value is None or (record.topic == EXECUTIONS.name and type_of(record.headers) in _UNTOLD):
            continue
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, partition_count)
        except RecordError:
            continue
        yield message


def _take(found: Read, message: Message) -> None:
    if isinstance(message, JobChanged):
        _take_job(found, message)
    elif isinstance(message, TenantTabled):
        _take_tenant(found, message.tenant)
    elif isinstance(message, ExecutionEvent):
        facts = (_late_start(message), _fact_of(message))
        found.facts += [fact for fact in facts if fact is not None]


def _take_job(found: Read, change: JobChanged) -> None:
    job, definition = change.job, change.job.definition
    known = found.jobs.get(job.job_id)
    if known is None or job.version > known.version:
        found.jobs[job.job_id] = KnownJob(
            job.job_id, job.tenant_id, definition.name, tuple(definition.tags), job.version
        )
    cause = _DISABLING.get(type(change))
    if cause is not None:
        found.facts.append(
            Fact(change.message_id(), change.tenant_id, Kind.DISABLED, change.at, job.job_id, cause=cause)
        )


def _take_tenant(found: Read, tenant: Tenant) -> None:
    is_suspended, allowed = tenant.state is TenantState.SUSPENDED, tuple(tenant.settings.http_allowed)
    found.tenants.append(KnownTenant(tenant.tenant_id, tenant.version, is_suspended, tenant.updated_at, allowed))


def _late_start(event: ExecutionEvent) -> Fact | None:
    """That attempt 1 began after the instant, from whichever event of the execution tells its start: one does."""
    if not isinstance(event, AttemptStarted | ExecutionEnded | RetryScheduled):
        return None
    is_told = isinstance(event, AttemptStarted) or event.tells_start
    if not is_told or event.attempt != 1 or event.started_at is None:
        return None
    late_s = (event.started_at - event.scheduled_for).total_seconds()
    if late_s <= 0:
        return None
    fact = _fact(event, Kind.LATE, late_s=late_s)
    # An end is a fact of its own, under the id of the event.
    return fact if isinstance(event, AttemptStarted) else replace(fact, id=f"{fact.id}/start")


def _fact_of(event: ExecutionEvent) -> Fact | None:
    match event:
        case ExecutionFailed():
            return _fact(event, Kind.FAILED, cause=event.failure.code)
        case ExecutionCompleted():
            return _fact(event, Kind.RECOVERED)
        case ExecutionMissed():
            told = {"missed_count": event.missed_count, "missed_until": event.missed_until}
            return _fact(event, Kind.MISSED, cause=event.reason.value, **told)
        case ExecutionSkipped() if event.reason is Reason.QUOTA:
            return _fact(event, Kind.QUOTA, cause=event.reason.value)
    return None


def _fact(event: ExecutionEvent, kind: Kind, **told: object) -> Fact:
    return Fact(
        event.message_id(),
        event.tenant_id,
        kind,
        event.at,
        event.job_id,
        event.execution_id,
        event.scheduled_for,
        **told,  # type: ignore[arg-type]
    )

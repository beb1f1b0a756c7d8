"""Facts to fold: one tenant's jobs and executions, numbered, at seconds after one instant."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from horolog.log.port import Outgoing, Record
from schemas.base import Message
from schemas.codec import headers_of
from schemas.events.analytics import Lateness, Tally, WindowMeasured
from schemas.events.executions import ExecutionAdmitted, ExecutionEvent, TriggerType
from schemas.events.jobs import JobChanged, JobCreated
from schemas.events.owners import CommandAccepted, OwnerCheckpointed
from schemas.events.tenants import TenantCreated
from schemas.events.workers import WorkerBeat, WorkerState
from schemas.jobs import FunctionConfig, Job, JobDefinition, JobType
from schemas.registry import TOPIC_OF_MODEL
from schemas.tenants import TenantSettings
from schemas.topics import partition_of

E = TypeVar("E", bound=ExecutionEvent)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TENANT = "11111111-2222-4333-8444-555555555555"
OTHER_TENANT = "99999999-2222-4333-8444-555555555555"
PARTITIONS = 4
HOME = partition_of(TENANT, PARTITIONS)
FAILURE = {"type": "TIMEOUT", "code": "TIMED_OUT", "message": "too long", "stack": "line 1"}
USAGE = {"memory_peak_mb": 12, "cpu_time_ms": 345}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def uuid_of(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def job(number: int = 1, version: int = 1, tenant: str = TENANT, seconds: float = 0, **definition: Any) -> Job:
    fields: dict[str, object] = {
        "name": f"job {number}",
        "cron_expression": "0 0 * * * *",
        "job_type": JobType.FUNCTION,
        "config": FunctionConfig(module_path="a", function_name="b"),
    }
    return Job(
        job_id=uuid_of(number),
        tenant_id=tenant,
        definition=JobDefinition.model_validate({**fields, **definition}),
        version=version,
        effective_from=START,
        created_by="user:test",
        created_at=at(number),
        updated_at=at(seconds),
    )


def changed(after: Job, kind: type[JobChanged] = JobCreated, command: int | None = None, **fields: Any) -> JobChanged:
    common = {
        "tenant_id": after.tenant_id,
        "job_id": after.job_id,
        "actor": "user:test",
        "at": after.updated_at,
        "command_id": None if command is None else uuid_of(command),
        "job": after,
    }
    return kind.model_validate({**common, **fields})


def tenant_created() -> TenantCreated:
    settings = TenantSettings(name="tenant")
    row = {"tenant_id": TENANT, "settings": settings, "created_by": "user:1", "created_at": START, "updated_at": START}
    told = {"tenant_id": TENANT, "actor": "user:1", "at": START, "command_id": uuid_of(3), "tenant": row}
    return TenantCreated.model_validate(told)


def event(kind: type[E], number: int, seq: int, seconds: float = 0, **fields: Any) -> E:
    """An event of the execution `number`, whose nominal instant is that many seconds after the start."""
    common = {
        "tenant_id": TENANT,
        "execution_id": uuid_of(1000 + number),
        "job_id": uuid_of(1),
        "scheduled_for": at(number),
        "seq": seq,
        "at": at(seconds),
    }
    return kind.model_validate({**common, **fields})


def admitted(number: int = 1, **fields: Any) -> ExecutionAdmitted:
    common = {"trigger_type": TriggerType.SCHEDULED, "job_version": 1, "job_type": JobType.FUNCTION}
    return event(ExecutionAdmitted, number, 1, **{**common, **fields})


def accepted(number: int, tenant: str = TENANT, **fields: Any) -> CommandAccepted:
    common = {"tenant_id": tenant, "command_id": uuid_of(number), "at": START, "effective_at": START}
    return CommandAccepted.model_validate({**common, **fields})


def beat(worker_id: str = "worker-a", seconds: float = 0, **fields: Any) -> WorkerBeat:
    inbox = partition_of(worker_id, PARTITIONS)
    common = {"inbox": inbox, "state": WorkerState.READY, "capacity": 5, "started_at": START}
    return WorkerBeat.model_validate({"worker_id": worker_id, "at": at(seconds), **common, **fields})


def checkpoint(epoch: int = 1, seconds: float = 0, **fields: Any) -> OwnerCheckpointed:
    common = {"role": "ticker", "partition": HOME, "owner": f"owner {epoch}", "acquired_at": START, "positions": {}}
    return OwnerCheckpointed.model_validate({"epoch": epoch, "at": at(seconds), **common, **fields})


def measured(minute: int = 0, through: int = 7, tenant: str = TENANT, **tally: Any) -> WindowMeasured:
    """What is told of the minute that begins so many after the start."""
    return WindowMeasured(
        tenant_id=tenant,
        window_start=START + timedelta(minutes=minute),
        window_seconds=60,
        through=through,
        tally=Tally(**{"admitted": 1, "lateness": Lateness(count=1, sum_ms=20, max_ms=20), **tally}),
    )


def partition_for(message: Message) -> int:
    if isinstance(message, OwnerCheckpointed):
        return message.partition
    return message.inbox if isinstance(message, WorkerBeat) else partition_of(message.tenant_id, PARTITIONS)


def outgoing(message: Message, partition: int | None = None) -> Outgoing:
    place = partition_for(message) if partition is None else partition
    key = message.role if isinstance(message, OwnerCheckpointed) else message.subject()
    headers = headers_of(message, "test", START)
    return Outgoing(TOPIC_OF_MODEL[type(message)].name, place, key.encode(), message.to_json(), headers)


def record(message: Message, offset: int = 0, partition: int | None = None) -> Record:
    written = outgoing(message, partition)
    return Record(written.topic, written.partition, offset, written.key, written.value, written.headers, 0)

"""Dead letters: what becomes of a record that nobody can make use of, and of what the log no longer keeps.

Guarantee: a letter names the record, says why in a sentence, and holds the beginning of its value. Its identity
follows from the record, so that repeats are recognised; who refused it stands in it, since each reader of a record
may refuse it.
"""

import base64
from datetime import datetime

from horolog.limits import REFUSAL_REASON_LENGTH_MAX, REFUSED_VALUE_BYTES_MAX
from horolog.log.port import Outgoing, Place, Record
from schemas.base import Message
from schemas.codec import RecordError, headers_of
from schemas.events.jobs import JobChanged, JobTabled
from schemas.events.owners import OwnerCheckpointed, RecordRefused
from schemas.events.tenants import TenantChanged, TenantTabled
from schemas.events.workers import AttemptRevoked, TaskAssigned, WorkerBeat
from schemas.topics import CHECKPOINTS, CONTROL, DLQ, JOB_TABLE, TASKS, WORKERS, partition_of

_OF_A_WORKER = frozenset({TASKS.name, CONTROL.name, WORKERS.name})


def dead_letter(record: Record, reason: str, refused_by: str, at: datetime, partition: int) -> Outgoing:
    """The letter about a record, to be written to this partition of the dead-letter topic."""
    value = record.value or b""
    letter = RecordRefused(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason.replace("\x00", " ")[:REFUSAL_REASON_LENGTH_MAX],
        refused_by=refused_by,
        at=at,
        value_base64=base64.b64encode(value[:REFUSED_VALUE_BYTES_MAX]).decode(),
        value_bytes=len(value),
    )
    headers = headers_of(letter, refused_by, at)
    return Outgoing(DLQ.name, partition, letter.subject().encode(), letter.to_json(), headers)


def loss_letter(place: Place, lost: range, refused_by: str, at: datetime) -> Outgoing:
    """The letter about positions of a place that were gone before their records were read; it names the first.

    It goes to the same partition of the dead-letter topic. How many records that were is not known: positions have
    gaps.
    """
    first = Record(place.topic, place.partition, lost.start, b"", None, (), 0)
    reason = f"positions {lost.start}..{lost.stop - 1} were no longer kept; what they held was never decided on"
    return dead_letter(first, reason, refused_by, at, place.partition)


def check_home(message: Message, record: Record, partition_count: int) -> None:
    """Refuse a message that lies where it does not belong: who reads that partition must not act upon it.

    A worker's records belong into the worker's inbox, a checkpoint into its partition and under its role's key,
    everything else into its tenant's partition, under the tenant's key or that of what it is about, which must be the
    tenant's as well. So nobody who can write for one tenant is believed for another.

    Raises:
        RecordError: saying where it belongs.
    """
    if record.topic in _OF_A_WORKER:
        assert isinstance(message, TaskAssigned | AttemptRevoked | WorkerBeat)
        _check_inbox(message, record, partition_count)
    elif record.topic == CHECKPOINTS.name:
        assert isinstance(message, OwnerCheckpointed)
        _check_role(message, record)
    else:
        expected = partition_of(message.tenant_id, partition_count)
        if expected != record.partition:
            raise RecordError(f"tenant {message.tenant_id} belongs to partition {expected}, not {record.partition}")
        _check_key(message, record)
        _check_contents(message)


def _check_key(message: Message, record: Record) -> None:
    subject = message.subject().encode()
    # A compacted topic keeps the last record of each key: there, another's key would take away what is the other's.
    is_known = record.key == subject or (record.topic != JOB_TABLE.name and record.key == message.tenant_id.encode())
    if not is_known:
        raise RecordError("the record's key is neither its tenant nor what it is about")


def _check_contents(message: Message) -> None:
    if isinstance(message, JobChanged):
        if (message.job.tenant_id, message.job.job_id) != (message.tenant_id, message.job_id):
            raise RecordError("the record is about another job than the one that it holds")
    elif isinstance(message, JobTabled) and message.job.tenant_id != message.tenant_id:
        raise RecordError("the record holds a job of another tenant than its own")
    elif isinstance(message, TenantChanged | TenantTabled) and message.tenant.tenant_id != message.tenant_id:
        raise RecordError("the record is about another tenant than the one that it holds")


def _check_inbox(message: TaskAssigned | AttemptRevoked | WorkerBeat, record: Record, partition_count: int) -> None:
    expected = partition_of(message.worker_id, partition_count)
    named = message.inbox if isinstance(message, WorkerBeat) else expected
    wrong = next((partition for partition in (record.partition, named) if partition != expected), None)
    if wrong is not None:
        raise RecordError(f"the inbox of worker {message.worker_id} is partition {expected}, not {wrong}")


def _check_role(message: OwnerCheckpointed, record: Record) -> None:
    if message.partition != record.partition:
        raise RecordError(f"the checkpoint is of partition {message.partition}, not {record.partition}")
    if message.role.encode() != record.key:
        raise RecordError(f"the checkpoint is of the role {message.role!r}, but its key is another's")

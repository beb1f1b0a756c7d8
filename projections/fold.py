"""Records of one batch into row changes: the read side's pure core.

Guarantee: the rows are a function of the records and their order within each place. Splitting the records into
other batches, or mixing places differently, leads to the same tables. A record that cannot be understood is
reported and has no other effect.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from horolog.domain.audit import Entry
from horolog.log.port import Record
from horolog.log.refusals import check_home
from projections.fold_audit import entry_of
from projections.fold_executions import ExecutionFold, json_text
from projections.fold_jobs import fold_jobs, fold_versions
from projections.fold_tenants import fold_tenant_changes, fold_tenants
from projections.rows import Changes, OutcomeRow, OwnerRow, WorkerRow
from schemas.base import Message
from schemas.codec import RecordError, decode, type_of
from schemas.events.audit import AuditRecorded
from schemas.events.executions import AttemptDispatched, ExecutionEvent
from schemas.events.jobs import JobChanged
from schemas.events.owners import CommandAccepted, CommandRejected, OwnerCheckpointed
from schemas.events.tenants import TenantChanged
from schemas.events.workers import WorkerBeat
from schemas.topics import AUDIT, CHECKPOINTS, EXECUTIONS, JOBS, OUTCOMES, TENANT_CHANGES, WORKERS

SOURCES = (JOBS, EXECUTIONS, OUTCOMES, WORKERS, CHECKPOINTS, TENANT_CHANGES, AUDIT)
"""The topics that the read models are a fold of."""

_COMPACTED = frozenset(topic.name for topic in SOURCES if topic.compacted)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that belongs to the dead-letter topic, and why."""

    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Folded:
    """What a batch comes to. `events` are those that were news for their execution, `dispatches` are not decoded.

    Both are in the log's order.
    """

    changes: Changes
    refusals: Sequence[Refusal]
    events: Sequence[ExecutionEvent] = ()
    dispatches: Sequence[Record] = ()


class Fold:
    """The fold of one batch: `add` its records in order, then take the `result`."""

    def __init__(self, partition_count: int) -> None:
        self._partition_count = partition_count
        self._executions = ExecutionFold()
        self._jobs: list[JobChanged] = []
        self._tenants: list[TenantChanged] = []
        self._audit: list[Entry] = []
        self._outcomes: dict[str, OutcomeRow] = {}
        self._workers: dict[str, WorkerRow] = {}
        self._owners: dict[tuple[str, int], OwnerRow] = {}
        self._refusals: list[Refusal] = []
        self._events: list[ExecutionEvent] = []
        self._dispatches: list[Record] = []

    def add(self, record: Record) -> None:
        """Take one record into account."""
        if record.topic in _COMPACTED and record.value is None:
            return  # a tombstone: the key is no longer kept, which says nothing about the row
        if record.topic == EXECUTIONS.name and type_of(record.headers) == AttemptDispatched.TYPE:
            # Changes no row (see fold_executions), and is a third of all records: not even decoded.
            self._dispatches.append(record)
            return
        try:
            message = decode(record.topic, record.headers, record.value)
            check_home(message, record, self._partition_count)
        except RecordError as error:
            self._refusals.append(Refusal(record, str(error)))
        else:
            self._apply(message)
            if (entry := entry_of(record, message)) is not None:
                self._audit.append(entry)

    def result(self) -> Folded:
        """The row changes, one for each row, and the records refused."""
        changes = Changes(
            executions=self._executions.rows(),
            jobs=fold_jobs(self._jobs),
            versions=fold_versions(self._jobs),
            begun=self._executions.begun(),
            outcomes=list(self._outcomes.values()),
            workers=list(self._workers.values()),
            owners=list(self._owners.values()),
            tenants=fold_tenants(self._tenants),
            tenant_changes=fold_tenant_changes(self._tenants),
            audit=tuple(self._audit),
            applied=tuple(self._applied()),
        )
        return Folded(changes, self._refusals, self._events, self._dispatches)

    def _apply(self, message: Message) -> None:
        match message:
            case ExecutionEvent():
                if self._executions.add(message):
                    self._events.append(message)
            case JobChanged():
                self._jobs.append(message)
            case TenantChanged():
                self._tenants.append(message)
            case AuditRecorded():
                pass  # an entry of the audit trail, as changes are besides
            case CommandAccepted() | CommandRejected():
                self._outcomes.setdefault(message.command_id, _outcome_row(message))
            case WorkerBeat():
                self._keep_beat(message)
            case OwnerCheckpointed():
                self._keep_checkpoint(message)
            case _:
                raise AssertionError(f"{message.TYPE} is on a topic of the read models, and no rule is for it")

    def _keep_beat(self, beat: WorkerBeat) -> None:
        known = self._workers.get(beat.worker_id)
        if known is None or beat.at >= known.last_beat_at:
            self._workers[beat.worker_id] = _worker_row(beat)

    def _keep_checkpoint(self, checkpoint: OwnerCheckpointed) -> None:
        key = (checkpoint.role, checkpoint.partition)
        known = self._owners.get(key)
        if known is None or checkpoint.epoch >= known.epoch:
            self._owners[key] = _owner_row(checkpoint)

    def _applied(self) -> dict[str, None]:
        named = dict.fromkeys(self._outcomes)
        named |= dict.fromkeys(change.command_id for change in self._jobs if change.command_id)
        return named | dict.fromkeys(change.command_id for change in self._tenants)


def fold(records: Sequence[Record], partition_count: int) -> Folded:
    """What the records come to."""
    batch = Fold(partition_count)
    for record in records:
        batch.add(record)
    return batch.result()


def _outcome_row(outcome: CommandAccepted | CommandRejected) -> OutcomeRow:
    if isinstance(outcome, CommandAccepted):
        return OutcomeRow(
            command_id=outcome.command_id,
            tenant_id=outcome.tenant_id,
            accepted=True,
            request_hash=outcome.request_hash,
            at=outcome.at,
            effective_at=outcome.effective_at,
            job_id=outcome.job_id,
            job_version=outcome.job_version,
            execution_id=outcome.execution_id,
            execution_seq=outcome.execution_seq,
            tenant_version=outcome.tenant_version,
        )
    return OutcomeRow(
        command_id=outcome.command_id,
        tenant_id=outcome.tenant_id,
        accepted=False,
        request_hash=outcome.request_hash,
        at=outcome.at,
        code=outcome.code,
        message=outcome.message,
        details=json_text(outcome.details),
    )


def _worker_row(beat: WorkerBeat) -> WorkerRow:
    return WorkerRow(
        worker_id=beat.worker_id,
        state=beat.state.value,
        capacity=beat.capacity,
        held_count=len(beat.held),
        running_count=beat.running_count,
        finished_count=beat.finished_count,
        host=beat.host,
        pid=beat.pid,
        isolation=beat.isolation,
        control_groups=json_text(beat.control_groups) or "[]",
        functions=json_text(beat.functions),
        memory_mb=beat.memory_mb,
        started_at=beat.started_at,
        last_beat_at=beat.at,
    )


def _owner_row(checkpoint: OwnerCheckpointed) -> OwnerRow:
    return OwnerRow(
        role=checkpoint.role,
        partition=checkpoint.partition,
        owner=checkpoint.owner,
        epoch=checkpoint.epoch,
        acquired_at=checkpoint.acquired_at,
        last_checkpoint_at=checkpoint.at,
        watermark=checkpoint.watermark,
        positions=json_text(checkpoint.positions) or "{}",
        replay_from=checkpoint.replay_from,
        zone_data=json_text([use.to_dict() for use in checkpoint.zone_data]) or "[]",
        set_aside=json_text([worker.to_dict() for worker in checkpoint.set_aside]) or "[]",
    )

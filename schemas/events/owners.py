"""Owners' checkpoints (`checkpoints.v1`), the outcomes of commands (`outcomes.v1`), and dead letters (`dlq.v1`)."""

from operator import not_
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import JsonObject, Message, Text, UtcTime, Uuid, Value
from schemas.events.workers import SYSTEM_TENANT, Stall


class ZoneDataUse(Value):
    """From when on a release of the time zone data decided: `version` did for the instants after `after`."""

    version: Annotated[Text, Field(min_length=1, max_length=20)]
    after: UtcTime


class WorkerSetAside(Value):
    """A worker that a dispatcher hands nothing more, for it does not work."""

    worker_id: Annotated[str, Field(min_length=1, max_length=100)]
    stall: Stall


class OwnerCheckpointed(Message):
    """Where an owner stands; written in the same transaction as the records that it accounts for.

    `positions` maps an input topic to the offset of the next record to read. `watermark` (ticker) is the instant up
    to which every fire is out. `replay_from` (dispatcher) is the offset in `executions.v1` of the oldest event that
    is needed to rebuild what is still active. `zone_data` (ticker) tells by which releases of the time zone data the
    partition's instants were computed, oldest first; the last of them is in use. Older checkpoints tell of none.
    `set_aside` (dispatcher) are the workers that get nothing more until they work,
    and `decided_until` is the latest time, by any owner's clock, at which it was decided on anything: `at` may be
    earlier, where a clock was put back. `restoring` says that a backup is being restored into this log: what is there
    is not all of it yet, so nobody may own the partition until a newer checkpoint of the role takes this one's place.
    """

    TYPE: ClassVar[str] = "io.horolog.owner.checkpointed.v1"
    tenant_id: Uuid = SYSTEM_TENANT
    role: Annotated[str, Field(max_length=50)]
    partition: Annotated[int, Field(ge=0)]
    owner: Annotated[str, Field(max_length=200)]
    epoch: int
    acquired_at: UtcTime
    at: UtcTime
    positions: dict[str, int]
    watermark: UtcTime | None = None
    replay_from: int | None = None
    zone_data: Annotated[tuple[ZoneDataUse, ...], Field(exclude_if=not_)] = ()
    set_aside: Annotated[tuple[WorkerSetAside, ...], Field(exclude_if=not_)] = ()
    decided_until: Annotated[UtcTime | None, Field(exclude_if=not_)] = None
    restoring: Annotated[bool, Field(exclude_if=not_)] = False

    def subject(self) -> str:
        return f"{self.role}/{self.partition}"

    def message_id(self) -> str:
        return f"{self.role}/{self.partition}/{self.epoch}/{self.at.isoformat()}"


class CommandAccepted(Message):
    """The command took effect; from `effective_at` on nothing that it forbids will start.

    `execution_seq` is the number of the last event that it brought about in the ledger of `execution_id`;
    `tenant_version` is told by a command about a tenant.
    """

    TYPE: ClassVar[str] = "io.horolog.command.accepted.v1"
    command_id: Uuid
    request_hash: str = ""
    at: UtcTime
    effective_at: UtcTime
    job_id: Uuid | None = None
    job_version: int | None = None
    execution_id: Uuid | None = None
    execution_seq: int | None = None
    tenant_version: int | None = None

    def subject(self) -> str:
        return self.command_id

    def message_id(self) -> str:
        return self.command_id


class CommandRejected(Message):
    """The command had no effect, and why."""

    TYPE: ClassVar[str] = "io.horolog.command.rejected.v1"
    command_id: Uuid
    request_hash: str = ""
    at: UtcTime
    code: Annotated[str, Field(max_length=50)]
    message: Text
    details: JsonObject | None = None

    def subject(self) -> str:
        return self.command_id

    def message_id(self) -> str:
        return self.command_id


class RecordRefused(Message):
    """A record that could not be understood, with the reason; the original value in base64, cut at 64 KiB.

    `offset` is -1 in a letter that was restored from a backup which did not hold the record itself any more.
    """

    TYPE: ClassVar[str] = "io.horolog.record.refused.v1"
    tenant_id: Uuid = SYSTEM_TENANT
    topic: str
    partition: int
    offset: int
    reason: Annotated[Text, Field(max_length=2000)]
    refused_by: str
    at: UtcTime
    value_base64: str
    value_bytes: int

    def subject(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

    def message_id(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"

"""Commands: what callers ask for. The dispatcher that owns the tenant's partition decides.

A command is applied at most once, however often it is sent: `command_id` is its identity. A repeat with the same
id is answered with the first one's outcome, provided that `request_hash` is the same.
"""

from operator import not_
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.base import Actor, JsonObject, Message, Text, UtcTime, Uuid
from schemas.jobs import TAG_COUNT_MAX, JobDefinition, Tag
from schemas.tenants import TenantSettings

RequestHash = Annotated[str, Field(max_length=64)]
WithinTags = Annotated[tuple[Tag, ...], Field(min_length=1, max_length=TAG_COUNT_MAX)]


class Command(Message):
    """The part that all commands share. `issued_at` is the caller's clock and decides nothing.

    With `within_tags` the caller may act only on jobs that carry one of them, as the dispatcher knows them.
    """

    command_id: Uuid
    actor: Actor
    issued_at: UtcTime
    request_hash: RequestHash = ""
    reason: Annotated[Text, Field(max_length=1000)] | None = None
    within_tags: WithinTags | None = None

    def message_id(self) -> str:
        return self.command_id


class CreateJob(Command):
    """Create a job under an id that the caller chose."""

    TYPE: ClassVar[str] = "io.horolog.job.create.v1"
    job_id: Uuid
    definition: JobDefinition

    def subject(self) -> str:
        return self.job_id


class JobCommand(Command):
    """A command about an existing job. With `expected_version` it is refused when the job has moved on."""

    job_id: Uuid
    expected_version: Annotated[int, Field(ge=1)] | None = None

    def subject(self) -> str:
        return self.job_id


class UpdateJob(JobCommand):
    """Replace a job's whole definition."""

    TYPE: ClassVar[str] = "io.horolog.job.update.v1"
    definition: JobDefinition


class PauseJob(JobCommand):
    """Owe no more fires, and start nothing that is still waiting, until resumed."""

    TYPE: ClassVar[str] = "io.horolog.job.pause.v1"


class ResumeJob(JobCommand):
    """Be active again from now on. With `catch_up` the time between is dealt with by the job's misfire policy."""

    TYPE: ClassVar[str] = "io.horolog.job.resume.v1"
    catch_up: Annotated[bool, Field(exclude_if=not_)] = False


class StopJob(JobCommand):
    """Become inactive; what waits or runs is cancelled."""

    TYPE: ClassVar[str] = "io.horolog.job.stop.v1"


class DeleteJob(JobCommand):
    """Stop, and forget the job; its executions stay in the ledger."""

    TYPE: ClassVar[str] = "io.horolog.job.delete.v1"


class TriggerJob(JobCommand):
    """Run the job once, now. `parameters` are merged over a function job's own."""

    TYPE: ClassVar[str] = "io.horolog.job.trigger.v1"
    parameters: JsonObject | None = None


class CancelExecution(Command):
    """End an execution that waits or runs."""

    TYPE: ClassVar[str] = "io.horolog.execution.cancel.v1"
    execution_id: Annotated[str, Field(min_length=1, max_length=100)]

    def subject(self) -> str:
        return self.execution_id


class TenantCommand(Command):
    """A command about a tenant; it is sent under the id of that tenant, whoever asks.

    With `expected_version` it is refused when the tenant has moved on; a tenant that nobody created is at version 0.
    """

    expected_version: Annotated[int, Field(ge=0)] | None = None


class CreateTenant(TenantCommand):
    """Give a tenant settings of its own."""

    TYPE: ClassVar[str] = "io.horolog.tenant.create.v1"
    settings: TenantSettings


class UpdateTenant(TenantCommand):
    """Replace a tenant's settings. What waits and may not run any more is withdrawn."""

    TYPE: ClassVar[str] = "io.horolog.tenant.update.v1"
    settings: TenantSettings


class SuspendTenant(TenantCommand):
    """Start nothing of the tenant until it is resumed: what waits is withdrawn, what runs goes on."""

    TYPE: ClassVar[str] = "io.horolog.tenant.suspend.v1"


class ResumeTenant(TenantCommand):
    """Be active again from now on."""

    TYPE: ClassVar[str] = "io.horolog.tenant.resume.v1"


class BarActor(TenantCommand):
    """Run no job any more that this actor created.

    With `disabled`, because it is a user who was disabled: of its own commands none counts any more, either. That is
    kept apart from what the platform bars, so that who enables a user again lifts nothing else.
    """

    TYPE: ClassVar[str] = "io.horolog.tenant.bar-actor.v1"
    barred_actor: Actor
    disabled: Annotated[bool, Field(exclude_if=not_)] = False


class UnbarActor(TenantCommand):
    """Run the jobs that this actor created again, from now on; with `disabled`, as those of a user enabled again."""

    TYPE: ClassVar[str] = "io.horolog.tenant.unbar-actor.v1"
    barred_actor: Actor
    disabled: Annotated[bool, Field(exclude_if=not_)] = False

"""Deciding on commands about tenants: create, update, suspend, resume, bar and unbar an actor.

Each accepted command that changes something writes the change, the whole tenant for the table, the end of whatever
waits and may not run any more, and the outcome; each rejected one writes its outcome and nothing else. What runs goes
on. A tenant that nobody created can be suspended, and have actors barred: it then has the default settings as its own.
"""

from collections.abc import Sequence
from datetime import datetime

from horolog.domain.tenancy import why_not
from horolog.limits import TENANT_SETTINGS_BYTES_MAX
from schemas.base import Message
from schemas.commands import (
    BarActor,
    CreateTenant,
    ResumeTenant,
    SuspendTenant,
    TenantCommand,
    UnbarActor,
    UpdateTenant,
)
from schemas.events.owners import CommandAccepted
from schemas.events.tenants import (
    ActorBarred,
    ActorUnbarred,
    TenantChanged,
    TenantCreated,
    TenantResumed,
    TenantSuspended,
    TenantTabled,
    TenantUpdated,
)
from schemas.tenants import BARRED_ACTOR_COUNT_MAX, Tenant, TenantSettings, TenantState
from services.dispatcher.book import Book
from services.dispatcher.endings import withdraw
from services.dispatcher.jobs import SETTLE
from services.dispatcher.rejections import reject


def decide_tenant_command(book: Book, command: TenantCommand, now: datetime) -> Sequence[Message]:
    """Decide on a command about a tenant, be it known already or not."""
    known = book.tenants.get(command.tenant_id)
    version = 0 if known is None else known.version
    if command.expected_version is not None and command.expected_version != version:
        text = f"the tenant is at version {version}, not {command.expected_version}; read it again"
        return [reject(command, now, "VERSION_CONFLICT", text)]
    if isinstance(command, CreateTenant) and known is not None:
        return [reject(command, now, "TENANT_ALREADY_EXISTS", f"the tenant {command.tenant_id} exists already")]
    if isinstance(command, UpdateTenant) and known is None:
        return [reject(command, now, "TENANT_NOT_FOUND", f"nobody created the tenant {command.tenant_id}")]
    before = known or _implicit(book, command, now)
    event, state, settings = _wanted(command, before)
    if (problem := _problem(settings)) is not None:
        return [reject(command, now, "INVALID_TENANT", problem)]
    is_new = isinstance(command, CreateTenant)
    if not is_new and (state, settings) == (before.state, before.settings):
        return [_accepted(command, version or None, now, now)]
    after = Tenant(
        tenant_id=command.tenant_id,
        state=state,
        settings=settings,
        version=version + 1,
        created_by=before.created_by,
        created_at=before.created_at,
        updated_at=now,
    )
    return _changed(book, event, command, known, after, now)


def _wanted(command: TenantCommand, before: Tenant) -> tuple[type[TenantChanged], TenantState, TenantSettings]:
    """What the command makes of the tenant."""
    settings = before.settings
    if isinstance(command, CreateTenant):
        return TenantCreated, before.state, command.settings
    if isinstance(command, UpdateTenant):
        return TenantUpdated, before.state, command.settings
    if isinstance(command, SuspendTenant):
        return TenantSuspended, TenantState.SUSPENDED, settings
    if isinstance(command, ResumeTenant):
        return TenantResumed, TenantState.ACTIVE, settings
    if isinstance(command, BarActor):
        barred = tuple(dict.fromkeys((*settings.barred_actors, command.barred_actor)))
        return ActorBarred, before.state, settings.model_copy(update={"barred_actors": barred})
    assert isinstance(command, UnbarActor)
    left = tuple(actor for actor in settings.barred_actors if actor != command.barred_actor)
    return ActorUnbarred, before.state, settings.model_copy(update={"barred_actors": left})


def _implicit(book: Book, command: TenantCommand, now: datetime) -> Tenant:
    return Tenant(
        tenant_id=command.tenant_id,
        settings=book.tenants.defaults,
        created_by=command.actor,
        created_at=now,
        updated_at=now,
    )


def _problem(settings: TenantSettings) -> str | None:
    """Why the log cannot carry these settings."""
    if len(settings.barred_actors) > BARRED_ACTOR_COUNT_MAX:
        return f"no more than {BARRED_ACTOR_COUNT_MAX} actors can be barred"
    size = len(settings.to_json())
    if size > TENANT_SETTINGS_BYTES_MAX:
        return f"the settings take {size} bytes; at most {TENANT_SETTINGS_BYTES_MAX} are allowed"
    return None


def _changed(
    book: Book, event: type[TenantChanged], command: TenantCommand, before: Tenant | None, after: Tenant, now: datetime
) -> Sequence[Message]:
    withdrawn: list[Message] = []
    is_held = False
    for execution in [e for e in book.executions.values() if e.tenant_id == after.tenant_id]:
        job = book.jobs.get(execution.job_id)
        reason = None if job is None else why_not(job, after.state, after.settings)
        if reason is not None:
            withdrawn += withdraw(book, execution, reason, command.actor, now)
            is_held |= execution.in_flight
    change = event(
        tenant_id=after.tenant_id,
        actor=command.actor,
        at=now,
        command_id=command.command_id,
        reason=command.reason,
        tenant=after,
        before=before,
    )
    tabled = TenantTabled(tenant_id=after.tenant_id, tenant=after)
    effective_at = now + SETTLE if is_held else now
    return [*withdrawn, change, tabled, _accepted(command, after.version, now, effective_at)]


def _accepted(command: TenantCommand, version: int | None, now: datetime, effective_at: datetime) -> CommandAccepted:
    return CommandAccepted(
        tenant_id=command.tenant_id,
        command_id=command.command_id,
        request_hash=command.request_hash,
        at=now,
        effective_at=effective_at,
        tenant_version=version,
    )

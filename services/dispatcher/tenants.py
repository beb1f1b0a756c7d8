"""Deciding on commands about tenants: create, update, suspend, resume, bar and unbar an actor.

Each accepted command that changes something writes the change, the whole tenant for the table, the end of whatever
waits and may not run any more, and the outcome; each rejected one writes its outcome and nothing else. What runs goes
on. A tenant that nobody created can be suspended, and have actors barred; the settings that dispatchers were started
with go on to hold for it. Disabled users are kept apart from the settings: whoever changes these does not let them back
in, and enabling one lifts nothing that the platform has barred.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from horolog.domain.tenancy import settings_in_force, why_not
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
from schemas.tenants import BARRED_ACTOR_COUNT_MAX, CLOSED, DisabledOwner, Tenant, TenantSettings, TenantState
from services.dispatcher.book import Book
from services.dispatcher.endings import withdraw
from services.dispatcher.jobs import SETTLE
from services.dispatcher.rejections import reject

UNDER_WAY_MAX = timedelta(hours=1)
"""A command that was let in before its user was disabled is decided on within this: tokens are good for another 10 s,
requests take seconds, and clients of Kafka give up after minutes.
"""
_WAY_OUT = "delete the jobs of some of them, an hour after they were disabled, or suspend the tenant"


def decide_tenant_command(book: Book, command: TenantCommand, now: datetime) -> Sequence[Message]:
    """Decide on a command about a tenant, be it known already or not."""
    known = book.tenants.get(command.tenant_id)
    if (refusal := _refusal(book, command, known)) is not None:
        return [reject(command, now, *refusal)]
    before = known or _implicit(book, command, now)
    event, wanted = _wanted(book, command, before, now)
    if (problem := _problem(wanted)) is not None:
        return [reject(command, now, *problem)]
    version = 0 if known is None else known.version
    if wanted == before and not isinstance(command, CreateTenant):
        return [_accepted(command, version or None, now, now)]
    after = wanted.model_copy(update={"version": version + 1, "updated_at": now})
    return _changed(book, event, command, known, after, now)


def _refusal(book: Book, command: TenantCommand, known: Tenant | None) -> tuple[str, str] | None:
    """The code and the sentence that refuse a command for what the tenant is at present."""
    version = 0 if known is None else known.version
    is_created = known is not None and known.own_settings
    if command.expected_version is not None and command.expected_version != version:
        text = f"the tenant is at version {version}, not {command.expected_version}; read it again"
        return "VERSION_CONFLICT", text
    if isinstance(command, CreateTenant) and is_created:
        return "TENANT_ALREADY_EXISTS", f"the tenant {command.tenant_id} exists already"
    if isinstance(command, UpdateTenant) and not is_created:
        return "TENANT_NOT_FOUND", f"nobody created the tenant {command.tenant_id}"
    if isinstance(command, UnbarActor) and not command.disabled and not is_created:
        return _default_bar(command.barred_actor, book.tenants.defaults)
    return None


def _default_bar(actor: str, defaults: TenantSettings) -> tuple[str, str] | None:
    if actor not in defaults.barred_actors:
        return None
    return "INVALID_TENANT", f"{actor} is barred from every tenant that nobody created; create this one first"


def _wanted(book: Book, command: TenantCommand, before: Tenant, now: datetime) -> tuple[type[TenantChanged], Tenant]:
    """What the command makes of the tenant."""
    if isinstance(command, CreateTenant):
        made = {"settings": command.settings, "own_settings": True, "created_by": command.actor, "created_at": now}
        return TenantCreated, before.model_copy(update=made)
    if isinstance(command, UpdateTenant):
        return TenantUpdated, before.model_copy(update={"settings": command.settings})
    if isinstance(command, SuspendTenant):
        return TenantSuspended, before.model_copy(update={"state": TenantState.SUSPENDED})
    if isinstance(command, ResumeTenant):
        return TenantResumed, before.model_copy(update={"state": TenantState.ACTIVE})
    if isinstance(command, BarActor):
        return ActorBarred, _barred(book, command, before, now)
    assert isinstance(command, UnbarActor)
    return ActorUnbarred, _unbarred(command, before)


def _barred(book: Book, command: BarActor, before: Tenant, now: datetime) -> Tenant:
    if not command.disabled:
        barred = tuple(dict.fromkeys((*before.settings.barred_actors, command.barred_actor)))
        return _with_barred(before, barred)
    kept = before.disabled_owners
    if any(one.actor == command.barred_actor for one in kept):
        return before
    if len(kept) >= BARRED_ACTOR_COUNT_MAX:
        # Who owns no job needs no place, once nothing that it asked for can still be under way.
        recently = now - UNDER_WAY_MAX
        kept = tuple(one for one in kept if one.since > recently or book.jobs.owns_any(before.tenant_id, one.actor))
    added = DisabledOwner(actor=command.barred_actor, since=now)
    return before.model_copy(update={"disabled_owners": (*kept, added)})


def _unbarred(command: UnbarActor, before: Tenant) -> Tenant:
    if not command.disabled:
        left = tuple(actor for actor in before.settings.barred_actors if actor != command.barred_actor)
        return _with_barred(before, left)
    owners = tuple(one for one in before.disabled_owners if one.actor != command.barred_actor)
    return before.model_copy(update={"disabled_owners": owners})


def _with_barred(tenant: Tenant, barred: tuple[str, ...]) -> Tenant:
    settings = tenant.settings.model_copy(update={"barred_actors": barred})
    return tenant.model_copy(update={"settings": settings})


def _implicit(book: Book, command: TenantCommand, now: datetime) -> Tenant:
    """A tenant that nobody created, without settings of its own.

    The release before this one knows of no such tenant: beside it, one has the default settings as its own.
    """
    return Tenant(
        tenant_id=command.tenant_id,
        settings=book.tenants.defaults if book.is_upgrading else CLOSED,
        own_settings=book.is_upgrading,
        created_by=command.actor,
        created_at=now,
        updated_at=now,
    )


def _problem(tenant: Tenant) -> tuple[str, str] | None:
    """The code and the sentence that tell why the log cannot carry the tenant."""
    settings = tenant.settings
    if len(settings.barred_actors) > BARRED_ACTOR_COUNT_MAX:
        return "INVALID_TENANT", f"no more than {BARRED_ACTOR_COUNT_MAX} actors can be barred"
    if len(tenant.disabled_owners) > BARRED_ACTOR_COUNT_MAX:
        return "BARRED_LIST_FULL", f"{BARRED_ACTOR_COUNT_MAX} disabled users of the tenant are told already; {_WAY_OUT}"
    size = len(settings.to_json()) + sum(len(one.to_json()) for one in tenant.disabled_owners)
    if size > TENANT_SETTINGS_BYTES_MAX:
        text = f"the settings and the disabled users take {size} bytes; at most {TENANT_SETTINGS_BYTES_MAX} are allowed"
        return "INVALID_TENANT", text
    return None


def _changed(
    book: Book, event: type[TenantChanged], command: TenantCommand, before: Tenant | None, after: Tenant, now: datetime
) -> Sequence[Message]:
    withdrawn: list[Message] = []
    is_held = False
    in_force = settings_in_force(after, book.tenants.defaults)
    for execution in [e for e in book.executions.values() if e.tenant_id == after.tenant_id]:
        job = book.jobs.get(execution.job_id)
        reason = None if job is None else why_not(job, after.state, in_force)
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

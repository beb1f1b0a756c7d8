"""Tenants in memory: implements `TenantReader`, and applies commands about tenants as far as the API's tests need."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from projections.views import Cursor, TenantView, UsageView
from schemas.commands import (
    BarActor,
    CreateTenant,
    ResumeTenant,
    SuspendTenant,
    TenantCommand,
    UnbarActor,
    UpdateTenant,
)
from schemas.tenants import CLOSED, TenantSettings


@dataclass
class MemoryTenants:
    """What was made of each tenant; and what is said to have been used by whom."""

    rows: dict[str, TenantView] = field(default_factory=dict)
    used: list[tuple[str, UsageView]] = field(default_factory=list)
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    async def tenant(self, tenant_id: str) -> TenantView | None:
        return self.rows.get(tenant_id)

    async def tenants(self, after: Cursor | None, limit: int) -> Sequence[TenantView]:
        rows = sorted(self.rows.values(), key=lambda row: (row.created_at, row.tenant_id), reverse=True)
        return [row for row in rows if after is None or (row.created_at, row.tenant_id) < (after.at, after.id)][:limit]

    async def usage(self, tenant_id: str, start: datetime, end: datetime) -> Sequence[UsageView]:
        self.asked.append((tenant_id, start, end))
        return [row for owner, row in self.used if owner == tenant_id]

    def objection(self, command: TenantCommand) -> str | None:
        """Why the command is rejected, if it is."""
        row = self.rows.get(command.tenant_id)
        is_created = row is not None and row.own_settings
        if command.expected_version not in (None, row.version if row else 0):
            return "VERSION_CONFLICT"
        if isinstance(command, CreateTenant) and is_created:
            return "TENANT_ALREADY_EXISTS"
        return "TENANT_NOT_FOUND" if isinstance(command, UpdateTenant) and not is_created else None

    def apply(self, command: TenantCommand, now: datetime) -> int:
        """The tenant's version after the command."""
        row = self.rows.get(command.tenant_id) or TenantView(
            command.tenant_id, 0, "active", CLOSED.to_dict(), command.actor, now, now, own_settings=False
        )
        settings, owners = TenantSettings.model_validate(row.settings), row.disabled_owners
        if isinstance(command, CreateTenant | UpdateTenant):
            settings, row = command.settings, replace(row, own_settings=True)
        elif isinstance(command, BarActor | UnbarActor) and command.disabled:
            others = [actor for actor in owners if actor != command.barred_actor]
            owners = [*others, command.barred_actor] if isinstance(command, BarActor) else others
        elif isinstance(command, BarActor):
            settings = settings.model_copy(update={"barred_actors": (*settings.barred_actors, command.barred_actor)})
        elif isinstance(command, UnbarActor):
            settings = settings.model_copy(update={"barred_actors": ()})
        state = {SuspendTenant: "suspended", ResumeTenant: "active"}.get(type(command), row.state)
        changed = replace(
            row,
            version=row.version + 1,
            state=state,
            settings=settings.to_dict(),
            updated_at=now,
            disabled_owners=owners,
        )
        self.rows[command.tenant_id] = changed
        return changed.version

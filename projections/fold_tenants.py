"""Tenant changes into rows: the latest row of each tenant, and every change for its history."""

import json
from collections.abc import Iterable

from projections.rows import TenantChangeRow, TenantRow
from schemas.events.tenants import TenantChanged


def fold_tenants(changes: Iterable[TenantChanged]) -> list[TenantRow]:
    """The last state of each tenant, in the order of ids."""
    last: dict[str, TenantChanged] = {}
    for change in changes:
        known = last.get(change.tenant_id)
        if known is None or change.tenant.version > known.tenant.version:
            last[change.tenant_id] = change
    return [_tenant_row(last[tenant_id]) for tenant_id in sorted(last)]


def fold_tenant_changes(changes: Iterable[TenantChanged]) -> list[TenantChangeRow]:
    """One row for each version; a version told again is the one that was told first."""
    first: dict[tuple[str, int], TenantChanged] = {}
    for change in changes:
        first.setdefault((change.tenant_id, change.tenant.version), change)
    return [_change_row(change) for change in first.values()]


def _tenant_row(change: TenantChanged) -> TenantRow:
    tenant = change.tenant
    return TenantRow(
        tenant_id=tenant.tenant_id,
        version=tenant.version,
        state=tenant.state.value,
        name=tenant.settings.name,
        settings=tenant.settings.to_json().decode(),
        own_settings=tenant.own_settings,
        disabled_owners=json.dumps([one.actor for one in tenant.disabled_owners]),
        created_by=tenant.created_by,
        created_at=tenant.created_at,
        updated_at=tenant.updated_at,
    )


def _change_row(change: TenantChanged) -> TenantChangeRow:
    return TenantChangeRow(
        tenant_id=change.tenant_id,
        version=change.tenant.version,
        at=change.at,
        action=change.TYPE,
        actor=change.actor,
        reason=change.reason,
        command_id=change.command_id,
        before=change.before.to_json().decode() if change.before else None,
        after=change.tenant.to_json().decode(),
    )

"""Tenants in the shapes that callers send and get."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue, ValidationError

from horolog.domain.tenancy import own_or_default
from projections.views import TenantView, UsageView
from schemas.events.workers import SYSTEM_TENANT
from schemas.tenants import TenantSettings, TenantState
from services.api.errors import ApiError
from services.api.ports import Principal
from services.api.requests import known_uuid
from services.api.validation import problems_of


def tenant_body(tenant: TenantView, defaults: TenantSettings) -> dict[str, Any]:
    """A tenant with all of its settings, those that are not set included."""
    own = TenantSettings.model_validate(tenant.settings)
    settings = own_or_default(own, tenant.own_settings, defaults).model_dump(mode="json", by_alias=True)
    return {
        "tenantId": tenant.tenant_id,
        "state": tenant.state,
        "version": tenant.version,
        "ownSettings": tenant.own_settings,
        "disabledOwners": tenant.disabled_owners,
        **settings,
        "createdBy": tenant.created_by,
        "createdAt": tenant.created_at,
        "updatedAt": tenant.updated_at,
    }


def implicit_body(tenant_id: str, defaults: TenantSettings) -> dict[str, Any]:
    """A tenant about which nothing was ever decided."""
    unknown = dict.fromkeys(("createdBy", "createdAt", "updatedAt"))
    settings = defaults.model_dump(mode="json", by_alias=True)
    nothing = {"version": 0, "ownSettings": False, "disabledOwners": []}
    return {"tenantId": tenant_id, "state": TenantState.ACTIVE.value, **nothing, **settings, **unknown}


def usage_body(rows: Sequence[UsageView]) -> list[dict[str, Any]]:
    """One entry for each day that there is anything of."""
    days: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = row.day.isoformat()
        day = days.setdefault(name, {"day": name, "total": 0, "byStatus": {}, "durationMs": 0})
        day["byStatus"][row.status] = row.count
        day["total"] += row.count
        day["durationMs"] += row.duration_ms
    return list(days.values())


def read_settings(raw: object) -> TenantSettings:
    """The settings that a body holds.

    Raises:
        ApiError: INVALID_BODY, with every problem.
    """
    try:
        return TenantSettings.read(raw)
    except ValidationError as error:
        told: JsonValue = [problem.to_dict() for problem in problems_of(error)]
        raise ApiError("INVALID_BODY", "The tenant's settings have problems.", told) from None


def changed_settings(present: Mapping[str, Any], changes: object) -> TenantSettings:
    """The settings with these changes; a quota is changed alone, everything else as a whole.

    Raises:
        ApiError: INVALID_BODY
    """
    if not isinstance(changes, Mapping):
        return read_settings(changes)
    quotas = changes.get("quotas")
    if isinstance(quotas, Mapping):
        changes = {**changes, "quotas": {**present["quotas"], **quotas}}
    return read_settings({**present, **changes})


def acting_for(caller: Principal, tenant_id: object) -> Principal:
    """The caller, who speaks for another tenant than its own; for one that manages tenants only.

    Raises:
        ApiError: TENANT_NOT_FOUND, when it is no tenant's id.
    """
    known = known_uuid(tenant_id if isinstance(tenant_id, str) else "", "TENANT_NOT_FOUND")
    if known == SYSTEM_TENANT:
        raise ApiError("TENANT_NOT_FOUND")
    return replace(caller, tenant_id=known)

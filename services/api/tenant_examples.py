"""Examples of the bodies about tenants; `examples` has those of all others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_TENANT = "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11"
_CREATED = "2026-03-01T08:00:00Z"
_NOW = "2026-03-02T08:00:00Z"
_SETTINGS: dict[str, Any] = {
    "name": "bakery",
    "quotas": {
        "maxJobs": 500,
        "maxRunning": 20,
        "maxQueued": 5000,
        "firesPerMinute": 600,
        "minIntervalSeconds": 60,
        "outputBytesMax": 16384,
        "requestsPerSecond": 20.0,
    },
    "weight": 2,
    "allowedExecutables": ["/usr/local/bin/report"],
    "allowedModules": ["bakery.tasks"],
    "httpAllowed": ["10.20.0.0/16"],
    "barredActors": ["user:17"],
}
_BODY: dict[str, Any] = {
    "tenantId": _TENANT,
    "state": "active",
    "version": 3,
    "ownSettings": True,
    "disabledOwners": ["user:ada"],
    **_SETTINGS,
    "createdBy": "user:1",
    "createdAt": _CREATED,
    "updatedAt": _NOW,
}
_USED = {"day": "2026-03-01", "total": 25, "byStatus": {"completed": 24, "skipped": 1}, "durationMs": 48_200}

TENANT_EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "CreateTenantBody": {"tenantId": _TENANT, **_SETTINGS},
        "TenantSettings": {"weight": 3, "quotas": {"maxRunning": 50, "firesPerMinute": None}},
        "TenantResponse": _BODY,
        "TenantPage": {"items": [_BODY], "nextCursor": None},
        "OwnTenantResponse": {**_BODY, "usage": {"jobs": 12, "running": 2, "queued": 0}},
        "UsageResponse": {"start": _CREATED, "end": _NOW, "days": [_USED]},
        "EraseTenantBody": {"tenantId": _TENANT},
        "ErasedTenantResponse": {"tenantId": _TENANT, "erased": True, "hadAny": True},
        "InternalTenantAnswer": {
            "success": True,
            "timestamp": _NOW,
            "serviceName": "scheduler-service",
            "data": _BODY,
        },
    }
)

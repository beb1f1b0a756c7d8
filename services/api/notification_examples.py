"""The examples of the bodies of notifications; `examples` has those of all others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_RULE = {
    "name": "billing fails",
    "kinds": ["failed", "recovered"],
    "jobIds": [],
    "tags": ["billing"],
    "groupSeconds": 60,
    "throttleCount": 30,
    "throttleSeconds": 3600,
    "lateSeconds": 60,
    "enabled": True,
}
_CHANNEL = {"type": "webhook", "url": "https://example.com/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
_KEPT = {
    "id": "0e4c1a5e-0f0b-4b53-9b7c-3a1f2e3d4c5b",
    **_RULE,
    "channelType": "webhook",
    "version": 1,
    "createdBy": "user:ada",
    "createdAt": "2026-03-01T08:00:00Z",
    "updatedAt": "2026-03-01T08:00:00Z",
}
_DELIVERY = {
    "id": "8c9e5b1f-7d24-5e63-9a8b-1f2e3d4c5b6a",
    "ruleId": _KEPT["id"],
    "ruleName": "billing fails",
    "channelType": "webhook",
    "jobId": "b7a1c9de-52f3-5c11-8d0a-6f1d2e3c4b5a",
    "kind": "failed",
    "factCount": 3,
    "droppedCount": 0,
    "state": "waiting",
    "madeAt": "2026-03-02T01:30:00Z",
    "nextAttemptAt": "2026-03-02T01:30:20Z",
    "attempt": 2,
    "attemptedAt": "2026-03-02T01:30:05Z",
    "durationMs": 84,
    "statusCode": 503,
    "failure": "HTTP_503",
    "endedAt": None,
}

NOTIFICATION_EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "RuleBody": {**_RULE, "channel": _CHANNEL},
        "RuleChangeBody": {**_RULE, "enabled": False},
        "RuleResponse": _KEPT,
        "RulePage": {"items": [_KEPT], "nextCursor": None},
        "DeliveryResponse": _DELIVERY,
        "DeliveryPage": {"items": [_DELIVERY], "nextCursor": None},
    }
)

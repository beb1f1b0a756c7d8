"""Examples of the bodies about users and sessions; `examples` has those of all others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

_USER: dict[str, Any] = {
    "id": "5d2c7a90-1b3e-4f6a-8c9d-0e1f2a3b4c5d",
    "tenantId": "3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11",
    "name": "ada",
    "roles": ["developer"],
    "tags": ["billing"],
    "disabled": False,
    "mustChangePassword": True,
    "createdAt": "2026-03-01T08:00:00Z",
    "lastLoginAt": None,
}
_SESSION: dict[str, Any] = {
    "id": "6e3d8ba1-2c4f-4a7b-9dae-1f2a3b4c5d6e",
    "createdAt": "2026-03-01T08:00:00Z",
    "lastUsedAt": "2026-03-02T01:30:00Z",
    "idleUntil": "2026-03-03T01:30:00Z",
    "expiresAt": "2026-03-15T08:00:00Z",
}

ACCOUNT_EXAMPLES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "TokenBody": {"name": "ada", "password": "correct horse battery staple"},
        "RefreshBody": {"refreshToken": "q1W2…"},
        "PasswordBody": {
            "name": "ada",
            "password": "correct horse battery staple",
            "newPassword": "a longer and a better one",
        },
        "TokenResponse": {
            "accessToken": "eyJ…",
            "tokenType": "Bearer",
            "expiresIn": 600,
            "refreshToken": "q1W2…",
        },
        "UserCreateBody": {"name": "ada", "roles": ["developer"], "tags": ["billing"]},
        "UserChangeBody": {"roles": ["operator"], "disabled": False},
        "UserResponse": _USER,
        "UserPage": {"items": [_USER], "nextCursor": None},
        "NewUserResponse": {"user": _USER, "oneTimePassword": "Xy9…"},
        "OneTimePasswordResponse": {"oneTimePassword": "Xy9…"},
        "SessionsResponse": {"items": [_SESSION]},
    }
)

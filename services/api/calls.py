"""What the audit trail is told of a call, from when it comes in until it is answered.

Guarantee: of what the caller wrote nothing is told but ids: a part of the address that cannot be an id is left out, and
of an unknown address or method not even that is told.
"""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from schemas.base import UUID_PATTERN
from services.api.permissions import Permission
from services.api.ports import Principal

SENT, DONE = "SENT", "OK"
"""The codes of a call that became a command, and of one that was carried out at once."""
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
JUDGING = frozenset({"/api/v1/scheduler/jobs/validate", "/api/v1/scheduler/jobs/{job_id}/validate"})
"""The addresses that take a POST and change nothing."""
REFUSALS_OF_READING = frozenset({401, 403, 429})
"""What is told of calls that only read; that there is no such thing is told of changes only."""
_METHODS = CHANGING | {"GET", "HEAD", "OPTIONS"}
_ROUTE_UNKNOWN = "unknown"
_UUID = re.compile(UUID_PATTERN)
_NAME = re.compile(r"[A-Za-z0-9:._@/-]{1,100}")


@dataclass(slots=True)
class Call:
    """One call under way; the gate puts it into the scope as `call`, and whoever learns more takes note of it here.

    `caller` is whom the call has proved to be from, where the gate could not know it. `tenant_id` is whose commands it
    became, and `command_id` which one, if that was one.
    """

    code: str = ""
    caller: Principal | None = None
    tenant_id: str = ""
    command_id: str | None = None

    @property
    def is_sent(self) -> bool:
        """Whether it became commands, which the audit trail tells of already."""
        return bool(self.tenant_id)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where commands come from: the call that they are made of, as far as it is told, and its trace."""

    call: Call
    address: str
    method: str
    route: str
    traceparent: str | None = None


def call_of(scope: MutableMapping[str, Any]) -> Call:
    """The call of a request."""
    call = scope["call"]
    assert isinstance(call, Call)
    return call


def method_of(scope: Mapping[str, Any]) -> str:
    """The request's method, if it is one."""
    return scope["method"] if scope["method"] in _METHODS else "OTHER"


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the request's address."""
    return str(getattr(scope.get("route"), "path", _ROUTE_UNKNOWN))


def object_of(scope: Mapping[str, Any]) -> str:
    """The ids in the request's address."""
    if route_of(scope) == _ROUTE_UNKNOWN:
        return ""
    parts = scope.get("path_params", {}).items()
    return "/".join(str(value) for name, value in parts if _is_id(name, str(value)))[:200]


def is_told(scope: Mapping[str, Any], status: int, call: Call) -> bool:
    """Whether the end of a call belongs into the audit trail; what became a command and went well is there already."""
    if scope["method"] in CHANGING and route_of(scope) not in JUDGING:
        return status >= 400 or not call.is_sent
    return status in REFUSALS_OF_READING


def signed_in(request: Request, tenant_id: str, name: str) -> None:
    """Take note of who has proved to be who, by what was sent."""
    no_permissions: frozenset[Permission] = frozenset()
    call_of(request.scope).caller = Principal(tenant_id, f"user:{name}", no_permissions)


def _is_id(name: str, value: str) -> bool:
    return bool((_UUID if name.endswith("_id") else _NAME).fullmatch(value))

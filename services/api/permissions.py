"""What a caller may be allowed to do, and the roles that stand for it.

Guarantee: what is not granted is refused; a role that is not known here grants nothing.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """One thing that callers do; every route of the public API demands exactly one."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    JOBS_OPERATE = "jobs:operate"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_CANCEL = "executions:cancel"
    SYSTEM_READ = "system:read"
    SECRETS_WRITE = "secrets:write"


EVERYTHING = frozenset(Permission)
_READING = frozenset({Permission.JOBS_READ, Permission.EXECUTIONS_READ, Permission.SYSTEM_READ})
_OPERATING = _READING | {Permission.JOBS_OPERATE, Permission.EXECUTIONS_CANCEL}

ROLES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {
        "viewer": _READING,
        "operator": _OPERATING,
        "developer": _OPERATING | {Permission.JOBS_WRITE, Permission.SECRETS_WRITE},
        "admin": EVERYTHING,
    }
)


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """What all of the roles together allow."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))

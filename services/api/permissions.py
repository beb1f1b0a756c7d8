"""What a caller may be allowed to do, and the roles that stand for it.

Guarantee: what is not granted is refused; a role that is not known here grants nothing. `EVERYTHING` is all that there
is to do with a tenant's jobs; managing users and tenants is in no token that does not come from a user with the role.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType


class Permission(StrEnum):
    """One thing that callers do; every route of the public API demands exactly one.

    `JOBS_CREATE_COMMAND` and `EXECUTIONS_READ_OUTPUT` are demanded besides, by what a job or an execution holds
    (`finer_permissions`).
    """

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    JOBS_CREATE_COMMAND = "jobs:create-command"
    JOBS_OPERATE = "jobs:operate"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_READ_OUTPUT = "executions:read-output"
    EXECUTIONS_CANCEL = "executions:cancel"
    SYSTEM_READ = "system:read"
    SECRETS_WRITE = "secrets:write"
    NOTIFICATIONS_READ = "notifications:read"
    NOTIFICATIONS_WRITE = "notifications:write"
    AUDIT_READ = "audit:read"
    USERS_MANAGE = "users:manage"
    TENANTS_MANAGE = "tenants:manage"
    TENANTS_ERASE = "tenants:erase"


PLATFORM_ADMIN = "platform-admin"
"""The one role that reaches beyond a tenant; it reads no tenant's jobs."""
_READING = frozenset(
    {
        Permission.JOBS_READ,
        Permission.EXECUTIONS_READ,
        Permission.EXECUTIONS_READ_OUTPUT,
        Permission.SYSTEM_READ,
        Permission.NOTIFICATIONS_READ,
    }
)
_OPERATING = _READING | {Permission.JOBS_OPERATE, Permission.EXECUTIONS_CANCEL}
EVERYTHING = _OPERATING | {
    Permission.JOBS_WRITE,
    Permission.JOBS_CREATE_COMMAND,
    Permission.SECRETS_WRITE,
    Permission.NOTIFICATIONS_WRITE,
}

WITHIN_TAGS = frozenset(
    {
        Permission.JOBS_READ,
        Permission.JOBS_WRITE,
        Permission.JOBS_CREATE_COMMAND,
        Permission.JOBS_OPERATE,
        Permission.EXECUTIONS_READ,
        Permission.EXECUTIONS_READ_OUTPUT,
        Permission.EXECUTIONS_CANCEL,
    }
)
"""What can be granted for jobs with certain tags only. A grant that is so narrowed allows nothing else."""
NARROWABLE = ("viewer", "operator", "developer")
"""The roles of users that can be narrowed to tags."""

ROLES: Mapping[str, frozenset[Permission]] = MappingProxyType(
    {
        "viewer": _READING,
        "operator": _OPERATING,
        "developer": EVERYTHING,
        "admin": EVERYTHING | {Permission.USERS_MANAGE, Permission.AUDIT_READ},
        "auditor": frozenset({Permission.AUDIT_READ}),
        PLATFORM_ADMIN: frozenset({Permission.USERS_MANAGE, Permission.TENANTS_MANAGE, Permission.TENANTS_ERASE}),
    }
)


def permissions_of(roles: Iterable[str]) -> frozenset[Permission]:
    """What all of the roles together allow."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))

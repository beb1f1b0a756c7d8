"""What a caller may be allowed to do."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing that callers do; every route of the public API demands exactly one."""

    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    JOBS_OPERATE = "jobs:operate"
    EXECUTIONS_READ = "executions:read"
    EXECUTIONS_CANCEL = "executions:cancel"
    SYSTEM_READ = "system:read"


EVERYTHING = frozenset(Permission)

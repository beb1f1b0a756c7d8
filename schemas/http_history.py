"""The bodies of the REST API that speak of a job's past and future: versions, rollback, preview of fires.

Guarantee: as in `schemas.http`, whose conventions hold here too.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from schemas.base import Body, Text, Value
from schemas.jobs import JobStatus

VERSION_MAX = 2_147_483_647
Transition = Literal["gap-shifted", "first-of-two", "second-of-two"]


class FieldDifference(Value):
    """One place at which a version differs from the one before it; `path` is a JSON Pointer (RFC 6901)."""

    path: str
    before: JsonValue
    after: JsonValue


class VersionResponse(Value):
    """One version of a job: in force from `at` until `until` (null: still), and what it changed.

    `diff` is empty for the first version, and for one that changed nothing.
    """

    version: int
    at: datetime
    until: datetime | None
    change: str
    status: JobStatus
    actor: str
    reason: str | None
    command_id: str | None
    diff: tuple[FieldDifference, ...]


class VersionPage(Value):
    """A job's versions, newest first. `nextCursor` is null on the last page."""

    items: tuple[VersionResponse, ...]
    next_cursor: str | None


class RollbackBody(Body):
    """Which version's definition the job is to have again, and why; the reason is kept in the audit trail."""

    to_version: Annotated[int, Field(ge=1, le=VERSION_MAX)]
    reason: Annotated[Text, Field(max_length=900)] | None = None


class FireResponse(Value):
    """One instant in UTC, and on the wall clock of the job's zone.

    `active` is false where the job is not: the instant would be owed only if it were resumed now. `dst` is there
    when the clocks change: the instant stands for a local time that was skipped (`gap-shifted`), or its local time
    comes twice and this is the first or the second of the two.
    """

    at: datetime
    local_time: datetime
    dst: Transition | None
    active: bool


class FiresResponse(Value):
    """The instants in [`from`, `to`), earliest first; up to now those that were owed, by the versions then in force.

    `nextFrom` is the `from` with which the list goes on; null when it is complete.
    """

    job_id: str
    status: JobStatus
    timezone: str
    start: Annotated[datetime, Field(alias="from")]
    end: Annotated[datetime | None, Field(alias="to")]
    items: tuple[FireResponse, ...]
    next_from: datetime | None

"""A job's history: its versions, what each of them changed, and the jobs as they were at an instant.

Guarantee: a version says the same whether it is folded from the log here or read from the read models. What held at
an instant is the highest version decided by then, also where an owner's clock was set back between two versions.
Source: RFC 6901 (JSON Pointer) for the paths of differences.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from schemas.events.jobs import JobChanged
from schemas.jobs import Job

_CHANGE_PART = 3
"""Where the change stands in a type: `io.horolog.job.updated.v1`."""


@dataclass(frozen=True, slots=True)
class JobVersion:
    """One version of a job, in force from `at` until `until` (None: still). `change` is the type of its event."""

    job: Job
    at: datetime
    until: datetime | None
    change: str
    actor: str
    reason: str | None
    command_id: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One place at which two versions differ; None stands for nothing there as well."""

    path: str
    before: JsonValue
    after: JsonValue


class _Absent:
    """Nothing there: not the same as a null that a caller put into a body or a parameter."""


_ABSENT = _Absent()


def change_name(type_: str) -> str:
    """The change that an event's type names: `updated` of `io.horolog.job.updated.v1`; else the type itself."""
    parts = type_.split(".")
    return parts[_CHANGE_PART] if len(parts) > _CHANGE_PART else type_


def differences(before: Job | None, after: Job) -> tuple[Difference, ...]:
    """What a caller sees differ between two versions, in the order of the paths; nothing for a first version.

    Objects are compared field by field, lists as a whole.
    """
    return () if before is None else tuple(_compare("", _visible(before), _visible(after)))


def note_change(jobs: dict[str, Job], change: JobChanged, at: datetime) -> None:
    """Take one change into the jobs as of `at`; changes may come in any order, and more than once."""
    known = jobs.get(change.job_id)
    if change.at <= at and (known is None or change.job.version > known.version):
        jobs[change.job_id] = change.job


def existing(jobs: Mapping[str, Job]) -> list[Job]:
    """The jobs that are not deleted, by tenant, then oldest first."""
    found = [job for job in jobs.values() if not job.deleted]
    return sorted(found, key=lambda job: (job.tenant_id, job.created_at, job.job_id))


def _visible(job: Job) -> dict[str, JsonValue]:
    return {**job.definition.to_dict(), "status": job.status.value, "deleted": job.deleted}


def _compare(path: str, before: JsonValue | _Absent, after: JsonValue | _Absent) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            escaped = name.replace("~", "~0").replace("/", "~1")
            yield from _compare(f"{path}/{escaped}", before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif not _same(before, after):
        yield Difference(path, _shown(before), _shown(after))


def _same(before: JsonValue | _Absent, after: JsonValue | _Absent) -> bool:
    if isinstance(before, _Absent) or isinstance(after, _Absent):
        return before is after
    # As text, for to Python `true` and `1` are equal.
    return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


def _shown(value: JsonValue | _Absent) -> JsonValue:
    return None if isinstance(value, _Absent) else value

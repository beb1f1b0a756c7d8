"""How `horolog replay` shows a record: a line for people, an object for machines."""

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from horolog.cli.replay_filters import Entry, short_type
from schemas.jobs import Job

VALUE_LENGTH_MAX = 80
_QUIET = frozenset(
    {"tenantId", "at", "emittedAt", "issuedAt", "requestHash", "before", "config", "host", "pid", "isolation"}
)
"""Fields that a line leaves out: they repeat what it says already, or would fill it."""


def line_of(entry: Entry) -> str:
    """Time, place, type and subject of a record, and the fields that tell one such record from another."""
    record = entry.record
    subject = _subject(entry)
    parts = [
        instant_text(entry.at),
        f"{record.topic}/{record.partition}@{record.offset}",
        short_type(entry.type) if entry.type else "?",
        subject,
    ]
    data = entry.data if isinstance(entry.data, dict) else {}
    fields = [f"{name}={_cut(value)}" for name, value in _essentials(data) if value != subject]
    if not data:
        fields = ["(nothing)" if record.value is None else f"({len(record.value)} bytes that are no JSON object)"]
    return "  ".join([*parts, " ".join(fields)]).rstrip()


def object_of(entry: Entry) -> dict[str, Any]:
    """All that there is of a record; what is no JSON in base64."""
    record = entry.record
    found = {
        "time": instant_text(entry.at),
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "type": entry.type,
        "subject": _subject(entry),
        "key": record.key.decode("utf-8", "replace"),
        "writtenAtMs": record.timestamp_ms,
        "headers": {name: value.decode("utf-8", "replace") for name, value in record.headers},
        "data": entry.data,
    }
    if record.value is not None and entry.data is None:
        found["valueBase64"] = base64.b64encode(record.value).decode()
    return found


def job_of(job: Job) -> dict[str, Any]:
    """A job as it was, as one object."""
    return {"id": job.job_id, **job.to_dict()}


def instant_text(instant: datetime) -> str:
    """An instant as `2026-01-01T00:00:00.123Z`."""
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _subject(entry: Entry) -> str:
    told = next((value for name, value in entry.record.headers if name == "ce_subject"), entry.record.key)
    return told.decode("utf-8", "replace")


def _essentials(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if name in _QUIET or value is None:
            continue
        if name == "job" and isinstance(value, dict):
            yield from ((part, value[part]) for part in ("version", "status") if part in value)
            yield from _essentials({"definition": value.get("definition")})
        elif name == "definition" and isinstance(value, dict):
            yield from ((part, value[part]) for part in ("name", "cronExpression", "timezone") if part in value)
        elif name == "failure" and isinstance(value, dict):
            yield from ((part, value[part]) for part in ("type", "code", "message") if part in value)
        elif not isinstance(value, dict | list):
            yield name, value


def _cut(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    quoted = f'"{text}"' if " " in text else text
    return quoted if len(quoted) <= VALUE_LENGTH_MAX else quoted[: VALUE_LENGTH_MAX - 1] + "…"

"""What `manage.py dumpdata django_celery_beat` writes, as entries of a beat schedule.

Guarantee: each periodic task is joined with the one schedule that it names; one that names none, several, or one that
is not in the dump is told, and so are rows of other models.
Source: django-celery-beat 2, models.py; Django's serialisation format for JSON.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from horolog.cli.applying.job_text import Placed, TextProblem, read_text

_APP = "django_celery_beat."
_TASK = f"{_APP}periodictask"
_SCHEDULES = {"crontab": "crontabschedule", "interval": "intervalschedule", "solar": "solarschedule"} | {
    "clocked": "clockedschedule"
}
_MODELS = frozenset({_TASK, f"{_APP}periodictasks", *(_APP + name for name in _SCHEDULES.values())})
_OPTIONS = ("exchange", "priority", "queue", "routing_key")
_EMPTY = (None, "", "{}", "[]")
_KNOWN = frozenset(
    {"name", "task", "args", "kwargs", "headers", "expires", "expire_seconds", "one_off", "start_time", "enabled"}
    | {"last_run_at", "total_run_count", "date_changed", "description", *_OPTIONS, *_SCHEDULES}
)


def is_dump(data: Any) -> bool:
    """Whether the data is a list of Django's rows."""
    rows = data if isinstance(data, list) else []
    return bool(rows) and all(isinstance(row, dict) and isinstance(row.get("model"), str) for row in rows)


def dumped_tasks(document: Placed) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """The tasks with their places, each as an entry with its `name`, or as the reason why it is none."""
    rows = {(row["model"], str(row.get("pk"))): row.get("fields") for row in document.data}
    for number, row in enumerate(document.data):
        place, fields = f"line {document.line((number,))}", row.get("fields")
        if row["model"] not in _MODELS:
            yield place, f"is a row of {str(row['model'])[:60]}, which is no part of a schedule"
        elif row["model"] == _TASK:
            name = fields.get("name") if isinstance(fields, dict) else None
            yield f"{place} ({name})", _entry(fields, rows)


def _entry(fields: Any, rows: Mapping[tuple[str, str], Any]) -> Mapping[str, Any] | str:
    if not isinstance(fields, dict) or not isinstance(fields.get("name"), str):
        return "has no name"
    if unknown := sorted(set(fields) - _KNOWN):
        return f"has what there is no counterpart for: {', '.join(unknown)[:200]}"
    if any(fields.get(name) is not None for name in ("expires", "expire_seconds")):
        return "expires: a run that waits is not given up here by its age"
    if fields.get("headers") not in _EMPTY:
        return "headers go with Celery's message, and there is none here"
    named = {name: model for name, model in _SCHEDULES.items() if fields.get(name) is not None}
    if len(named) != 1:
        return f"names {len(named)} schedules, not one"
    ((kind, model),) = named.items()
    schedule = rows.get((_APP + model, str(fields[kind])))
    if not isinstance(schedule, dict):
        return f"its schedule, {model} {fields[kind]}, is not in the dump"
    try:
        args, kwargs = (_read(fields.get(name) or empty) for name, empty in (("args", "[]"), ("kwargs", "{}")))
    except TextProblem:
        return "its args or kwargs are no JSON"
    return {
        "name": fields["name"],
        "task": fields.get("task"),
        "schedule": _schedule(kind, schedule),
        "args": args,
        "kwargs": kwargs,
        "enabled": fields.get("enabled") is not False,
        "options": {name: fields[name] for name in _OPTIONS if fields.get(name) is not None},
        "plain": dict(_plain(fields)),
    }


def _read(text: Any) -> Any:
    """The JSON that a text column holds."""
    documents = read_text(text if isinstance(text, str) else "", is_json=True)
    return documents[0].data


def _schedule(kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    if kind == "interval":
        return {"timedelta": {str(fields.get("period")): fields.get("every")}}
    return {kind: dict(fields)}


def _plain(fields: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if fields.get("description"):
        yield "description", fields["description"]
    if fields.get("start_time"):
        yield "startDate", fields["start_time"]
    if fields.get("one_off") is True:
        yield "maxExecutions", 1

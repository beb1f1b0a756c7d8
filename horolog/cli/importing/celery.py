"""Celery beat: a `beat_schedule` as JSON, YAML or in a Python file, and the dumpdata JSON of django-celery-beat.

A task becomes a function job that calls the function of that name; Celery's broker and workers have no part in it,
which a note says. A Python file is parsed and never run: only literals in it are understood.
Source: Celery 5, docs/userguide/periodic-tasks.rst and celery/schedules.py; django-celery-beat, models.py.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from keyword import iskeyword
from typing import Any

from horolog.cli.applying.job_text import Path, Placed, TextProblem, looks_like_json, read_text
from horolog.cli.importing.celery_python import literal_schedule
from horolog.cli.importing.celery_times import timing_of
from horolog.cli.importing.django_beat import dumped_tasks, is_dump
from horolog.cli.importing.port import (
    AGE_NONE_S,
    CONCURRENT_NONE,
    TIMEOUT_NONE_S,
    Imported,
    Mapped,
    Setting,
    gathered,
    job_name,
    refuse_unknown,
    unreadable,
)
from horolog.cli.importing.schedules import NotMapped

_ENTRY = ("task", "schedule", "args", "kwargs", "options", "relative")
_LOST_OPTIONS = ("exchange", "headers", "priority", "queue", "routing_key")
_SCHEDULE_NAMES = ("beat_schedule", "CELERY_BEAT_SCHEDULE", "CELERYBEAT_SCHEDULE")
_YAML_KEY = re.compile(r"""["']?([\w.-]+)["']?:(?:\s|$)""")
_ZONE_NAMES = ("timezone", "CELERY_TIMEZONE")
_ALWAYS = (
    "the function is called directly on an executor: not through Celery's broker, and without a bound task's self",
    f"beat sends however many runs go on; here {CONCURRENT_NONE} at a time, and each ends within a day",
)


def read_celery(text: str, setting: Setting) -> Imported:
    """The entries of a schedule, whatever form it has."""
    try:
        documents = read_text(text, looks_like_json("", text)) if _is_data(text) else [literal_schedule(text)]
    except TextProblem as problem:
        return unreadable(problem)
    return gathered(found for document in documents for found in _entries(document, setting))


def _is_data(text: str) -> bool:
    """Whether a text is JSON or YAML rather than Python, by its first line that says something."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", "---", "%"))]
    first = lines[0] if lines else ""
    key = _YAML_KEY.match(first)
    return first[:1] in ("{", "[") or (key is not None and "=" not in first and not iskeyword(key[1]))


def _entries(document: Placed, setting: Setting) -> Iterator[tuple[str, Callable[[], Mapped]]]:
    data: Any = document.data
    path: Path = ()
    zone_name = None
    if is_dump(data):
        for place, entry in dumped_tasks(document):
            yield place, partial(_dumped, entry, setting)
        return
    if isinstance(data, dict):
        zone_name = next((data[name] for name in _ZONE_NAMES if isinstance(data.get(name), str)), None)
        inner = next((name for name in _SCHEDULE_NAMES if name in data), None)
        data, path = (data[inner], (inner,)) if inner is not None else (data, ())
    if not isinstance(data, dict):
        yield f"line {document.line(path)}", _no_schedule
        return
    for name, entry in data.items():
        if not path and name in _ZONE_NAMES and isinstance(entry, str):
            continue
        yield f"line {document.line((*path, name))} ({name})", partial(_mapped, name, entry, zone_name, setting)


def _no_schedule() -> Mapped:
    raise NotMapped("holds no beat_schedule and no dump of django-celery-beat")


def _dumped(entry: Mapping[str, Any] | str, setting: Setting) -> Mapped:
    if isinstance(entry, str):
        raise NotMapped(entry)
    if entry["enabled"] is False:
        raise NotMapped("is not enabled, and a job begins active; take it over when it is to run")
    inner = {name: value for name, value in entry.items() if name in _ENTRY}
    mapped = _mapped(str(entry["name"]), inner, None, setting)
    return Mapped({**mapped.body, **entry["plain"]}, mapped.notes)


def _mapped(name: str, entry: Any, zone_name: str | None, setting: Setting) -> Mapped:
    if not isinstance(entry, dict):
        raise NotMapped("is no mapping")
    if isinstance(reason := entry.get("unread"), str):
        raise NotMapped(reason)
    refuse_unknown(entry, _ENTRY, "the entry")
    timing = timing_of(entry.get("schedule"), setting, zone_name)
    body = {
        "name": job_name(name),
        "tags": ["celery"],
        "cronExpression": timing.expression,
        "timezone": timing.timezone,
        "jobType": "function",
        "config": _function(entry),
        "timeout": TIMEOUT_NONE_S,
        "maxConcurrent": CONCURRENT_NONE,
        "misfire": {"policy": "latest", "maxAge": AGE_NONE_S},
    }
    return Mapped(body, (*timing.notes, *_ALWAYS, *_option_notes(entry.get("options"))))


def _function(entry: Mapping[str, Any]) -> dict[str, Any]:
    task, args, kwargs = entry.get("task"), entry.get("args"), entry.get("kwargs")
    if not isinstance(task, str) or "." not in task:
        raise NotMapped("its task is not the dotted name of a function")
    if args not in (None, [], {}):
        raise NotMapped("has positional arguments; a function here gets its parameters by name: write kwargs")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise NotMapped("its kwargs are no mapping")
    module, _, function = task.rpartition(".")
    # As long as the job's own: a function's timeout of its own would be five minutes.
    config = {"modulePath": module, "functionName": function, "timeout": TIMEOUT_NONE_S * 1000}
    return {**config, "parameters": kwargs} if kwargs else config


def _option_notes(options: Any) -> Iterator[str]:
    if options is None:
        return
    if not isinstance(options, dict):
        raise NotMapped("its options are no mapping")
    refuse_unknown(options, _LOST_OPTIONS, "options")
    if lost := sorted(name for name, value in options.items() if value is not None):
        yield f"not taken over: {', '.join(lost)}, which say how a message goes to Celery's workers"

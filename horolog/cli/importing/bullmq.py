"""BullMQ: what `queue.getJobSchedulers()` or `getRepeatableJobs()` answer, written as JSON.

The list may stand in an object with the `queue`'s name. A processor is part of a Node program; a job calls it over HTTP
(`handlers`). `pattern` and `every`, `tz`, `limit`, `startDate` and `endDate` are translated exactly or refused.
Source: BullMQ 5, job-scheduler.ts, repeat-options.ts, backoffs.ts; cron-parser 4 and 5.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from horolog.cli.applying.job_text import Placed, TextProblem, read_text
from horolog.cli.importing.handlers import handler_config
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
    retried,
    unreadable,
)
from horolog.cli.importing.schedules import NotMapped, interval_expression
from horolog.domain.cron import CronError, parse

_USED = ("key", "id", "name", "pattern", "every", "tz", "limit", "iterationCount", "startDate", "endDate", "offset")
_MADE = ("next", "prevMillis", "template", "count")
_OPTIONS = (
    "attempts",
    "backoff",
    "priority",
    "removeOnComplete",
    "removeOnFail",
    "keepLogs",
    "stackTraceLimit",
    "sizeLimit",
)
_LOST_OPTIONS = ("priority", "removeOnComplete", "removeOnFail", "keepLogs", "stackTraceLimit", "sizeLimit")
_OPEN_STEP = re.compile(r"(?:^|,)[0-9A-Za-z]+/")
_DIGITS_MAX = 15
_ALWAYS = (
    "the processor is called over HTTP; it must be reachable there",
    "BullMQ makes the next run when one starts, within the workers' concurrency; here each instant is one of its own, "
    f"{CONCURRENT_NONE} at a time",
)


def read_bullmq(text: str, setting: Setting) -> Imported:
    """The job schedulers of an export."""
    try:
        documents = read_text(text, is_json=True)
    except TextProblem as problem:
        return unreadable(problem)
    return gathered(found for document in documents for found in _schedulers(document, setting))


def _schedulers(document: Placed, setting: Setting) -> Iterator[tuple[str, Callable[[], Mapped]]]:
    data, queue = document.data, ""
    path: tuple[str, ...] = ()
    if isinstance(data, dict) and isinstance(data.get("jobSchedulers"), list):
        queue, path, data = str(data.get("queue", "")), ("jobSchedulers",), data["jobSchedulers"]
    for number, one in enumerate(data if isinstance(data, list) else [data]):
        yield f"line {document.line((*path, number))}", partial(_job, one, queue, setting)


def _job(one: Any, queue: str, setting: Setting) -> Mapped:
    if not isinstance(one, dict):
        raise NotMapped("is no job scheduler")
    held = {name: value for name, value in one.items() if value is not None}
    refuse_unknown(held, (*_USED, *_MADE), "the scheduler")
    template = held.get("template", {})
    if not isinstance(template, dict):
        raise NotMapped("its template is no object")
    refuse_unknown(template, ("data", "opts", "name"), "the template")
    name = str(template.get("name") or held.get("name") or held.get("key") or "")
    treated, notes = _treatment(template.get("opts") or {})
    config = handler_config(setting, {"name": name, "queue": queue}, {"name": name, "data": template.get("data")})
    body = {
        "name": job_name(f"{queue}/{held.get('key', name)}" if queue else str(held.get("key", name))),
        "tags": ["bullmq"],
        **_timing(held, setting),
        **_bounds(held),
        "jobType": "http",
        "config": config,
        "timeout": TIMEOUT_NONE_S,
        "maxConcurrent": CONCURRENT_NONE,
        "misfire": {"policy": "latest", "maxAge": AGE_NONE_S},
        **treated,
    }
    if (_whole(held, "offset") or 0) % 1000:
        notes.append("its offset is not on a full second there; here each run is earlier by that fraction")
    return Mapped(body, (*_ALWAYS, *notes))


def _timing(held: Mapping[str, Any], setting: Setting) -> dict[str, str]:
    if ("pattern" in held) == ("every" in held):
        raise NotMapped("has not exactly one of pattern and every")
    if "pattern" in held:
        if held.get("offset"):
            raise NotMapped("has an offset beside its pattern")
        if not isinstance(said := held.get("tz", ""), str):
            raise NotMapped("tz is no text")
        zone_name = setting.zone_or(said, "that of the machine its workers run on")
        return {"cronExpression": pattern_expression(held["pattern"]), "timezone": zone_name}
    every_ms, offset_ms = _whole(held, "every"), _whole(held, "offset") or 0
    if every_ms is None or every_ms % 1000:
        raise NotMapped("every: is no whole number of seconds")
    # The offset is the moment at which somebody made the scheduler; a note says what its fraction of a second becomes.
    # Counted from 1970-01-01T00:00Z, as BullMQ does; a period that divides a day is then counted from midnight.
    return {"cronExpression": interval_expression(every_ms // 1000, offset_ms // 1000), "timezone": "UTC"}


def pattern_expression(pattern: Any) -> str:
    """A pattern of cron-parser's that means the same here.

    Raises:
        NotMapped: the two read it differently, or cron-parser's versions do.
    """
    if not isinstance(pattern, str):
        raise NotMapped("pattern is no text")
    try:
        parse(pattern)
    except CronError as error:
        raise NotMapped(f"pattern: {error}") from error
    fields = pattern.split()
    if fields[0].startswith("@"):
        return pattern
    day, weekday = fields[-3], fields[-1]
    if _OPEN_STEP.search(weekday):
        raise NotMapped("pattern: a step without a range in the day of the week goes on to Sunday in cron-parser")
    free = [field in ("*", "?") for field in (day, weekday)]
    if not any(free) and _names_every_day(day, weekday):
        raise NotMapped("pattern: one day field names every day, which versions of cron-parser read differently")
    return pattern


def _names_every_day(day: str, weekday: str) -> bool:
    """Whether one of two day fields, neither of them `*`, chooses every day all the same."""
    every_day, every_weekday = (parse(text).days for text in ("* * 1-31 * *", "* * * * 0-6"))
    return parse(f"* * {day} * *").days == every_day or parse(f"* * * * {weekday}").days == every_weekday


def _bounds(held: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: _instant(held[name], name) for name in ("startDate", "endDate") if name in held}
    limit = _whole(held, "limit")
    if limit is not None:
        left = limit - (_whole(held, "iterationCount") or _whole(held, "count") or 0)
        if left < 1:
            raise NotMapped("its limit is used up")
        found["maxExecutions"] = left
    return found


def _treatment(options: Any) -> tuple[dict[str, Any], list[str]]:
    if not isinstance(options, dict):
        raise NotMapped("its options are no object")
    refuse_unknown(options, _OPTIONS, "the options")
    notes = ["BullMQ sets no time limit; here an attempt ends after a day"]
    if lost := [name for name in _LOST_OPTIONS if name in options]:
        notes.append(f"not taken over: {', '.join(lost)}")
    attempts, backoff = _whole(options, "attempts") or 1, options.get("backoff") or {"type": "fixed", "delay": 0}
    backoff = {"type": "fixed", "delay": backoff} if isinstance(backoff, int) else backoff
    if not isinstance(backoff, dict) or backoff.get("type") not in ("fixed", "exponential"):
        raise NotMapped("its backoff is neither fixed nor exponential")
    refuse_unknown(backoff, ("type", "delay"), "the backoff")
    delay_ms = _whole(backoff, "delay") or 0
    return retried(attempts - 1, delay_ms, exponential=backoff["type"] == "exponential"), notes


def _instant(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**14:
        raise NotMapped(f"{name} is no instant")
    return datetime.fromtimestamp(value / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _whole(held: Mapping[str, Any], name: str) -> int | None:
    found = held.get(name)
    # Redis has texts only, and some versions pass them on.
    if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) <= _DIGITS_MAX:
        return int(found)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int) or found < 0):
        raise NotMapped(f"{name} is no whole number")
    return found

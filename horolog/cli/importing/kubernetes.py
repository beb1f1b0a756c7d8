"""Kubernetes CronJobs (batch/v1): manifests of any number of documents, also a List as `kubectl get -o yaml` writes it.

What the one container runs becomes a command on Horolog's executors. Its image does not, which a note says; what needs
more than a command line (volumes, further containers, an image's own entry point) is refused.
Source: Kubernetes' API reference, CronJob v1 batch; robfig/cron v3, parser.go and spec.go, whose day rule is: with
`*` in either day field both must match, else one is enough.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from horolog.cli.applying.job_text import Placed, TextProblem, looks_like_json, read_text
from horolog.cli.importing.containers import container_config
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
from horolog.cli.importing.schedules import NotMapped

_VERSION = "batch/v1"
_SERVER_MADE = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
_SPEC = (
    "concurrencyPolicy", "failedJobsHistoryLimit", "jobTemplate", "schedule", "startingDeadlineSeconds",
    "successfulJobsHistoryLimit", "suspend", "timeZone",
)  # fmt: skip
_JOB_SPEC = (
    "activeDeadlineSeconds", "backoffLimit", "completionMode", "completions", "parallelism", "podReplacementPolicy",
    "suspend", "template", "ttlSecondsAfterFinished",
)  # fmt: skip
_TERM = re.compile(r"(?:[*?]|([0-9]{1,2}|[A-Za-z]{3})(?:-([0-9]{1,2}|[A-Za-z]{3}))?)(?:/[0-9]+)?")
_WORDS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(), "SUN MON TUE WED THU FRI SAT".split()  # noqa: SIM905
_NUMBERS = {
    word: number for words, first in zip(_WORDS, (1, 0), strict=True) for number, word in enumerate(words, first)
}
_STAR = re.compile(r"[*?](?:/0*1)?")
_MACROS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
_BACKOFF_LIMIT = 6
_BACKOFF_MS, _BACKOFF_MS_MAX = 10_000, 360_000
_NOT_COPIED = "labels and annotations are not taken over"
_POLICY_NOTES = {
    "Allow": f"concurrencyPolicy Allow has no bound; here it is {CONCURRENT_NONE} runs at a time",
    "Forbid": "concurrencyPolicy Forbid: a run that Kubernetes would start late, after the one before, is skipped here",
    "Replace": "concurrencyPolicy Replace: the run before is cancelled, as there",
}


def read_kubernetes(text: str, setting: Setting) -> Imported:
    """The CronJobs of manifests; every other object is told as not mapped."""
    try:
        documents = read_text(text, looks_like_json("", text))
    except TextProblem as problem:
        return unreadable(problem)
    return gathered(found for document in documents for found in _objects(document, setting))


def kubernetes_expression(schedule: str) -> str:
    """A CronJob's schedule in Horolog's dialect.

    Raises:
        NotMapped: it is none, or names an interval from no instant in particular.
    """
    if schedule.startswith("@"):
        if schedule not in _MACROS:
            raise NotMapped(f"schedule: {schedule[:40]} is counted from no instant that could be named")
        return schedule
    if "TZ=" in schedule:
        raise NotMapped("schedule: a time zone within it is not taken; Kubernetes has spec.timeZone")
    fields = schedule.split()
    if len(fields) != 5:
        raise NotMapped(f"schedule: has {len(fields)} fields, not 5")
    for field in fields:
        if not all(map(_is_term, field.split(","))):
            raise NotMapped(f"schedule: {field[:40]!r} is not understood")
    minute, hour, day, month, weekday = (_without_star_terms(field) for field in fields)
    if re.search(r"(?<![0-9/])0*7", weekday):
        raise NotMapped("schedule: Kubernetes knows no day of the week 7")
    return f"{minute} {hour} {day} {month} {weekday}"


def _is_term(term: str) -> bool:
    """Whether robfig/cron takes the term; unlike here, a range there does not go round its end."""
    found = _TERM.fullmatch(term)
    if found is None or found[2] is None:
        return found is not None
    first, last = (_NUMBERS.get(word.upper(), word) for word in found.group(1, 2))
    return str(first).isdecimal() and str(last).isdecimal() and int(first) <= int(last)


def _without_star_terms(field: str) -> str:
    """A field with a term that is `*` chooses everything, and counts as free in the day rule."""
    return "*" if any(map(_STAR.fullmatch, field.split(","))) else field.replace("?", "*")


def _objects(document: Placed, setting: Setting) -> Iterator[tuple[str, Callable[[], Mapped]]]:
    data = document.data
    is_list = isinstance(data, dict) and data.get("kind") in ("List", "CronJobList")
    items = data.get("items") if is_list else None
    if isinstance(items, list):
        for number, item in enumerate(items):
            yield f"line {document.line(('items', number))}", partial(_cron_job, item, setting)
    else:
        yield f"line {document.line(())}", partial(_cron_job, data, setting)


def _cron_job(found: Any, setting: Setting) -> Mapped:
    kind, version = (_text(found, name) if isinstance(found, dict) else None for name in ("kind", "apiVersion"))
    if not isinstance(found, dict) or kind != "CronJob":
        raise NotMapped(f"is {kind or 'no object of Kubernetes'}, and no CronJob")
    if version != _VERSION:
        raise NotMapped(f"is of {version}; only {_VERSION} is read")
    refuse_unknown(found, ("apiVersion", "kind", "metadata", "spec", "status"), "the object")
    metadata, spec = _mapping(found, "metadata"), _mapping(found, "spec")
    refuse_unknown(metadata, ("name", "namespace", "labels", "annotations", *_SERVER_MADE), "metadata")
    refuse_unknown(spec, _SPEC, "spec")
    if spec.get("suspend") not in (None, False):
        raise NotMapped("is suspended, and a job begins active; take it over when it is to run")
    timing, timing_notes = _timing(spec, setting)
    work, work_notes = _work(_mapping(_mapping(spec, "jobTemplate"), "spec"))
    labels = [_NOT_COPIED] if metadata.get("labels") or metadata.get("annotations") else []
    return Mapped({**_named(metadata), **timing, **work}, (*timing_notes, *work_notes, *labels))


def _named(metadata: Mapping[str, Any]) -> dict[str, Any]:
    name, namespace = _text(metadata, "name"), _text(metadata, "namespace")
    if name is None:
        raise NotMapped("metadata.name is missing")
    tags = ["kubernetes", *([f"namespace:{namespace}"[:50]] if namespace else [])]
    return {"name": job_name(f"{namespace}/{name}" if namespace else name), "tags": tags}


def _timing(spec: Mapping[str, Any], setting: Setting) -> tuple[dict[str, Any], list[str]]:
    schedule = _text(spec, "schedule")
    if schedule is None:
        raise NotMapped("spec.schedule is missing")
    zone_name = setting.zone_or(_text(spec, "timeZone"), "that of the controller manager")
    policy = _text(spec, "concurrencyPolicy") or "Allow"
    if policy not in _POLICY_NOTES:
        raise NotMapped(f"concurrencyPolicy {policy[:40]} is not known")
    deadline_s = _whole(spec, "startingDeadlineSeconds")
    if deadline_s is not None and not 1 <= deadline_s <= AGE_NONE_S:
        raise NotMapped(f"startingDeadlineSeconds {deadline_s} is not within 1 and {AGE_NONE_S}")
    notes = [_POLICY_NOTES[policy]]
    if deadline_s is None:
        notes.append("without startingDeadlineSeconds a missed instant is made up for however old; here within 7 days")
    if {"successfulJobsHistoryLimit", "failedJobsHistoryLimit"} & set(spec):
        notes.append("history limits are not taken over: executions stay in the ledger")
    body = {
        "cronExpression": kubernetes_expression(schedule),
        "timezone": zone_name,
        "maxConcurrent": CONCURRENT_NONE if policy == "Allow" else 1,
        "misfire": {"policy": "latest", "maxAge": deadline_s or AGE_NONE_S},
    }
    overlap = {"overlap": {"policy": "cancelRunning"}} if policy == "Replace" else {}
    return {**body, **overlap}, notes


def _work(spec: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    refuse_unknown(spec, _JOB_SPEC, "jobTemplate.spec")
    if any(_whole(spec, name) not in (None, 1) for name in ("completions", "parallelism")) or spec.get("suspend"):
        raise NotMapped("completions, parallelism or suspend of the jobTemplate: a run here is one attempt at a time")
    if spec.get("completionMode") not in (None, "NonIndexed"):
        raise NotMapped("completionMode Indexed has no counterpart")
    notes = []
    if "ttlSecondsAfterFinished" in spec:
        notes.append("ttlSecondsAfterFinished is not taken over: executions stay in the ledger")
    deadline_s, retry_count = _whole(spec, "activeDeadlineSeconds"), _whole(spec, "backoffLimit")
    retry_count = _BACKOFF_LIMIT if retry_count is None else retry_count
    if deadline_s is None:
        notes.append("Kubernetes sets no time limit; here an attempt ends after a day")
    elif retry_count:
        notes.append("activeDeadlineSeconds holds for all attempts together there, and for each one here")
    if deadline_s is not None and not 1 <= deadline_s <= TIMEOUT_NONE_S:
        raise NotMapped(f"activeDeadlineSeconds {deadline_s} is not within 1 and {TIMEOUT_NONE_S}")
    config, lost = container_config(_mapping(_mapping(spec, "template"), "spec"))
    retry = retried(retry_count, _BACKOFF_MS, True, _BACKOFF_MS_MAX)
    return {"jobType": "command", "config": config, "timeout": deadline_s or TIMEOUT_NONE_S, **retry}, [*notes, *lost]


def _mapping(held: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = held.get(name)
    if not isinstance(found, dict):
        raise NotMapped(f"{name} is missing, or no mapping")
    return found


def _text(held: Mapping[str, Any], name: str) -> str | None:
    found = held.get(name)
    if found is not None and not isinstance(found, str):
        raise NotMapped(f"{name} is no text")
    return found or None


def _whole(held: Mapping[str, Any], name: str) -> int | None:
    found = held.get(name)
    if found is not None and (isinstance(found, bool) or not isinstance(found, int)):
        raise NotMapped(f"{name} is no whole number")
    return found

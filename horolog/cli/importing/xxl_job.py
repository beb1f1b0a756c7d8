"""XXL-JOB: rows of `xxl_job_info`, as JSON (a list, or the admin's page with `data`) or as CSV with a header.

A bean handler becomes an HTTP call (`handlers`), a GLUE_SHELL script a command of bash. Quartz' dialect is translated
by `quartz`; the admin's time zone is not in its rows.
Source: XXL-JOB 2.4 and 3, tables_xxl_job.sql, MisfireStrategyEnum, ExecutorBlockStrategyEnum, ScriptUtil.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from horolog.cli.applying.job_text import TEXT_LENGTH_MAX, TextProblem, looks_like_json, read_text
from horolog.cli.importing.handlers import handler_config
from horolog.cli.importing.port import (
    AGE_NONE_S,
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
from horolog.cli.importing.quartz import quartz_expression
from horolog.cli.importing.schedules import NotMapped, interval_expression

_USED = frozenset(
    {"id", "job_group", "job_desc", "author", "schedule_type", "schedule_conf", "misfire_strategy", "trigger_status"}
    | {"executor_handler", "executor_param", "executor_block_strategy", "executor_timeout", "glue_type", "glue_source"}
    | {"executor_fail_retry_count", "executor_route_strategy", "child_jobid"}
)
_SERVER_MADE = frozenset(
    {"add_time", "update_time", "glue_updatetime", "glue_remark", "trigger_last_time", "trigger_next_time"}
)
_LOST = ("alarm_email",)
_OVERLAPS = {"SERIAL_EXECUTION": "queueAll", "DISCARD_LATER": "skip", "COVER_EARLY": "cancelRunning"}
_MISFIRES = {"DO_NOTHING": "skip", "FIRE_ONCE_NOW": "latest"}
_WAITING_MAX = 1000
_RETRY_MS = 10_000
_INTERVAL = "an interval is counted from the full minute, hour or day (UTC) here, from the moment of its start there"


def read_xxl_job(text: str, setting: Setting) -> Imported:
    """The rows, each as a job or with the reason why not."""
    try:
        rows = list(_rows(text))
    except TextProblem as problem:
        return unreadable(problem)
    return gathered(_placed(line, row, setting) for line, row in rows)


def _rows(text: str) -> Iterator[tuple[int, Any]]:
    if looks_like_json("", text):
        for document in read_text(text, is_json=True):
            data, path = _listed(document.data)
            for number, row in enumerate(data):
                yield document.line((*path, number)), row
        return
    if len(text) > TEXT_LENGTH_MAX:
        raise TextProblem(1, f"is longer than {TEXT_LENGTH_MAX} characters")
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                raise TextProblem(reader.line_num, "has more or fewer columns than the header")
            # Empty and NULL are how a database client writes what is not there.
            yield reader.line_num, {name: value for name, value in row.items() if value not in ("", "NULL", "\\N")}
    except csv.Error as error:
        raise TextProblem(reader.line_num, f"is not CSV: {error}") from error


def _listed(data: Any) -> tuple[list[Any], tuple[str, ...]]:
    """The rows of a list, or of the admin's page, and where in the document they stand."""
    if isinstance(data, dict) and isinstance(data.get("data"), list):
        return data["data"], ("data",)
    return (data if isinstance(data, list) else [data]), ()


def _placed(line: int, row: Any, setting: Setting) -> tuple[str, Callable[[], Mapped]]:
    if not isinstance(row, dict):
        return f"line {line}", partial(_job, {}, setting)
    # The admin's pages have the columns' names in camelCase.
    named = {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(): value for name, value in row.items()}
    named["child_jobid"] = named.pop("child_job_id", named.get("child_jobid"))
    held = {name: value for name, value in named.items() if value not in (None, "")}
    return f"line {line} (id {held.get('id')})", partial(_job, held, setting)


def _job(row: Mapping[str, Any], setting: Setting) -> Mapped:
    refuse_unknown(row, _USED | _SERVER_MADE | {*_LOST, "glue_update_time"}, "the row")
    if _count(row, "trigger_status") != 1:
        raise NotMapped("is stopped (trigger_status), and a job begins active; take it over when it is to run")
    if row.get("child_jobid"):
        raise NotMapped("starts other jobs when it ends (child_jobid); there is no counterpart")
    if row.get("executor_route_strategy") == "SHARDING_BROADCAST":
        raise NotMapped("SHARDING_BROADCAST runs on every executor at once; there is no counterpart")
    timing, timing_notes = _timing(row, setting)
    work, work_notes = _work(row, setting)
    treated, treated_notes = _treatment(row)
    named = {"name": job_name(f"{row.get('job_desc', '')} (xxl-job {row.get('id')})"), "tags": ["xxl-job"]}
    return Mapped({**named, **timing, **work, **treated}, (*timing_notes, *work_notes, *treated_notes))


def _timing(row: Mapping[str, Any], setting: Setting) -> tuple[dict[str, Any], list[str]]:
    kind, said = row.get("schedule_type"), str(row.get("schedule_conf", ""))
    if kind == "CRON":
        zone_name = setting.zone_or(None, "that of the admin's Java machine")
        return {"cronExpression": quartz_expression(said), "timezone": zone_name}, []
    if kind == "FIX_RATE":
        if not said.isdecimal() or len(said) > 9:
            raise NotMapped(f"schedule_conf {said[:40]!r} is no number of seconds")
        return {"cronExpression": interval_expression(int(said)), "timezone": "UTC"}, [_INTERVAL]
    raise NotMapped(f"schedule_type {str(kind)[:40]} names no instants")


def _work(row: Mapping[str, Any], setting: Setting) -> tuple[dict[str, Any], list[str]]:
    param, glue = str(row.get("executor_param", "")), row.get("glue_type", "BEAN")
    if glue == "BEAN":
        handler = row.get("executor_handler")
        if not isinstance(handler, str):
            raise NotMapped("executor_handler is missing")
        body = {"handler": handler, "param": param}
        config = handler_config(setting, {"handler": handler}, body)
        return {"jobType": "http", "config": config}, ["the handler is called over HTTP; it must be reachable there"]
    if glue == "GLUE_SHELL":
        # As XXL-JOB starts it: the parameter, then the number of this executor and how many there are.
        args = ["-c", str(row.get("glue_source", "")), "xxl-job", param, "0", "1"]
        return {"jobType": "command", "config": {"command": "/bin/bash", "args": args}}, [
            "the script runs on Horolog's executors, with their files; $0 is not the script's file"
        ]
    raise NotMapped(f"glue_type {str(glue)[:40]}: source that XXL-JOB compiles or interprets itself")


def _treatment(row: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    block = str(row.get("executor_block_strategy", "SERIAL_EXECUTION"))
    misfire = str(row.get("misfire_strategy", "DO_NOTHING"))
    if block not in _OVERLAPS or misfire not in _MISFIRES:
        raise NotMapped(f"executor_block_strategy {block[:40]} or misfire_strategy {misfire[:40]} is not known")
    notes = ["XXL-JOB counts an instant as missed after 5 s; here it is merely late up to 60 s, and runs"]
    overlap: dict[str, Any] = {"policy": _OVERLAPS[block]}
    if block == "SERIAL_EXECUTION":
        overlap["queueMax"] = _WAITING_MAX
        notes.append(f"SERIAL_EXECUTION: at most {_WAITING_MAX} runs wait here")
    retry_count, timeout_s = _count(row, "executor_fail_retry_count"), _count(row, "executor_timeout")
    if timeout_s > TIMEOUT_NONE_S:
        raise NotMapped(f"executor_timeout {timeout_s} is more than a day")
    if timeout_s == 0:
        notes.append("XXL-JOB sets no time limit; here an attempt ends after a day")
    if retry_count:
        notes.append("XXL-JOB looks for failed runs every ten seconds; here a retry waits for ten")
    lost = [name for name in (*_LOST, "executor_route_strategy") if row.get(name)]
    body = {
        "timeout": timeout_s or TIMEOUT_NONE_S,
        "overlap": overlap,
        "misfire": {"policy": _MISFIRES[misfire]} | ({"maxAge": AGE_NONE_S} if misfire == "FIRE_ONCE_NOW" else {}),
        **retried(retry_count, _RETRY_MS, exponential=False),
    }
    if author := row.get("author"):
        body["description"] = f"By {author}."
    return body, [*notes, *([f"not taken over: {', '.join(lost)}"] if lost else [])]


def _count(row: Mapping[str, Any], name: str) -> int:
    text = json.dumps(row.get(name, 0)).strip('"')
    if not text.isdecimal() or len(text) > 9:
        raise NotMapped(f"{name} is no whole number")
    return int(text)

"""The options that describe a job, and the request body that they stand for.

Guarantee: only what was given appears in the body, so the same options can create a job or change a part of it.
Whether the values are good is for the API to say; here only the options themselves must fit together.
"""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from horolog.cli.options import duration_s
from horolog.cli.problems import wrong_use

_WHAT, _WHEN, _RETRY, _POLICY = "What to run", "When to run", "Retries", "Late, overlapping, lost"
_ERROR_TYPES = "TIMEOUT, NETWORK_ERROR, VALIDATION_ERROR, SYSTEM_ERROR or USER_ERROR; several times."


@dataclass(frozen=True, slots=True)
class WorkFlags:
    """What to run: one of an HTTP request, a command, a function."""

    http: Annotated[str | None, typer.Option(metavar="URL", help="Send a request.", rich_help_panel=_WHAT)] = None
    method: Annotated[
        Literal["GET", "POST", "PUT", "DELETE"] | None, typer.Option(help="Of the request.", rich_help_panel=_WHAT)
    ] = None
    header: Annotated[
        list[str] | None, typer.Option(metavar="NAME:VALUE", help="Of the request.", rich_help_panel=_WHAT)
    ] = None
    body: Annotated[
        str | None, typer.Option(metavar="JSON", help="Of the request; else text.", rich_help_panel=_WHAT)
    ] = None
    expect: Annotated[
        int | None, typer.Option(metavar="STATUS", help="The HTTP status of success.", rich_help_panel=_WHAT)
    ] = None
    command: Annotated[
        str | None, typer.Option(help="Start a program, as 'df -h'; no shell.", rich_help_panel=_WHAT)
    ] = None
    function: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:NAME", help="Call a function; a.b: one that a worker registered.", rich_help_panel=_WHAT
        ),
    ] = None
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Of the function; JSON or text.", rich_help_panel=_WHAT),
    ] = None
    argv: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="A program to start, after --; no shell.")
    ] = None

    def fields(self) -> dict[str, Any]:
        """`jobType` and `config`, as far as they were given."""
        kinds = {
            "http": self.http is not None,
            "command": self.command is not None or bool(self.argv),
            "function": self.function is not None,
        }
        chosen = [kind for kind, given in kinds.items() if given]
        if len(chosen) > 1 or (self.command is not None and self.argv):
            raise wrong_use("Give one of --http, --command, --function or -- COMMAND.")
        config = self._http_config() | self._command_config() | self._function_config()
        if not config:
            return {}
        return {"jobType": chosen[0], "config": config} if chosen else {"config": config}

    def _http_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if self.http is not None:
            config["url"] = self.http
            config["method"] = self.method or ("GET" if self.body is None else "POST")
        elif self.method is not None:
            config["method"] = self.method
        if self.header:
            config["headers"] = dict(_split(item, ":", "--header") for item in self.header)
        if self.body is not None:
            config["body"] = _json_or_text(self.body)
        if self.expect is not None:
            config["expectedStatusCode"] = self.expect
        return config

    def _command_config(self) -> dict[str, Any]:
        try:
            words = self.argv or (shlex.split(self.command) if self.command is not None else None)
        except ValueError as error:
            raise wrong_use(f"--command: {error}.") from error
        if words is None:
            return {}
        if not words:
            raise wrong_use("--command is empty.")
        return {"command": words[0], "args": list(words[1:])}

    def _function_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {}
        if self.function is not None:
            is_registered = ":" not in self.function and "." in self.function
            place = self.function[::-1].replace(".", ":", 1)[::-1] if is_registered else self.function
            config["modulePath"], config["functionName"] = _split(place, ":", "--function")
            config |= {"registered": True} if is_registered else {}
        if self.param:
            pairs = (_split(item, "=", "--param") for item in self.param)
            config["parameters"] = {name: _json_or_text(value) for name, value in pairs}
        return config


@dataclass(frozen=True, slots=True)
class PlanFlags:
    """When to run, how often, and under which rules."""

    name: Annotated[str | None, typer.Option(help="The job's name.")] = None
    description: Annotated[str | None, typer.Option(help="What it is for.")] = None
    tag: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None
    cron: Annotated[str | None, typer.Option(help="5 or 6 fields, or a macro.", rich_help_panel=_WHEN)] = None
    tz: Annotated[str | None, typer.Option(help="IANA time zone; UTC if new.", rich_help_panel=_WHEN)] = None
    start: Annotated[str | None, typer.Option(metavar="ISO", help="Not before.", rich_help_panel=_WHEN)] = None
    end: Annotated[str | None, typer.Option(metavar="ISO", help="Not after.", rich_help_panel=_WHEN)] = None
    max_executions: Annotated[int | None, typer.Option(help="Then it ends.", rich_help_panel=_WHEN)] = None
    timeout: Annotated[float | None, typer.Option(parser=duration_s, metavar="DURATION", help="Of one attempt.")] = None
    priority: Annotated[int | None, typer.Option(help="Higher goes first.")] = None
    max_concurrent: Annotated[int | None, typer.Option(help="Runs at a time.")] = None
    overlap: Annotated[
        Literal["skip", "queueOne", "queueAll", "cancelRunning"] | None,
        typer.Option(help="A fire while as many run.", rich_help_panel=_POLICY),
    ] = None
    queue_max: Annotated[int | None, typer.Option(help="So many may wait under queueAll.", rich_help_panel=_POLICY)] = (
        None
    )
    misfire: Annotated[
        Literal["skip", "latest", "all"] | None,
        typer.Option(help="Instants that nobody was there for.", rich_help_panel=_POLICY),
    ] = None
    misfire_age: Annotated[
        float | None,
        typer.Option(parser=duration_s, metavar="DURATION", help="Older ones never fire.", rich_help_panel=_POLICY),
    ] = None
    misfire_max: Annotated[
        int | None, typer.Option(help="At most so many fire under all.", rich_help_panel=_POLICY)
    ] = None
    misfire_rate: Annotated[
        float | None, typer.Option(help="So many a second fire under all.", rich_help_panel=_POLICY)
    ] = None
    delivery: Annotated[
        Literal["at_least_once", "at_most_once"] | None,
        typer.Option(help="When a worker is lost.", rich_help_panel=_POLICY),
    ] = None

    def fields(self) -> dict[str, Any]:
        """The fields that were given, as the API names them."""
        return _given(
            name=self.name,
            description=self.description,
            tags=self.tag,
            cronExpression=self.cron,
            timezone=self.tz,
            startDate=self.start,
            endDate=self.end,
            maxExecutions=self.max_executions,
            timeout=_whole_seconds(self.timeout),
            priority=self.priority,
            maxConcurrent=self.max_concurrent,
            misfire=_given(
                policy=self.misfire,
                maxAge=_whole_seconds(self.misfire_age),
                maxCount=self.misfire_max,
                rate=self.misfire_rate,
            )
            or None,
            overlap=_given(policy=self.overlap, queueMax=self.queue_max) or None,
            delivery=self.delivery,
        )


@dataclass(frozen=True, slots=True)
class RetryFlags:
    """How often and how soon a failed execution is tried again."""

    retry: Annotated[int | None, typer.Option(help="At most so often.", rich_help_panel=_RETRY)] = None
    retry_delay: Annotated[
        float | None,
        typer.Option(parser=duration_s, metavar="DURATION", help="Before the first.", rich_help_panel=_RETRY),
    ] = None
    retry_delay_max: Annotated[
        float | None,
        typer.Option(parser=duration_s, metavar="DURATION", help="The longest.", rich_help_panel=_RETRY),
    ] = None
    retry_backoff: Annotated[bool | None, typer.Option(help="Double the delay each time.", rich_help_panel=_RETRY)] = (
        None
    )
    retry_on: Annotated[list[str] | None, typer.Option(metavar="TYPE", help=_ERROR_TYPES, rich_help_panel=_RETRY)] = (
        None
    )

    def fields(self) -> dict[str, Any]:
        """`retryConfig`, if any of it was given."""
        config = _given(
            maxRetries=self.retry,
            retryDelayMs=None if self.retry_delay is None else round(self.retry_delay * 1000),
            maxRetryDelayMs=None if self.retry_delay_max is None else round(self.retry_delay_max * 1000),
            exponentialBackoff=self.retry_backoff,
            retryOnErrorTypes=self.retry_on,
        )
        return {"retryConfig": config} if config else {}


FileOption = Annotated[
    str | None, typer.Option("--file", "-f", metavar="FILE|-", help="A JSON body; options go on top of it.")
]


def job_body(plan: PlanFlags, work: WorkFlags, retry: RetryFlags, file: str | None) -> dict[str, Any]:
    """The body that a file and options on top of it stand for."""
    given = {**plan.fields(), **retry.fields(), **work.fields()}
    return merged(read_body(file) if file is not None else {}, given)


def merged(body: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The body with the changes; the configs are merged too, unless the job type changes."""
    result = {**body, **changes}
    same_type = result.get("jobType") == body.get("jobType")
    for name in (*(("config",) if same_type else ()), "retryConfig", "misfire", "overlap"):
        if isinstance(body.get(name), dict) and isinstance(changes.get(name), dict):
            # Another function is registered only if it says so itself.
            stale = {"registered"} if "functionName" in changes[name] else set[str]()
            kept = {field: value for field, value in body[name].items() if field not in stale}
            result[name] = {**kept, **changes[name]}
    return result


def read_body(name: str) -> dict[str, Any]:
    """A JSON object from a file, or from stdin when the name is `-`."""
    try:
        found = json.loads(sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8"))
    except OSError as error:
        raise wrong_use(f"{name} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise wrong_use(f"{name} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise wrong_use(f"{name} holds no JSON object.")
    return found


def _whole_seconds(duration_s: float | None) -> int | None:
    """A duration as the API takes it; only nothing at all stays nothing, for the API to refuse."""
    return None if duration_s is None else max(1 if duration_s > 0 else 0, round(duration_s))


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != []}


def _split(text: str, separator: str, option: str) -> tuple[str, str]:
    left, found, right = text.partition(separator)
    if not found or not left.strip():
        raise wrong_use(f"{option}: {text!r} has no {separator!r} between a name and a value.")
    return left.strip(), right.strip()


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""`horolog exec`: look at executions, follow them live, cancel them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer

from horolog.cli.client import Client, open_client
from horolog.cli.execution_tail import follow_execution
from horolog.cli.options import ApiOptions, duration_s, grouped
from horolog.cli.output import write_json, write_line, write_pairs, write_table
from horolog.cli.problems import OK
from horolog.cli.tail import Tail

ExecutionId = Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id.")]
Status = Literal["pending", "running", "completed", "failed", "cancelled", "skipped", "missed"]

_COLUMNS = ("id", "jobId", "triggerType", "status", "reason", "scheduledAt", "durationMs", "attempt", "errorMessage")


@dataclass(frozen=True, slots=True)
class Filters:
    """Which executions."""

    job: Annotated[str | None, typer.Option(help="Of this job (id).")] = None
    status: Annotated[Status | None, typer.Option(help="In this state.")] = None
    tag: Annotated[str | None, typer.Option(help="Of jobs with this tag.")] = None

    def query(self) -> dict[str, str]:
        """The filters that were given, as the API names them."""
        pairs = {"jobId": self.job, "status": self.status, "tag": self.tag}
        return {name: value for name, value in pairs.items() if value is not None}


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    executions = typer.Typer(help="Look at executions, follow them live, cancel them.", no_args_is_help=True)
    for name, function, example in (
        ("list", list_executions, "--status failed --from 2026-01-01T00:00:00Z"),
        ("get", get, "0b8f4c1e-6a53-5f39-9d0c-2f1f5a0d3f11"),
        ("cancel", cancel, "0b8f4c1e-6a53-5f39-9d0c-2f1f5a0d3f11 --reason 'wrong input'"),
        ("tail", tail, "0b8f4c1e-6a53-5f39-9d0c-2f1f5a0d3f11"),
    ):
        executions.command(name, epilog=f"Example:  horolog exec {name} {example}")(grouped(function))
    app.add_typer(executions, name="exec", epilog="Example:  horolog exec tail")


def list_executions(
    filters: Filters,
    api: ApiOptions,
    since: Annotated[str | None, typer.Option("--from", metavar="ISO", help="Nominal instant not before.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="ISO", help="Nominal instant before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = 50,
) -> int:
    """List executions, newest first."""
    with open_client(api) as client:
        items = list(client.pages("/executions", {**filters.query(), "from": since, "to": until}, limit))
    if api.as_json:
        write_json({"items": items})
    else:
        write_table(_COLUMNS, ([item.get(column) for column in _COLUMNS] for item in items))
    return OK


def get(execution: ExecutionId, api: ApiOptions) -> int:
    """Show one execution with its result."""
    with open_client(api) as client:
        found = client.get(f"/executions/{execution}")
    return _show(found, api.as_json)


def cancel(
    execution: ExecutionId,
    api: ApiOptions,
    reason: Annotated[str | None, typer.Option(help="Kept in the audit trail.")] = None,
) -> int:
    """End an execution that waits or runs."""
    with open_client(api) as client:
        body = {} if reason is None else {"reason": reason}
        answer = client.change("POST", f"/executions/{execution}/cancel", body).body
    return _show(answer, api.as_json)


def tail(
    filters: Filters,
    api: ApiOptions,
    execution: Annotated[
        str | None, typer.Argument(metavar="EXECUTION", help="Follow this one (id) to its end; else all of them.")
    ] = None,
    for_s: Annotated[
        float | None, typer.Option("--for", parser=duration_s, metavar="DURATION", help="Stop by itself after this.")
    ] = None,
    interval_s: Annotated[
        float, typer.Option("--every", parser=duration_s, metavar="DURATION", help="How often to look.")
    ] = 1.0,
) -> int:
    """Follow executions live, one line a change, until Ctrl-C; or one to its end: exit code 0 if it completed, else 1.

    Of one execution, changes are written to stderr, and what it prints as itself, about a second later.
    """
    with open_client(api) as client:
        if execution is not None:
            return follow_execution(client, execution, as_json=api.as_json)
        try:
            names: dict[str, str] = {}
            write = write_json if api.as_json else lambda item: write_line(_line(item, _job_name(client, names, item)))
            _follow(Tail(client, filters.query()), write, for_s, max(0.1, interval_s))
        except KeyboardInterrupt:
            return OK
    return OK


def _follow(
    following: Tail, write: Callable[[Mapping[str, Any]], None], for_s: float | None, interval_s: float
) -> None:
    end = None if for_s is None else time.monotonic() + for_s
    following.look(quiet=True)
    while end is None or time.monotonic() < end:
        time.sleep(interval_s if end is None else max(0.0, min(interval_s, end - time.monotonic())))
        for item in following.look():
            write(item)


def _line(item: Mapping[str, Any], job: str) -> str:
    parts = [f"{item['scheduledAt']}  {item['status']:<9}  {job}  {item['id']}"]
    if item["status"] == "running" and item["progress"]:
        parts.append(f"{item['progress']} %")
    if item["durationMs"] is not None:
        parts.append(f"{item['durationMs']} ms")
    if item["attempt"] > 1:
        parts.append(f"attempt {item['attempt']}")
    parts.extend(str(item[name]) for name in ("reason", "errorType", "errorMessage") if item.get(name))
    return "  ".join(parts)


def _job_name(client: Client, names: dict[str, str], item: Mapping[str, Any]) -> str:
    job_id = item["jobId"]
    if job_id not in names:
        found = {job["id"]: job["name"] for job in client.pages("/jobs", {}, 1000)}
        names.update(found)
        names.setdefault(job_id, job_id)
    return names[job_id]


def _show(answer: Any, as_json: bool) -> int:
    if as_json:
        write_json(answer)
    else:
        write_pairs(answer if isinstance(answer, dict) else {"answer": answer})
    return OK

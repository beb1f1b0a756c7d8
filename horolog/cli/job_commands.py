"""`horolog job`: create, look at, change and run jobs through the API."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from horolog.cli import job_history_commands
from horolog.cli.client import open_client
from horolog.cli.definition_check import definition_problems
from horolog.cli.job_flags import FileOption, PlanFlags, RetryFlags, WorkFlags, job_body, merged, read_body
from horolog.cli.job_naming import JobId, Reason, job_id_of
from horolog.cli.job_resume_preview import show_preview
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_pairs, write_table
from horolog.cli.problems import OK, REFUSED, wrong_use

Key = Annotated[str | None, typer.Option(help="Repeating a call with the same key changes nothing.")]

_COLUMNS = ("id", "name", "status", "cronExpression", "timezone", "nextExecutionAt", "executionCount")


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    jobs = typer.Typer(help="Create, look at, change and run jobs.", no_args_is_help=True)
    for name, function, example in (
        ("create", create, "--name disk --cron '0 */5 * * * *' -- df -h"),
        ("list", list_jobs, "--status active --tag nightly"),
        ("get", get, "disk"),
        ("update", update, "disk --cron '0 0 * * * *' --retry 5"),
        ("pause", pause, "disk --reason maintenance"),
        ("resume", resume, "disk"),
        ("stop", stop, "disk"),
        ("trigger", trigger, "disk"),
        ("delete", delete, "disk --yes"),
        ("validate", validate, "--file job.json"),
    ):
        jobs.command(name, epilog=f"Example:  horolog job {name} {example}")(grouped(function))
    job_history_commands.declare(jobs)
    app.add_typer(jobs, name="job", epilog="Example:  horolog job list")


def create(
    plan: PlanFlags, work: WorkFlags, retry: RetryFlags, api: ApiOptions, file: FileOption = None, key: Key = None
) -> int:
    """Create a job from options, from a file, or from both."""
    body = job_body(plan, work, retry, file)
    if missing := [name for name in ("name", "cronExpression", "config") if name not in body]:
        raise wrong_use(f"Missing: {', '.join(missing)}.", "horolog job create --help shows the options.")
    with open_client(api) as client:
        job = client.change("POST", "/jobs", body, key=key).body
    return _show(job, api.as_json)


def list_jobs(
    api: ApiOptions,
    status: Annotated[Literal["active", "paused", "inactive"] | None, typer.Option(help="In this state.")] = None,
    job_type: Annotated[Literal["http", "function", "command"] | None, typer.Option(help="Of this type.")] = None,
    tag: Annotated[str | None, typer.Option(help="With this tag.")] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="With this in the name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
) -> int:
    """List jobs, newest first."""
    filters = {"status": status, "jobType": job_type, "tag": tag, "q": query}
    with open_client(api) as client:
        jobs = list(client.pages("/jobs", filters, limit))
    if api.as_json:
        write_json({"items": jobs})
    else:
        write_table(_COLUMNS, ([job.get(column) for column in _COLUMNS] for job in jobs))
    return OK


def get(
    job: JobId,
    api: ApiOptions,
    as_of: Annotated[str | None, typer.Option(metavar="ISO", help="As it was then; a deleted job by its id.")] = None,
) -> int:
    """Show one job."""
    with open_client(api) as client:
        found = client.get(f"/jobs/{job_id_of(client, job)}", {"asOf": as_of})
    return _show(found, api.as_json)


def update(
    job: JobId, plan: PlanFlags, work: WorkFlags, retry: RetryFlags, api: ApiOptions, file: FileOption = None
) -> int:
    """Change the given parts of a job; refused when somebody else changes it at the same time."""
    changes = job_body(plan, work, retry, file)
    if not changes:
        raise wrong_use("Nothing to change was given.", "horolog job update --help shows the options.")
    from schemas.jobs import JobDefinition  # noqa: PLC0415 - pydantic models take long to load

    with open_client(api) as client:
        path = f"/jobs/{job_id_of(client, job)}"
        current = client.fetch(path)
        names = {field.alias for field in JobDefinition.model_fields.values()}
        body = {name: value for name, value in current.body.items() if name in names and value is not None}
        changed = client.change("PUT", path, merged(body, changes), if_match=current.etag).body
    return _show(changed, api.as_json)


def pause(job: JobId, api: ApiOptions, reason: Reason = None) -> int:
    """Let a job owe no fires until it is resumed."""
    return _act(job, "pause", api, {"reason": reason})


def resume(
    job: JobId,
    api: ApiOptions,
    reason: Reason = None,
    catch_up: Annotated[bool, typer.Option("--catch-up", help="Make up for the time between.")] = False,
    preview: Annotated[bool, typer.Option("--preview", help="Only tell what either way would do.")] = False,
) -> int:
    """Let a job be active again from now on."""
    if preview:
        return show_preview(job, api)
    return _act(job, "resume", api, {"reason": reason, "catchUp": catch_up or None})


def stop(job: JobId, api: ApiOptions, reason: Reason = None) -> int:
    """End a job's schedule, and cancel what waits or runs."""
    return _act(job, "stop", api, {"reason": reason})


def trigger(
    job: JobId,
    api: ApiOptions,
    param: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="For a function job.")] = None,
    reason: Reason = None,
    key: Key = None,
) -> int:
    """Run a job once, now."""
    parameters = WorkFlags(param=param).fields().get("config", {}).get("parameters")
    return _act(job, "trigger", api, {"reason": reason, "parameters": parameters}, key)


def delete(
    job: JobId,
    api: ApiOptions,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Stop a job and forget it; its executions stay in the ledger."""
    if not yes and not api.as_json and not typer.confirm(f"Delete {job}?", err=True):
        return REFUSED
    with open_client(api) as client:
        job_id = job_id_of(client, job)
        client.change("DELETE", f"/jobs/{job_id}")
    if api.as_json:
        write_json({"id": job_id, "deleted": True})
    else:
        write_line(f"Deleted {job_id}.")
    return OK


def validate(
    api: ApiOptions,
    job: Annotated[str | None, typer.Argument(metavar="[JOB]", help="A job that exists.")] = None,
    file: FileOption = None,
) -> int:
    """Judge a job that exists, or a file before it becomes one (needs no server)."""
    if (job is None) == (file is None):
        raise wrong_use("Give either a job or --file.", "horolog job validate --help shows how.")
    if file is not None:
        found = definition_problems(read_body(file))
        judgement: dict[str, Any] = {"valid": not found, "problems": found}
    else:
        with open_client(api) as client:
            judgement = client.change("POST", f"/jobs/{job_id_of(client, job or '')}/validate").body
    if api.as_json:
        write_json(judgement)
    else:
        write_line("valid" if judgement["valid"] else "not valid")
        for problem in judgement["problems"]:
            write_line(f"  {problem['field']}: {problem['message']}")
        for instant in judgement.get("nextExecutions", ()):
            write_line(f"  next: {instant}")
    return OK if judgement["valid"] else REFUSED


def _act(job: str, action: str, api: ApiOptions, body: Mapping[str, Any], key: str | None = None) -> int:
    given = {name: value for name, value in body.items() if value is not None}
    with open_client(api) as client:
        answer = client.change("POST", f"/jobs/{job_id_of(client, job)}/{action}", given, key=key).body
    return _show(answer, api.as_json)


def _show(answer: Any, as_json: bool) -> int:
    if as_json:
        write_json(answer)
    else:
        write_pairs(answer if isinstance(answer, dict) else {"answer": answer})
    return OK

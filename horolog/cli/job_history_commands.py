"""`horolog job fires`, `versions` and `rollback`: what a job owed and will owe, how it was, and going back to that."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from horolog.cli.client import Client, open_client
from horolog.cli.job_naming import JobId, Reason, job_id_of
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import shown, write_json, write_line, write_pairs
from horolog.cli.problems import OK

PAGE_COUNT = 1000


def declare(jobs: typer.Typer) -> None:
    """Declare the commands among those of `horolog job`."""
    for name, function, example in (
        ("fires", fires, "disk --from 2026-03-28T00:00:00Z --to 2026-03-30T00:00:00Z"),
        ("versions", versions, "disk"),
        ("rollback", rollback, "disk --to 3 --reason 'the new schedule was wrong'"),
    ):
        jobs.command(name, epilog=f"Example:  horolog job {name} {example}")(grouped(function))


def fires(
    job: JobId,
    api: ApiOptions,
    since: Annotated[str | None, typer.Option("--from", metavar="ISO", help="Not before; now if not given.")] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="ISO", help="Before.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 20,
) -> int:
    """Show the instants that a job owes; past ones by the schedule that was in force then."""
    with open_client(api) as client:
        found = list(_fires(client, f"/jobs/{job_id_of(client, job)}/fires", {"from": since, "to": until}, limit))
    if api.as_json:
        write_json({"items": found})
        return OK
    for fire in found:
        notes = [fire["dst"], None if fire["active"] else "only if it were resumed now"]
        write_line("  ".join([fire["at"], fire["localTime"], *filter(None, notes)]))
    return OK


def versions(
    job: JobId,
    api: ApiOptions,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 20,
) -> int:
    """Show a job's versions, newest first, and what each of them changed; a deleted job is named by its id."""
    with open_client(api) as client:
        found = list(client.pages(f"/jobs/{job_id_of(client, job)}/versions", {}, limit))
    if api.as_json:
        write_json({"items": found})
        return OK
    for version in found:
        for line in _version_lines(version):
            write_line(line)
    return OK


def rollback(
    job: JobId,
    api: ApiOptions,
    version: Annotated[int, typer.Option("--to", min=1, metavar="VERSION", help="Which definition to have again.")],
    reason: Reason = None,
) -> int:
    """Give a job the definition of an earlier version, as a new change."""
    body = {"toVersion": version} if reason is None else {"toVersion": version, "reason": reason}
    with open_client(api) as client:
        changed = client.change("POST", f"/jobs/{job_id_of(client, job)}/rollback", body).body
    if api.as_json:
        write_json(changed)
    else:
        write_pairs(changed)
    return OK


def _fires(client: Client, path: str, window: Mapping[str, str | None], limit: int) -> Iterator[Mapping[str, Any]]:
    start, left = window["from"], limit
    while True:
        page = client.get(path, {**window, "from": start, "limit": min(left, PAGE_COUNT)})
        yield from page["items"]
        start, left = page["nextFrom"], left - len(page["items"])
        if start is None or left <= 0:
            return


def _version_lines(version: Mapping[str, Any]) -> Iterator[str]:
    parts = [f"{version['version']:>4}", version["at"], version["change"], version["status"], version["actor"]]
    yield "  ".join([*parts, *([version["reason"]] if version["reason"] else [])])
    for difference in version["diff"]:
        yield f"      {difference['path']}: {_side(difference['before'])} → {_side(difference['after'])}"


def _side(value: Any) -> str:
    return "nothing" if value is None else shown(value)

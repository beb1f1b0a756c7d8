"""`horolog export`: the jobs of a tenant as a file that `horolog apply` reads.

Guarantee: what of a job is not in the file (secret values, a pause) is told beside it, job by job.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from horolog.cli.apply_command import PRESENT_COUNT_MAX
from horolog.cli.applying.exported import exported
from horolog.cli.applying.plan import PresentJob, present_job
from horolog.cli.client import Client, open_client
from horolog.cli.job_naming import job_id_of
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_note
from horolog.cli.problems import OK, wrong_use


def register(app: typer.Typer) -> None:
    """Declare the command."""
    app.command("export", epilog="Example:  horolog export --tag nightly -o jobs.yaml")(grouped(export))


def export(
    api: ApiOptions,
    job: Annotated[list[str] | None, typer.Option(metavar="JOB", help="Only this one; several times.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only jobs with this tag.")] = None,
    output: Annotated[Path | None, typer.Option("--out", "-o", dir_okay=False, help="A file, else stdout.")] = None,
    annotate: Annotated[bool, typer.Option("--annotate", help="Ids, versions and states as comments.")] = False,
) -> int:
    """Write the tenant's jobs as YAML: what was chosen of each, without the defaults."""
    with open_client(api) as client:
        found = exported(_chosen(client, job or [], tag), annotate)
    if output is not None:
        _write(output, found.text)
    elif not api.as_json:
        sys.stdout.write(found.text)
        sys.stdout.flush()
    if api.as_json:
        write_json({"jobs": list(found.documents), "notes": list(found.notes)})
    for note in () if api.as_json else found.notes:
        write_note(note)
    return OK


def _chosen(client: Client, names: list[str], tag: str | None) -> list[PresentJob]:
    if not names:
        return [present_job(job) for job in client.pages("/jobs", {"tag": tag}, PRESENT_COUNT_MAX)]
    ids = dict.fromkeys(job_id_of(client, name) for name in names)
    found = [present_job(client.get(f"/jobs/{job_id}")) for job_id in ids]
    return [job for job in found if tag is None or tag in job.body.get("tags", ())]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise wrong_use(f"{path} cannot be written: {error.strerror}.") from error

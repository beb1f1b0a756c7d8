"""How a command line names a job: by its id, or by its whole name if only one job has it."""

from typing import Annotated

import typer

from horolog.cli.client import Client
from horolog.cli.problems import CliProblem, wrong_use

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Its id, or its whole name.")]
Reason = Annotated[str | None, typer.Option(help="Kept in the audit trail.")]

_UUID_LENGTH = 36


def job_id_of(client: Client, job: str) -> str:
    """The id of the job that was named.

    Raises:
        CliProblem: no job has that name, or several have.
    """
    if len(job) == _UUID_LENGTH and job.count("-") == 4:
        return job
    found = [item for item in client.pages("/jobs", {"q": job}, None) if item["name"] == job]
    if len(found) == 1:
        return str(found[0]["id"])
    if not found:
        raise CliProblem("JOB_NOT_FOUND", f"There is no job named {job!r}.", "horolog job list shows what there is.")
    ids = ", ".join(item["id"] for item in found)
    raise wrong_use(f"{len(found)} jobs are named {job!r}.", f"Use an id: {ids}")

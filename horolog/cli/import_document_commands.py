"""`horolog import kubernetes`, `celery`, `xxl-job`, `bullmq`: a source's jobs as a file that `horolog apply` reads.

Guarantee: no server is asked and nothing of a source is run. The file goes to stdout or where --out says, the report to
stderr; the exit code is 1 if anything could not be mapped, and what could be is written all the same.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from horolog.cli.apply_command import read_source, read_standard_input
from horolog.cli.applying.job_writing import written_jobs
from horolog.cli.importing.bullmq import read_bullmq
from horolog.cli.importing.celery import read_celery
from horolog.cli.importing.kubernetes import read_kubernetes
from horolog.cli.importing.port import Imported, Reader, Setting
from horolog.cli.importing.xxl_job import read_xxl_job
from horolog.cli.options import Json
from horolog.cli.output import write_json, write_note
from horolog.cli.problems import OK, REFUSED, wrong_use
from horolog.domain.cron import ZoneError, zone

_FORMATS: dict[str, tuple[Reader, str, str]] = {
    "kubernetes": (read_kubernetes, "Take over CronJobs from manifests.", "cronjobs.yaml --tz UTC -o jobs.yaml"),
    "celery": (read_celery, "Take over a beat schedule, from JSON, YAML, Python or dumpdata.", "celeryconfig.py"),
    "xxl-job": (read_xxl_job, "Take over rows of xxl_job_info, from JSON or CSV.", "jobs.csv --tz Asia/Shanghai"),
    "bullmq": (read_bullmq, "Take over job schedulers, from JSON.", "schedulers.json --tz UTC"),
}


def declare(imports: typer.Typer) -> None:
    """Declare the commands in the group of imports."""
    for name, (reader, help_text, example) in _FORMATS.items():
        epilog = f"Example:  horolog import {name} {example}"
        imports.command(name, help=help_text, epilog=epilog)(_command(reader))


def _command(reader: Reader) -> Callable[..., int]:
    def take_over(
        file: Annotated[str, typer.Argument(metavar="FILE|-", help="What to read.")],
        tz: Annotated[str | None, typer.Option(help="Where the source names no time zone.")] = None,
        handler_url: Annotated[
            str | None, typer.Option(metavar="URL", help="Where handlers are called; {handler}, {queue}, {name}.")
        ] = None,
        output: Annotated[Path | None, typer.Option("--out", "-o", dir_okay=False, help="A file, else stdout.")] = None,
        as_json: Json = False,
    ) -> int:
        source = read_standard_input() if file == "-" else read_source(Path(file), file)
        return tell(reader(source.text, Setting(_zone_name(tz), handler_url)), source.name, output, as_json)

    return take_over


def tell(found: Imported, name: str, output: Path | None, as_json: bool) -> int:
    """Write the file and the report of what a source of this name holds; the exit code."""
    text = written_jobs([entry.document for entry in found.entries], [f"Taken over from {name}."], {})
    if output is not None:
        _write(output, text)
    elif not as_json:
        sys.stdout.write(text)
        sys.stdout.flush()
    _report(found, as_json)
    return REFUSED if found.unmapped else OK


def _zone_name(tz: str | None) -> str | None:
    try:
        return zone(tz).name if tz is not None else None
    except ZoneError as error:
        raise wrong_use(f"--tz: {error}") from error


def _report(found: Imported, as_json: bool) -> None:
    if as_json:
        jobs = [{"place": entry.place, "job": entry.document, "notes": list(entry.notes)} for entry in found.entries]
        unmapped = [{"place": one.place, "reason": one.reason} for one in found.unmapped]
        write_json({"jobs": jobs, "unmapped": unmapped})
        return
    for entry in found.entries:
        for note in entry.notes:
            write_note(f"note: {entry.place}: {entry.document['name']}: {note}")
    for one in found.unmapped:
        write_note(f"not mapped: {one.place}: {one.reason}")
    write_note(f"{len(found.entries)} of {len(found.entries) + len(found.unmapped)} taken over.")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise wrong_use(f"{path} cannot be written: {error.strerror}.") from error

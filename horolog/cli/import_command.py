"""`horolog import crontab`: the jobs of a crontab, created through the API, with a report line by line.

The other sources, which become files for `horolog apply`, are in `import_document_commands`.
"""

import getpass
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from horolog.cli import import_document_commands
from horolog.cli.client import Client, open_client
from horolog.cli.crontab import CronEntry, Surroundings, has_user_column, read_crontab
from horolog.cli.importing.crontab_lines import config_note, crontab_reader
from horolog.cli.importing.port import Setting
from horolog.cli.machine_zone import machine_zone
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_table
from horolog.cli.problems import OK, REFUSED, UNREACHABLE, CliProblem, wrong_use
from horolog.domain.cron import ZoneError, zone


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one line."""

    line: int
    outcome: Literal["created", "would create", "refused"]
    name: str
    schedule: str
    detail: str
    job_id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row for machines."""
        pairs = {
            "line": self.line,
            "outcome": self.outcome,
            "name": self.name,
            "schedule": self.schedule,
            "detail": self.detail,
            "jobId": self.job_id,
        }
        return {name: value for name, value in pairs.items() if value not in (None, "")}


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    imports = typer.Typer(help="Take over jobs from elsewhere.", no_args_is_help=True)
    imports.command("crontab", epilog="Example:  crontab -l | horolog import crontab - --dry-run")(
        grouped(import_crontab)
    )
    import_document_commands.declare(imports)
    app.add_typer(imports, name="import", epilog="Example:  horolog import crontab /etc/crontab --dry-run")


def import_crontab(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A crontab.")],
    api: ApiOptions,
    user_column: Annotated[
        Literal["auto", "yes", "no"], typer.Option(help="Whether lines name a user, as in /etc/crontab.")
    ] = "auto",
    tz: Annotated[str | None, typer.Option(help="Until a CRON_TZ line; else the machine's time zone.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report; needs no server.")] = False,
    output: Annotated[
        Path | None, typer.Option("--out", "-o", dir_okay=False, help="Create none: write a file for apply.")
    ] = None,
) -> int:
    """Create the jobs of a crontab, and name each line that cannot be taken over, with the reason."""
    surroundings = _surroundings(file, user_column, tz)
    if output is not None:
        read = crontab_reader(surroundings)
        return import_document_commands.tell(read(_text(file), Setting()), file, output, api.as_json)
    found = read_crontab(_text(file), surroundings)
    if dry_run:
        rows = [_row(entry, "would create", config_note(entry)) for entry in found.entries]
    else:
        with open_client(api) as client:
            rows = [_create(client, entry) for entry in found.entries]
    rows += [Row(line.line, "refused", line.text, "", line.reason) for line in found.refused]
    _report(sorted(rows, key=lambda row: row.line), api.as_json)
    return REFUSED if any(row.outcome == "refused" for row in rows) else OK


def _create(client: Client, entry: CronEntry) -> Row:
    try:
        job: Mapping[str, Any] = client.change("POST", "/jobs", entry.body()).body
    except CliProblem as problem:
        if problem.exit_code == UNREACHABLE:
            raise
        return _row(entry, "refused", f"{problem.code}: {problem.message}")
    return _row(entry, "created", config_note(entry), str(job["id"]))


def _row(
    entry: CronEntry, outcome: Literal["created", "would create", "refused"], detail: str, job_id: str | None = None
) -> Row:
    return Row(entry.line, outcome, entry.name, f"{entry.expression} ({entry.timezone})", detail, job_id)


def _text(file: str) -> str:
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise wrong_use(f"{file} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise wrong_use(f"{file} is not UTF-8 text.") from error


def _surroundings(file: str, choice: Literal["auto", "yes", "no"], tz: str | None) -> Surroundings:
    path = file if file == "-" else str(Path(file).resolve())
    try:
        name = zone(tz).name if tz is not None else machine_zone()
    except ZoneError as error:
        raise wrong_use(f"--tz: {error}") from error
    return Surroundings(name, has_user_column(path, choice), _current_user())


def _current_user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user id need not have a name.
        return None


def _report(rows: list[Row], as_json: bool) -> None:
    refused = sum(row.outcome == "refused" for row in rows)
    if as_json:
        write_json({"lines": [row.to_dict() for row in rows], "taken": len(rows) - refused, "refused": refused})
        return
    columns = ("line", "outcome", "name", "schedule", "detail")
    write_table(columns, ((row.line, row.outcome, row.name, row.schedule, row.detail) for row in rows))
    write_line(f"{len(rows) - refused} of {len(rows)} lines taken over, {refused} refused.")

"""`horolog verify` (`ledger`, `projections`, `audit`, `backup`) and `rebuild`: declared here, run by other modules."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from horolog.cli.options import ApiOptions, Json, grouped
from horolog.cli.problems import wrong_use
from horolog.cli.replay_command import instant

RANGE_DEFAULT = timedelta(days=1)
_LEDGER, _TABLES = "horolog.cli.verify_command_ledger", "horolog.cli.verify_command_tables"
_AUDIT = "horolog.cli.audit_work"
_BACKUP = "horolog.cli.backup_command_work"

Directory = Annotated[
    Path | None, typer.Option("--dir", file_okay=False, help="Of a stopped `horolog dev`; else the environment's.")
]


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of the ledger."""

    since: Annotated[
        datetime | None, typer.Option("--from", parser=instant, metavar="ISO", help="Else a day before --to.")
    ] = None
    until: Annotated[datetime | None, typer.Option("--to", parser=instant, metavar="ISO", help="Else now.")] = None
    tenant: Annotated[str | None, typer.Option(help="Of this tenant (id); the API knows the token's only.")] = None
    job: Annotated[str | None, typer.Option(help="Of this job (id).")] = None

    def window(self, now: datetime) -> tuple[datetime, datetime]:
        """From inclusive, to exclusive.

        Raises:
            CliProblem: it is empty.
        """
        end = self.until or now
        begin = self.since or end - RANGE_DEFAULT
        if begin >= end:
            raise wrong_use("The window is empty: --from must precede --to.")
        return begin, end


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    proofs = typer.Typer(
        help="Prove that the ledger, the read models, the audit trail and a backup are right.", no_args_is_help=True
    )
    epilog = "Example:  horolog verify ledger --from 2026-03-01T00:00:00Z --to 2026-03-02T00:00:00Z"
    proofs.command("ledger", epilog=epilog)(grouped(ledger))
    proofs.command("projections", epilog="Example:  horolog verify projections --json")(projections)
    proofs.command("audit", epilog="Example:  horolog verify audit")(audit)
    proofs.command("backup", epilog="Example:  horolog verify backup horolog.backup")(backup)
    app.add_typer(proofs, name="verify", epilog="Example:  horolog verify ledger")
    app.command("rebuild", epilog="Example:  horolog rebuild")(rebuild)


def ledger(part: Part, api: ApiOptions) -> int:
    """Hold every instant that the schedules owed against the ledger; exit 1 if something is missing or wrong.

    With --url or --token, or without DATABASE_URL, the API is asked; else the database, for all tenants.
    """
    return int(import_module(_LEDGER).run(part, api))


def projections(directory: Directory = None, as_json: Json = False) -> int:
    """Build the read models a second time beside the live ones, and compare; exit 1 if they differ.

    The system may run meanwhile: the log is only read, and the copy is dropped at the end.
    """
    return int(import_module(_TABLES).compare(directory, as_json))


def audit(
    checkpoints: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Signed checkpoints that were kept elsewhere.")
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Of the key that has signed them, as PEM.")
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Of this tenant (id) alone.")] = None,
    directory: Directory = None,
    as_json: Json = False,
) -> int:
    """Compute the audit trail's chains anew from the log, and compare; exit 1 if anything was changed.

    The first entry of each chain that was edited, deleted, moved, added or cut off is named.
    """
    kept = (checkpoints, public_key)
    return int(import_module(_AUDIT).verify(directory, tenant, kept, as_json))


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file that `horolog backup` has made.")],
    as_json: Json = False,
) -> int:
    """Read a whole backup, and say what is in it; exit 1 if any of it was changed, or the key is another one."""
    return int(import_module(_BACKUP).verify_backup(file, as_json))


def rebuild(directory: Directory = None, as_json: Json = False) -> int:
    """Build the read models anew from the log, and let them take the place of the present ones.

    The system may run meanwhile; projectors wait for the moment of the exchange, and go on where they were.
    """
    return int(import_module(_TABLES).rebuild(directory, as_json))

"""`horolog backup` and `horolog restore`: declared here, run by the module named below."""

from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from horolog.cli.options import Json

_WORK = "horolog.cli.backup_command_work"

Directory = Annotated[
    Path | None, typer.Option("--dir", file_okay=False, help="Of a stopped `horolog dev`; else the environment's.")
]


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    app.command("backup", epilog="Example:  horolog backup --to horolog.backup")(backup)
    app.command("restore", epilog="Example:  horolog restore --from horolog.backup --dir restored")(restore)


def backup(
    to: Annotated[Path, typer.Option("--to", dir_okay=False, help="The file; it must not exist.")],
    directory: Directory = None,
    as_json: Json = False,
) -> int:
    """Write all that the log of a stopped system keeps into one encrypted file.

    The key is HOROLOG_BACKUP_KEY, or in the file that HOROLOG_BACKUP_KEY_FILE names. `verify backup` checks the file.
    """
    return int(import_module(_WORK).back_up_log(to, directory, as_json))


def restore(
    source: Annotated[Path, typer.Option("--from", dir_okay=False, help="The file that `horolog backup` has made.")],
    directory: Directory = None,
    as_json: Json = False,
) -> int:
    """Write a backup into an empty log with as many partitions; the read models follow from it.

    Services must be stopped, and the database has to be a fresh one. The key is found as by `horolog backup`.
    """
    return int(import_module(_WORK).restore_log(source, directory, as_json))

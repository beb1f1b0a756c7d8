"""`horolog serve`, `migrate`, `topics` and `dev`: declared here, run by `serve`, `preparation` and `dev` beside it."""

import os
from importlib import import_module
from pathlib import Path
from typing import Annotated, Literal

import typer

from horolog.cli.connection import data_directory
from horolog.cli.options import DevOptions, Json, duration_s
from horolog.cli.problems import wrong_use

_SERVE, _PREPARE, _DEV = "horolog.cli.serve", "horolog.cli.preparation", "horolog.cli.dev"
_Role = Literal["api", "ticker", "dispatcher", "executor", "projections", "notifier", "analytics", "all"]


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    app.command("dev", epilog="Example:  horolog dev --for 60s")(dev)
    app.command("serve", epilog="Example:  horolog serve ticker")(serve)
    app.command("migrate", epilog="Example:  horolog migrate --pre")(migrate)
    app.command("topics", epilog="Example:  horolog topics --check")(topics)


def dev(
    for_s: Annotated[
        float | None, typer.Option("--for", parser=duration_s, metavar="DURATION", help="Stop by itself after this.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the API; 0 takes a free one.")] = 3009,
    directory: Annotated[
        Path | None, typer.Option("--dir", file_okay=False, help="Data; else HOROLOG_HOME, else .horolog here.")
    ] = None,
    examples: Annotated[bool, typer.Option(help="Create the example jobs.")] = True,
    as_json: Json = False,
) -> int:
    """Run everything on this machine, without any server to install."""
    where = directory or data_directory(os.environ)
    options = DevOptions(for_s=for_s, port=port, directory=where, examples=examples, as_json=as_json)
    return int(import_module(_DEV).run(options))


def serve(role: Annotated[_Role, typer.Argument(help="Which part to run.")]) -> int:
    """Run one part of a distributed installation, set up by the environment."""
    return int(import_module(_SERVE).run(role))


def migrate(
    pre: Annotated[
        bool, typer.Option("--pre", help="Only what has to be there before the new version starts.")
    ] = False,
    post: Annotated[bool, typer.Option("--post", help="The rest, once the last of the old version has ended.")] = False,
    as_json: Json = False,
) -> int:
    """Bring the database up to date: the read models, and what lies beside them.

    Without --pre or --post all of it. What takes something away that an older version uses is refused while one is
    connected to the database.
    """
    phase = "both" if pre == post else "pre" if pre else "post"
    return int(import_module(_PREPARE).migrate(phase, as_json))


def topics(
    check: Annotated[
        bool, typer.Option("--check", help="Create and change nothing; exit 1 if anything is not as it is to be.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Set the configurations that are not as they are to be.")
    ] = False,
    as_json: Json = False,
) -> int:
    """Create the topics that are missing, and tell how those that there are differ from what they are to be.

    --repair changes configurations alone, never to keep less; what it cannot mend (partitions, replicas) is exit 1.
    """
    if check and repair:
        raise wrong_use("--check changes nothing: leave out --repair, or --check.")
    return int(import_module(_PREPARE).topics(as_json, check=check, repair=repair))

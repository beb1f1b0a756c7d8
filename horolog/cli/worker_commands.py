"""`horolog worker run`: functions of one's own code base, registered with `horolog.worker`."""

import os
from importlib import import_module
from typing import Annotated

import typer

from horolog.cli.connection import data_directory
from horolog.cli.options import DevOptions, Json, duration_s
from horolog.cli.problems import wrong_use


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    worker = typer.Typer(help="Run functions of your own code base.", no_args_is_help=True)
    worker.command("run", epilog="Example:  horolog worker run billing")(run)
    app.add_typer(worker, name="worker")


def run(
    module: Annotated[str, typer.Argument(metavar="MODULE[:NAME]", help="Where the worker is; NAME is `worker`.")],
    for_s: Annotated[
        float | None, typer.Option("--for", parser=duration_s, metavar="DURATION", help="Stop by itself after this.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Of the API; 0 takes a free one.")] = 3009,
    as_json: Json = False,
) -> int:
    """Run the functions that a module has registered.

    With KAFKA_BOOTSTRAP_SERVERS it joins that system as one more worker. Without, there is none to join: it runs a
    whole one on this machine, as `horolog dev` does; the options are for that.
    """
    if not all(part.isidentifier() for part in module.replace(":", ".", 1).split(".")):
        raise wrong_use(f"{module[:100]!r} is not a module, or a module and a name.", "For example my.module:worker")
    if os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        return int(import_module("horolog.cli.serve").run_worker(module))
    options = DevOptions(for_s, port, data_directory(os.environ), examples=False, as_json=as_json, worker=module)
    return int(import_module("horolog.cli.dev").run(options))

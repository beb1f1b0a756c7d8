"""`horolog next` as a declared command; the work is done by `horolog.cli.fires`."""

from typing import Annotated

import typer

from horolog.cli.fires import COUNT_DEFAULT, COUNT_MAX, Question, run
from horolog.cli.options import Json


def register(app: typer.Typer) -> None:
    """Declare the command."""
    app.command("next", epilog="Example:  horolog next '0 0 9 * * MON-FRI' --tz Europe/Berlin -n 3")(next_fires)


def next_fires(
    expression: Annotated[str | None, typer.Argument(help="Cron expression of 5 or 6 fields, or a macro.")] = None,
    tz: Annotated[str, typer.Option("--tz", help="IANA time zone.")] = "UTC",
    after: Annotated[str | None, typer.Option("--after", help="ISO 8601 instant; now if not given.")] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=COUNT_MAX, help="How many.")] = COUNT_DEFAULT,
    batch: Annotated[
        str | None,
        typer.Option("--batch", metavar="FILE|-", help="Answer JSON lines {expr, tz, after, n} from a file or stdin."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Compute when a cron expression fires next; needs no server."""
    return run(Question(expression, tz, after, count, batch, as_json))

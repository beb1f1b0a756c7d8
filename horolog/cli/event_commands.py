"""`horolog events`: what happens to the tenant, as it happens."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

import typer

from horolog.cli.client import open_client
from horolog.cli.execution_tail import event_line
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_note
from horolog.cli.problems import OK
from horolog.client.following import EventFilter, StreamEvent


@dataclass(frozen=True, slots=True)
class Which:
    """Which events, and from where on."""

    types: Annotated[
        str | None,
        typer.Option(help="Of these types, with commas: execution.failed, or all of job, execution, attempt, audit."),
    ] = None
    job: Annotated[str | None, typer.Option(help="Of this job (id).")] = None
    execution: Annotated[str | None, typer.Option(help="Of this execution (id).")] = None
    since_id: Annotated[str | None, typer.Option("--since-id", metavar="ID", help="After the event with this id.")] = (
        None
    )

    def filter(self) -> EventFilter:
        """As the client takes it."""
        types = tuple(word for part in (self.types or "").split(",") if (word := part.strip()))
        return EventFilter(types, self.job, self.execution)


def register(app: typer.Typer) -> None:
    """Declare the command."""
    app.command("events", epilog="Example:  horolog events --follow --types execution.failed")(grouped(events))


def events(
    which: Which,
    api: ApiOptions,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
) -> int:
    """Tell what has happened since an event, or with --follow what happens from now on; a line each.

    Where it can be gone on with (--since-id) is said on stderr at the end.
    """
    with open_client(api) as client:
        following = client.following(which.filter(), which.since_id, follow=follow)
        with suppress(KeyboardInterrupt):
            _write(client.events(following), api.as_json)
        if following.last_id is not None and not api.as_json:
            write_note(f"go on with --since-id {following.last_id}")
    return OK


def _write(told: Iterable[StreamEvent], as_json: bool) -> None:
    for event in told:
        if as_json:
            write_json({"id": event.id, **event.body.to_dict()})
        else:
            write_line(event_line(event.body))

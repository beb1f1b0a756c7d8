"""`horolog audit`: list and export the own tenant's audit trail, sign checkpoints of all, and look after its sink."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from horolog.cli.client import open_client
from horolog.cli.options import ApiOptions, Json, grouped
from horolog.cli.output import write_json, write_line, write_table
from horolog.cli.problems import OK
from horolog.cli.replay_command import instant

PATH = "/api/v1/audit"
_COLUMNS = ("at", "actor", "address", "action", "object", "outcome", "chain", "seq")
_EVERYTHING = 1_000_000

_Directory = Annotated[
    Path | None, typer.Option("--dir", file_okay=False, help="Of a stopped `horolog dev`; else the environment's.")
]


class Format(StrEnum):
    """What is exported."""

    CSV = "csv"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Where:
    """Which entries; all that is given must hold."""

    since: Annotated[datetime | None, typer.Option("--from", parser=instant, metavar="ISO", help="From then on.")] = (
        None
    )
    until: Annotated[datetime | None, typer.Option("--to", parser=instant, metavar="ISO", help="Before then.")] = None
    actor: Annotated[str | None, typer.Option(help="By whom, such as user:ada.")] = None
    action: Annotated[str | None, typer.Option(help="What, such as 'DELETE /api/v1/secrets/{name}'.")] = None
    object_id: Annotated[str | None, typer.Option("--object", help="The id of what it was about.")] = None
    chain: Annotated[str | None, typer.Option(help="jobs, tenants or calls.")] = None

    def query(self) -> dict[str, Any]:
        """The conditions, as the API names them."""
        return {
            "from": self.since.isoformat() if self.since else None,
            "to": self.until.isoformat() if self.until else None,
            "actor": self.actor,
            "action": self.action,
            "object": self.object_id,
            "chain": self.chain,
        }


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    audits = typer.Typer(help="Read the audit trail, and sign checkpoints of it.", no_args_is_help=True)
    audits.command("list", epilog="Example:  horolog audit list --actor user:ada")(grouped(list_entries))
    audits.command("export", epilog="Example:  horolog audit export --format csv > audit.csv")(grouped(export))
    audits.command("checkpoint", epilog="Example:  horolog audit checkpoint --to /elsewhere/audit.jsonl")(checkpoint)
    audits.command("sink", epilog="Example:  horolog audit sink --tenant ID --chain calls --resend-from 1")(sink)
    app.add_typer(audits, name="audit", epilog="Example:  horolog audit list")


def list_entries(
    where: Where,
    api: ApiOptions,
    limit: Annotated[int, typer.Option(min=1, max=_EVERYTHING, help="At most so many.")] = 50,
) -> int:
    """List what was changed and refused, newest first."""
    with open_client(api) as client:
        items = list(client.pages(PATH, where.query(), limit))
    if api.as_json:
        write_json({"items": items})
    else:
        write_table(_COLUMNS, ([item.get(column) for column in _COLUMNS] for item in items))
    return OK


def export(
    where: Where,
    api: ApiOptions,
    as_format: Annotated[Format, typer.Option("--format", help="csv, or json: an object on each line.")] = Format.CSV,
) -> int:
    """Write everything to standard output, newest first."""
    reader = import_module("services.api.audit_reader")
    with open_client(api) as client:
        for number, item in enumerate(client.pages(PATH, where.query(), None)):
            if as_format is Format.JSON:
                write_json(item)
            else:
                write_line(reader.csv_text([item], has_head=number == 0).removesuffix("\r\n"))
    return OK


def checkpoint(
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Else standard output.")] = None,
    directory: _Directory = None,
    as_json: Json = False,
) -> int:
    """Prove the audit trail, and sign the head of every chain with the key of HOROLOG_AUDIT_KEY_FILE.

    Kept where nobody can change it who can change the log, it finds what was changed in log and rows alike.
    """
    return int(import_module("horolog.cli.audit_work").checkpoint(directory, to, as_json))


def sink(
    tenant: Annotated[str | None, typer.Option(help="Of this tenant (id) alone.")] = None,
    chain: Annotated[str | None, typer.Option(help="jobs, tenants or calls; of this chain alone.")] = None,
    resend_from: Annotated[
        int | None, typer.Option(min=1, metavar="SEQ", help="Send the chain once more, from this entry on.")
    ] = None,
    directory: _Directory = None,
    as_json: Json = False,
) -> int:
    """Show how far the outside audit service has taken each chain, or set one chain back.

    A chain is never set forward: nothing of it may be passed over. What is sent once more carries other batch ids.
    """
    work = import_module("horolog.cli.audit_sink_work")
    if resend_from is None:
        return int(work.show(directory, (tenant, chain), as_json))
    return int(work.resend(directory, (tenant, chain), resend_from, as_json))

"""`horolog openapi`, `asyncapi` and `docs`: the contracts as documents."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from horolog.cli.asyncapi import asyncapi_document
from horolog.cli.documents import documents, openapi_document, stale, write
from horolog.cli.options import Json
from horolog.cli.output import write_json, write_line
from horolog.cli.problems import OK, REFUSED


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    app.command("openapi", epilog="Example:  horolog openapi > openapi.json")(openapi)
    app.command("asyncapi", epilog="Example:  horolog asyncapi > asyncapi.json")(asyncapi)
    app.command("docs", epilog="Example:  horolog docs --check")(docs)


def openapi(as_json: Json = False) -> int:
    """Print the OpenAPI document of the REST API (with --json on one line)."""
    return _print(openapi_document(), as_json)


def asyncapi(as_json: Json = False) -> int:
    """Print the AsyncAPI document of the topics (with --json on one line)."""
    return _print(asyncapi_document(), as_json)


def docs(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if a page is stale.")] = False,
    directory: Annotated[Path, typer.Option("--dir", file_okay=False, help="Where the pages are.")] = Path("docs"),
    as_json: Json = False,
) -> int:
    """Write the generated reference pages."""
    wanted = documents()
    changed = [str(path) for path in (stale(directory, wanted) if check else write(directory, wanted))]
    if as_json:
        write_json({"stale" if check else "written": changed})
    for path in () if as_json else changed:
        write_line(f"{'stale' if check else 'written'}: {directory / path}")
    if not as_json:
        write_line(f"{len(wanted) - len(changed)} of {len(wanted)} pages were up to date.")
    if check and changed and not as_json:
        write_line("→ horolog docs")
    return REFUSED if check and changed else OK


def _print(document: Mapping[str, Any], as_json: bool) -> int:
    if as_json:
        write_json(document)
        return OK
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return OK

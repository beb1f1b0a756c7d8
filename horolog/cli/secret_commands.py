"""`horolog secret`: set, list and delete the secrets that jobs refer to as `secret://name`.

Guarantee: a value is never taken from the command line, where everybody on the machine could read it, and never shown.
"""

import getpass
import sys
from typing import Annotated

import typer

from horolog.cli.client import open_client
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_table
from horolog.cli.problems import OK, wrong_use

PATH = "/api/v1/secrets"
Name = Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and . _ -")]
_COLUMNS = ("name", "version", "createdAt", "updatedAt")


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    secrets = typer.Typer(help="Set, list and delete the secrets that jobs refer to.", no_args_is_help=True)
    for name, function, example in (
        ("set", set_secret, "billing-token < token.txt"),
        ("list", list_secrets, ""),
        ("delete", delete_secret, "billing-token"),
    ):
        secrets.command(name, epilog=f"Example:  horolog secret {name} {example}".rstrip())(grouped(function))
    app.add_typer(secrets, name="secret", epilog="Example:  horolog secret list")


def set_secret(name: Name, api: ApiOptions) -> int:
    """Set a secret to what is written to standard input, without its last line end; or ask for it."""
    value = _value()
    with open_client(api) as client:
        note = client.change("PUT", f"{PATH}/{name}", {"value": value}).body
    if api.as_json:
        write_json(note)
    else:
        write_line(f"secret://{note['name']} is at version {note['version']}.")
    return OK


def list_secrets(api: ApiOptions) -> int:
    """List the secrets' names, and when they were set."""
    with open_client(api) as client:
        answer = client.get(PATH)
    if api.as_json:
        write_json(answer)
    else:
        write_table(_COLUMNS, ([item[column] for column in _COLUMNS] for item in answer["items"]))
    return OK


def delete_secret(name: Name, api: ApiOptions) -> int:
    """Delete a secret; attempts of jobs that refer to it fail from now on."""
    with open_client(api) as client:
        client.change("DELETE", f"{PATH}/{name}")
    if api.as_json:
        write_json({"name": name, "deleted": True})
    else:
        write_line(f"secret://{name} is gone.")
    return OK


def _value() -> str:
    value = getpass.getpass("Value: ") if sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
    if not value:
        raise wrong_use("The value is empty.", "Write it to standard input, or type it when asked.")
    return value

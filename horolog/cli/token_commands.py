"""`horolog token`: the sessions in which a user's tokens are good."""

from typing import Annotated

import typer

from horolog.cli.client import open_client
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_table
from horolog.cli.problems import OK
from horolog.cli.user_commands import USERS, UserName, user_id_of

_COLUMNS = ("id", "createdAt", "lastUsedAt", "idleUntil", "expiresAt")


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    tokens = typer.Typer(help="Look at a user's sessions, and end them.", no_args_is_help=True)
    tokens.command("list", epilog="Example:  horolog token list ada")(grouped(list_sessions))
    tokens.command("revoke", epilog="Example:  horolog token revoke ada SESSION")(grouped(revoke))
    app.add_typer(tokens, name="token", epilog="Example:  horolog token list ada")


def list_sessions(user: UserName, api: ApiOptions) -> int:
    """List the sessions of a user, the most recently used first."""
    with open_client(api) as client:
        found = client.get(f"{USERS}/{user_id_of(client, user)}/sessions")
    if api.as_json:
        write_json(found)
    else:
        write_table(_COLUMNS, ([session.get(column) for column in _COLUMNS] for session in found["items"]))
    return OK


def revoke(
    user: UserName,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its id; `horolog token list` shows it.")],
    api: ApiOptions,
) -> int:
    """End one session; its tokens are void within 10 seconds."""
    with open_client(api) as client:
        client.change("DELETE", f"{USERS}/{user_id_of(client, user)}/sessions/{session}")
    if api.as_json:
        write_json({"id": session, "revoked": True})
    else:
        write_line(f"The tokens of {session} are void within 10 seconds.")
    return OK

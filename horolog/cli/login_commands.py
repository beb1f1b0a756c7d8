"""`horolog login` and `horolog logout`: signing in to an API that issues its tokens itself."""

import os
import sys
from typing import Annotated

import typer

from horolog.adapters.system import SystemClock
from horolog.cli.client import Client, open_nobodys_client
from horolog.cli.login_session import forget_session, granted, locked, read_session, write_session
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line
from horolog.cli.problems import OK, CliProblem, wrong_use

TOKEN, PASSWORD, LOGOUT = (f"/api/v1/auth/{name}" for name in ("token", "password", "logout"))

FromStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from stdin; its second line is the new one, if needed."),
]


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    app.command("login", epilog="Example:  horolog login ada")(grouped(login))
    app.command("logout", epilog="Example:  horolog logout")(grouped(logout))


def login(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The login name.")],
    api: ApiOptions,
    from_stdin: FromStdin = False,
) -> int:
    """Sign in; other commands then act for this user, at the same address."""
    asked = Passwords(from_stdin)
    with open_nobodys_client(api) as (url, client):
        password = asked.present()
        try:
            sign_in(client, url, name, password)
        except CliProblem as problem:
            if problem.code != "PASSWORD_CHANGE_REQUIRED":
                raise
            change_password(client, url, name, password, asked.new())
    if api.as_json:
        write_json({"url": url, "name": name})
    else:
        write_line(f"Signed in to {url} as {name}.")
    return OK


def logout(api: ApiOptions) -> int:
    """Sign out: end the session, and forget its tokens."""
    with open_nobodys_client(api) as (url, client), locked(os.environ):
        kept = read_session(url, os.environ)
        if kept is not None:
            client.change("POST", LOGOUT, {"refreshToken": kept.refresh_token})
            forget_session(os.environ)
    if api.as_json:
        write_json({"url": url, "signedOut": kept is not None})
    else:
        write_line(f"Signed out of {url}." if kept is not None else f"Nobody had signed in to {url}.")
    return OK


def sign_in(client: Client, url: str, name: str, password: str) -> None:
    """Get tokens, and keep them.

    Raises:
        CliProblem: the API refuses.
    """
    answer = client.change("POST", TOKEN, {"name": name, "password": password}).body
    with locked(os.environ):
        write_session(granted(url, name, answer, SystemClock().now().timestamp()), os.environ)


def change_password(client: Client, url: str, name: str, present: str, new: str) -> None:
    """Replace the own password, and sign in with the new one.

    Raises:
        CliProblem: the API refuses.
    """
    client.change("POST", PASSWORD, {"name": name, "password": present, "newPassword": new})
    sign_in(client, url, name, new)


class Passwords:
    """Passwords that are typed without being shown, or come as lines of stdin; never as an argument, which all see."""

    def __init__(self, from_stdin: bool) -> None:
        self._from_stdin = from_stdin

    def present(self) -> str:
        """The present password."""
        return self._line() if self._from_stdin else str(typer.prompt("Password", hide_input=True, err=True))

    def new(self) -> str:
        """The new password, typed twice."""
        if self._from_stdin:
            return self._line()
        return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))

    def _line(self) -> str:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise wrong_use("A password is missing on stdin.", "The second line is the new one, where one is needed.")
        return line

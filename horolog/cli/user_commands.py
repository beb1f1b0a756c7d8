"""`horolog user`: who may sign in, and what they may do."""

import os
from typing import Annotated, Any

import typer

from horolog.cli.client import Client, open_client, open_nobodys_client
from horolog.cli.login_commands import FromStdin, Passwords, change_password
from horolog.cli.login_session import read_session
from horolog.cli.options import ApiOptions, grouped
from horolog.cli.output import write_json, write_line, write_note, write_pairs, write_table
from horolog.cli.problems import OK, CliProblem

USERS = "/api/v1/users"
UserName = Annotated[str, typer.Argument(metavar="USER", help="Its login name, or its id.")]
Role = Annotated[list[str], typer.Option(help="May be repeated: viewer, operator, developer, admin, auditor.")]
Tag = Annotated[list[str] | None, typer.Option(help="Only for jobs with this tag; may be repeated.")]
Tenant = Annotated[str | None, typer.Option(metavar="UUID", help="For whoever manages the platform: which tenant.")]

_UUID_LENGTH = 36
_COLUMNS = ("id", "name", "tenantId", "roles", "tags", "disabled", "mustChangePassword", "lastLoginAt")


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    users = typer.Typer(help="Manage who may sign in.", no_args_is_help=True)
    for name, function, example in (
        ("create", create, "ada --role developer"),
        ("list", list_users, ""),
        ("disable", disable, "ada"),
        ("enable", enable, "ada"),
        ("roles", set_roles, "ada --role operator --role auditor"),
        ("tags", set_tags, "ada --tag billing"),
        ("password", password, "ada"),
        ("revoke", revoke, "ada"),
    ):
        users.command(name, epilog=f"Example:  horolog user {name} {example}".rstrip())(grouped(function))
    app.add_typer(users, name="user", epilog="Example:  horolog user list")


def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The login name.")],
    role: Role,
    api: ApiOptions,
    tenant: Tenant = None,
    tag: Tag = None,
) -> int:
    """Create a user; prints the password that it changes at its first sign-in, this once."""
    body = {"name": name, "roles": role, **({} if tenant is None else {"tenantId": tenant})}
    body |= {"tags": tag} if tag else {}
    with open_client(api) as client:
        made = client.change("POST", USERS, body).body
    if api.as_json:
        write_json(made)
    else:
        write_pairs({**made["user"], "oneTimePassword": made["oneTimePassword"]})
    return OK


def list_users(
    api: ApiOptions,
    tenant: Tenant = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 50,
) -> int:
    """List users, newest first."""
    with open_client(api) as client:
        users = list(client.pages(USERS, {"tenantId": tenant}, limit))
    if api.as_json:
        write_json({"items": users})
    else:
        write_table(_COLUMNS, ([user.get(column) for column in _COLUMNS] for user in users))
    return OK


def disable(user: UserName, api: ApiOptions) -> int:
    """Let a user sign in no more, and nothing of its jobs begin; its sessions end within seconds."""
    return _change(user, {"disabled": True}, api)


def enable(user: UserName, api: ApiOptions) -> int:
    """Let a disabled user sign in again, and its jobs run from now on."""
    return _change(user, {"disabled": False}, api)


def set_roles(user: UserName, role: Role, api: ApiOptions) -> int:
    """Replace a user's roles; its sessions end within seconds."""
    return _change(user, {"roles": role}, api)


def set_tags(user: UserName, api: ApiOptions, tag: Tag = None) -> int:
    """Let a user's roles hold for jobs with one of these tags only; without any, for all jobs again."""
    return _change(user, {"tags": tag or []}, api)


def password(
    api: ApiOptions,
    user: Annotated[str | None, typer.Argument(metavar="[USER]", help="Whose; else your own.")] = None,
    from_stdin: FromStdin = False,
) -> int:
    """Change your own password, or give another user a new one for once."""
    if user is None:
        return _own_password(api, Passwords(from_stdin))
    with open_client(api) as client:
        made = client.change("POST", f"{USERS}/{user_id_of(client, user)}/password").body
    if api.as_json:
        write_json(made)
    else:
        write_pairs(made)
    return OK


def revoke(user: UserName, api: ApiOptions) -> int:
    """End all sessions of a user."""
    with open_client(api) as client:
        id_ = user_id_of(client, user)
        client.change("POST", f"{USERS}/{id_}/revoke")
    if api.as_json:
        write_json({"id": id_, "revoked": True})
    else:
        write_line(f"The sessions of {user} end within 10 seconds.")
    return OK


def user_id_of(client: Client, user: str) -> str:
    """The id of the user that was named.

    Raises:
        CliProblem: nobody who may be seen has that name.
    """
    if len(user) == _UUID_LENGTH and user.count("-") == 4:
        return user
    found = [str(one["id"]) for one in client.pages(USERS, {}, None) if one["name"] == user.strip().lower()]
    if not found:
        raise CliProblem("USER_NOT_FOUND", f"There is no user named {user!r}.", "horolog user list shows who there is.")
    return found[0]


def _own_password(api: ApiOptions, asked: Passwords) -> int:
    with open_nobodys_client(api) as (url, client):
        kept = read_session(url, os.environ)
        if kept is None:
            raise CliProblem("NOT_SIGNED_IN", f"Nobody has signed in to {url}.", "Sign in with `horolog login`.")
        present = asked.present()
        change_password(client, url, kept.name, present, asked.new())
    write_note(f"The password of {kept.name} is changed; all other sessions have ended.")
    if api.as_json:
        write_json({"name": kept.name, "changed": True})
    return OK


def _change(user: str, body: dict[str, Any], api: ApiOptions) -> int:
    with open_client(api) as client:
        changed = client.change("PATCH", f"{USERS}/{user_id_of(client, user)}", body).body
    if api.as_json:
        write_json(changed)
    else:
        write_pairs(changed)
    return OK

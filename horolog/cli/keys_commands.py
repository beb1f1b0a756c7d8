"""`horolog keys`: the master keys of a deployment, and erasing a tenant's key."""

import asyncio
import os
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from horolog.adapters.system import SystemClock
from horolog.adapters.vault.postgres import PostgresVault, open_vault
from horolog.cli.options import Json
from horolog.cli.output import write_json, write_line, write_table
from horolog.cli.problems import OK, REFUSED, UNREACHABLE, CliProblem, wrong_use
from horolog.runtime.settings import Settings, from_environment
from horolog.runtime.settings_error import SettingsError
from horolog.vault.port import VaultUnavailable, WrongMasterKeys
from schemas.base import UUID_PATTERN

T = TypeVar("T")


def register(app: typer.Typer) -> None:
    """Declare the commands."""
    keys = typer.Typer(help="Look at the master keys, replace them, erase a tenant's key.", no_args_is_help=True)
    keys.command("list", epilog="Example:  horolog keys list")(list_keys)
    keys.command("rotate", epilog="Example:  horolog keys rotate")(rotate)
    epilog = "Example:  horolog keys erase --tenant 3f0d7a52-6c1e-4a57-9b0e-0d7f4a3c9e11 --yes"
    keys.command("erase", epilog=epilog)(erase)
    app.add_typer(keys, name="keys", epilog="Example:  horolog keys list")


def list_keys(as_json: Json = False) -> int:
    """Show which master keys there are, and how many tenants' keys each of them wraps."""
    counts, named = _on_vault(lambda vault: vault.wrapped_counts()), _named_ids()
    items = [
        {"id": key_id, "wraps": counts.get(key_id, 0), "named": key_id in named, "first": key_id == named[0]}
        for key_id in [*named, *(key_id for key_id in counts if key_id not in named)]
    ]
    if as_json:
        write_json({"items": items})
    else:
        write_table(("id", "wraps", "named", "first"), (list(item.values()) for item in items))
    return OK


def rotate(as_json: Json = False) -> int:
    """Wrap all tenants' keys anew under the first of HOROLOG_MASTER_KEYS; then the others may go."""
    count = _on_vault(lambda vault: vault.rewrap())
    if as_json:
        write_json({"rewrappedCount": count})
    else:
        write_line(f"{count} keys were wrapped anew under {_named_ids()[0]!r}.")
    return OK


def erase(
    tenant: Annotated[str, typer.Option(help="Its id.")],
    yes: Annotated[bool, typer.Option("--yes", help="It cannot be undone.")] = False,
    as_json: Json = False,
) -> int:
    """Erase a tenant's key and secrets for good: whatever was encrypted for it can never be read again."""
    if not re.fullmatch(UUID_PATTERN, tenant):
        raise wrong_use("A tenant is named by its lower-case UUID.")
    if not yes:
        raise wrong_use("This cannot be undone.", "Repeat it with --yes.")
    found = _on_vault(lambda vault: vault.erase(tenant, SystemClock().now()))
    if as_json:
        write_json({"tenantId": tenant, "erased": True, "hadAny": found})
    else:
        write_line("The key is erased." if found else "There was no key; none will ever be made.")
    return OK


def _on_vault(work: Callable[[PostgresVault], Awaitable[T]]) -> T:
    """What the work on the environment's vault gives."""
    settings = _settings()
    if settings.database_url is None:
        raise CliProblem("NOT_SET", "DATABASE_URL is not set.", "Give the address of the PostgreSQL.")
    if settings.master_keys is None:
        raise CliProblem("NOT_SET", "HOROLOG_MASTER_KEYS is not set.", "Give the keys that the API has.")
    dsn, master_keys = settings.database_url, settings.master_keys

    async def run() -> T:
        async with open_vault(dsn, master_keys) as vault:
            return await work(vault)

    try:
        return asyncio.run(run())
    except WrongMasterKeys as error:
        raise CliProblem("WRONG_MASTER_KEYS", f"{error}.", "Name the missing key, too.", REFUSED) from None
    except VaultUnavailable as error:
        raise CliProblem("VAULT_UNAVAILABLE", f"{error}.", "Check DATABASE_URL.", UNREACHABLE) from None


def _settings() -> Settings:
    try:
        return from_environment(os.environ)
    except SettingsError as error:
        raise CliProblem("SETTINGS", f"{error}.") from None


def _named_ids() -> list[str]:
    master_keys = _settings().master_keys
    return list(master_keys.keys) if master_keys else []

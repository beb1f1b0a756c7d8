"""`horolog keys` as it is typed: keys are listed, replaced and erased, and none is ever printed."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from horolog.adapters.vault.postgres import open_vault
from horolog.cli.devkeys import FILE_NAME, master_keys_of
from horolog.runtime.settings_error import SettingsError
from horolog.vault.port import KeyErased
from tests.contract.vault.test_vault import TENANT
from tests.unit.vault.test_master_keys import NEW, OLD, keys


def typed(dsn: str, master_keys: str, *arguments: str, code: int = 0) -> Any:
    """The JSON that a command answers with."""
    environment = {**os.environ, "DATABASE_URL": dsn, "HOROLOG_MASTER_KEYS": master_keys}
    command = [sys.executable, "-m", "horolog.cli", "keys", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert OLD not in done.stdout + done.stderr
    return json.loads(done.stderr if code else done.stdout)


async def test_master_key_is_replaced_in_three_commands(migrated_database: str) -> None:
    async with open_vault(migrated_database, keys(f"old={OLD}")) as vault:
        key = await vault.sealing_key(TENANT)
    assert typed(migrated_database, f"new={NEW}", "rotate", code=1)["error"]["code"] == "WRONG_MASTER_KEYS"
    assert typed(migrated_database, f"new={NEW},old={OLD}", "rotate") == {"rewrappedCount": 1}
    assert typed(migrated_database, f"new={NEW},old={OLD}", "list")["items"] == [
        {"id": "new", "wraps": 1, "named": True, "first": True},
        {"id": "old", "wraps": 0, "named": True, "first": False},
    ]
    async with open_vault(migrated_database, keys(f"new={NEW}")) as vault:
        assert await vault.opening_key(TENANT) == key


async def test_tenants_key_is_erased_only_with_a_yes(migrated_database: str) -> None:
    async with open_vault(migrated_database, keys(f"old={OLD}")) as vault:
        await vault.sealing_key(TENANT)
        typed(migrated_database, f"old={OLD}", "erase", "--tenant", TENANT, code=2)
        await vault.opening_key(TENANT)
        assert typed(migrated_database, f"old={OLD}", "erase", "--tenant", TENANT, "--yes")["hadAny"] is True
        with pytest.raises(KeyErased):
            await vault.opening_key(TENANT)


def test_directory_keeps_its_master_key_and_shows_it_to_nobody_else(tmp_path: Path) -> None:
    made = master_keys_of(tmp_path)
    assert master_keys_of(tmp_path).keys == made.keys
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    (tmp_path / FILE_NAME).write_text("dev=broken")
    with pytest.raises(SettingsError, match="cannot be used"):
        master_keys_of(tmp_path)

"""A wrong master key stops the start of an API or an executor, and a database that is away does not."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.adapters.vault.postgres import open_vault
from horolog.cli.composition import Parts
from horolog.cli.roles.vault import open_checked
from horolog.log.embedded import EmbeddedLog
from horolog.runtime.settings import Settings
from horolog.runtime.settings_error import SettingsError
from horolog.vault.port import VaultUnavailable
from tests.contract.vault.test_vault import TENANT
from tests.unit.vault.test_master_keys import NEW, OLD, keys


def parts(dsn: str | None, master_keys: str | None) -> Parts:
    """What a role is made of."""
    named = keys(master_keys) if master_keys else None
    settings = Settings(Path.cwd(), "a", database_url=dsn, master_keys=named)
    return Parts(settings, EmbeddedLog.open(None, SystemClock(), 1), SystemClock(), RandomIds())


async def test_wrong_master_key_stops_the_start_and_is_not_told(migrated_database: str) -> None:
    async with open_vault(migrated_database, keys(f"a={OLD}")) as vault:
        await vault.sealing_key(TENANT)
    async with AsyncExitStack() as stack:
        for wrong in (f"a={NEW}", f"b={NEW}"):
            with pytest.raises(SettingsError, match="HOROLOG_MASTER_KEYS") as refused:
                await open_checked(parts(migrated_database, wrong), stack)
            assert NEW not in str(refused.value)
        assert await open_checked(parts(migrated_database, f"a={OLD}"), stack) is not None


async def test_database_that_is_away_does_not_stop_the_start() -> None:
    async with AsyncExitStack() as stack:
        vault = await open_checked(parts("postgresql://nobody@127.0.0.1:1/none", f"a={OLD}"), stack)
        assert vault is not None
        with pytest.raises(VaultUnavailable):
            await vault.sealing_key(TENANT)


async def test_without_master_keys_there_is_no_vault_on_an_embedded_log() -> None:
    async with AsyncExitStack() as stack:
        assert await open_checked(parts(None, None), stack) is None

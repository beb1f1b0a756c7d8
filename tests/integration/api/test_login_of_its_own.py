"""The logins that docs/security.md makes for the API and for executors: each reaches what its part needs."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from horolog.adapters.system import SystemClock
from horolog.adapters.vault.postgres import open_vault
from horolog.cli.preparation import bring_up_to_date
from horolog.cli.private_files import write_private
from horolog.vault.master_keys import parse
from horolog.vault.port import VaultUnavailable
from projections.connections import connect
from services.api.accounts.signing import new_key
from tests.documents.blocks import block
from tests.integration.api.test_accounts import OURS, jobs, serving, signed_in, told_once
from tests.integration.projections.test_roles import give, login
from tests.unit.vault.test_master_keys import OLD

PAGE = "docs/security.md"
READER, OPENER = "horolog_test_api_login", "horolog_test_vault_login"


@pytest.fixture
async def reader(migrated_database: str) -> AsyncIterator[str]:
    """The API's login, with what the page grants it before and after the migration."""
    async with login(migrated_database, READER, "noinherit") as dsn, login(migrated_database, OPENER, "noinherit"):
        [granting] = [line for line in block(PAGE, "sql", 2).text.splitlines() if line.startswith("grant ")]
        await give(migrated_database, granting.replace("horolog_reader", READER))
        await bring_up_to_date(migrated_database)
        names = {"horolog_reader": READER, "horolog_vault": OPENER}
        await give(migrated_database, block(PAGE, "sql", 3).filled(names))
        yield dsn


async def test_users_sign_in_and_are_made_by_the_apis_own_login(
    reader: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write_private(tmp_path / "key.pem", new_key().decode())
    async with serving(reader, tmp_path) as api:
        root = await signed_in(api, "admin", await told_once(capfd))
        made = await made_by(api, root["accessToken"])
        ada = await signed_in(api, "ada", made)
        assert await jobs(api, ada["accessToken"]) == 200
        refreshed = await api.post("/api/v1/auth/refresh", json={"refreshToken": ada["refreshToken"]})
        assert refreshed.status_code == 200


async def made_by(api: httpx.AsyncClient, token: str) -> str:
    """The password for once of a user that is made."""
    body = {"name": "ada", "roles": ["developer"], "tenantId": OURS}
    made = await api.post("/api/v1/users", json=body, headers={"Authorization": f"Bearer {token}"})
    return str(made.raise_for_status().json()["oneTimePassword"])


async def test_secrets_are_kept_found_and_erased_by_the_apis_own_login(reader: str) -> None:
    keys, now = parse("keys", f"a={OLD}"), SystemClock().now()
    assert keys is not None
    async with open_vault(reader, keys) as vault:
        await vault.check()
        await vault.put_secret(OURS, "word", "of these tests", now)
        assert await vault.secret(OURS, "word") == "of these tests"
        assert await vault.delete_secret(OURS, "word")
        assert await vault.erase(OURS, now)


async def test_login_of_executors_opens_what_the_api_has_sealed_and_changes_nothing(reader: str) -> None:
    keys, now = parse("keys", f"a={OLD}"), SystemClock().now()
    assert keys is not None
    opener = reader.replace(READER, OPENER)
    async with open_vault(opener, keys) as vault:
        await vault.check()
        async with open_vault(reader, keys) as api:
            sealing = await api.sealing_key(OURS)
            await api.put_secret(OURS, "word", "of these tests", now)
        assert (await vault.opening_key(OURS)).key_id == sealing.key_id
        assert await vault.secret(OURS, "word") == "of these tests"
        with pytest.raises(VaultUnavailable):
            await vault.put_secret(OURS, "word", "another", now)
        with pytest.raises(VaultUnavailable):
            await vault.erase(OURS, now)
    connection = await connect(opener, "test")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.fetch("select from scheduled_jobs")
    await connection.close()


async def test_what_was_migrated_is_not_the_apis_to_change(reader: str) -> None:
    connection = await connect(reader, "test")
    for schema in ("accounts", "vault"):
        rights = ("insert", "update", "delete")
        held = [
            await connection.fetchval("select has_table_privilege($1, $2)", f"{schema}.schema_migrations", right)
            for right in rights
        ]
        assert held == [False] * 3
    await connection.close()

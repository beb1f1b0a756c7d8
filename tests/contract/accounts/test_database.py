"""Accounts are in a schema of their own, and a database that does not answer lets nobody in."""

import asyncpg
import pytest

from horolog.cli.roles.accounts import migrate_accounts
from projections.connections import open_pool
from projections.migrate import apply_migrations, migrate
from services.api.accounts.ports import AccountsUnavailable
from services.api.accounts.postgres import MIGRATIONS, SCHEMA, PostgresAccounts
from services.api.accounts.users import User
from tests.contract.accounts.people import NOBODY, NOW, person, rotation, signed_in

RELATIONS = """select nspname || '.' || relname from pg_class join pg_namespace as place on place.oid = relnamespace
where relkind in ('r', 'p', 'v') and nspname not in ('pg_catalog', 'information_schema') order by 1"""


async def relations(dsn: str) -> list[str]:
    """Every table and view, with its schema."""
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(RELATIONS)]
    finally:
        await connection.close()


async def test_accounts_have_a_schema_of_their_own_and_leave_the_read_models_alone(migrated_database: str) -> None:
    before = await relations(migrated_database)
    applied = await migrate_accounts(migrated_database)
    after = await relations(migrated_database)
    assert applied == [f"accounts/{path.stem}" for path in sorted(MIGRATIONS.glob("*.sql"))]
    assert before
    assert [name for name in after if not name.startswith("accounts.")] == before
    assert "accounts.schema_migrations" in after
    assert (await migrate_accounts(migrated_database), await migrate(migrated_database)) == ([], [])


async def test_a_schema_that_somebody_else_has_made_is_used_without_the_right_to_make_one(
    migrated_database: str,
) -> None:
    connection = await asyncpg.connect(migrated_database)
    # A role is the whole server's: named after the database, it is this test's alone.
    role = '"migrator of ' + await connection.fetchval("select current_database()") + '"'
    try:
        await connection.execute(f"create role {role}; create schema accounts authorization {role}")
        await connection.execute(f"set role {role}; set search_path to accounts")
        await apply_migrations(connection, MIGRATIONS, SCHEMA)
        assert await connection.fetch("select from accounts.users") == []
    finally:
        await connection.execute(f"reset role; drop owned by {role}; drop role {role}")
        await connection.close()


async def test_without_its_tables_the_store_is_unavailable_and_empty_it_is_not(migrated_database: str) -> None:
    pool = await open_pool(migrated_database, 2)
    with pytest.raises(AccountsUnavailable):
        await PostgresAccounts(pool).user(NOBODY)
    with pytest.raises(AccountsUnavailable):
        await PostgresAccounts(pool).live(NOBODY, NOW)
    await pool.close()
    with pytest.raises(AccountsUnavailable):
        await PostgresAccounts(pool).has_users()


@pytest.mark.parametrize("change", ["disabled", "must_change_password"])
async def test_whom_an_operator_shuts_out_by_hand_is_shut_out(
    postgres: PostgresAccounts, migrated_database: str, change: str
) -> None:
    live = await signed_in(postgres, person("ada"))
    connection = await asyncpg.connect(migrated_database)
    await connection.execute(f"update accounts.users set {change} = true")
    await connection.close()
    assert await postgres.live(live.session_id, NOW) is None
    assert await postgres.rotate(rotation(b"first", b"second")) is None


async def test_a_platform_administrator_of_a_tenant_cannot_be_kept(postgres: PostgresAccounts) -> None:
    ada = person("ada")
    both = User(ada.id, ada.tenant_id, "ada", ("admin", "platform-admin"), ada.created_at, "hash")
    with pytest.raises(AccountsUnavailable):
        await postgres.add_user(both)
    assert await postgres.user(ada.id) is None

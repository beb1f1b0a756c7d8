"""Row security on the tables of notifications: the role of the API can do what the routes do, and no more."""

import asyncpg
import pytest

from horolog.cli.notification_schema import migrate_notifications
from horolog.domain.notifications.rules import Target
from projections.connections import connect
from projections.roles import API_ROLE, TENANT_SETTING
from tests.integration.notifications.world import World
from tests.unit.projections.facts import OTHER_TENANT, TENANT, uuid_of

SOMEWHERE = Target("https://example.com/hook", "a-secret-of-a-hook")


async def count_changed(world: World, sql: str, *arguments: object) -> int:
    """How many rows the statement changes when the API's role runs it for the other tenant; nothing of it stays."""
    connection = await connect(world.dsn, "test-role")
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"set local role {API_ROLE}")
        await connection.execute(f"select set_config('{TENANT_SETTING}', $1, true)", OTHER_TENANT)
        return int((await connection.execute(sql, *arguments)).rpartition(" ")[2])
    finally:
        await transaction.rollback()
        await connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "select from notifications.rules",
        "select from notifications.deliveries",
        "update notifications.rules set name = 'taken'",
        "update notifications.deliveries set state = 'dead'",
        "delete from notifications.rules",
    ],
)
async def test_statement_that_forgets_the_tenant_finds_nothing_of_another(world: World, sql: str) -> None:
    await world.add_trial(await world.add_rule(SOMEWHERE))
    assert await count_changed(world, sql) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "delete from notifications.deliveries",
        "update notifications.deliveries set document = ''",
        "select from notifications.known_jobs",
        "select from notifications.rule_groups",
        "insert into notifications.deliveries (id, tenant_id, rule_id, rule_name, channel, kind, fact_count, "
        f"dropped_count, document, made_at, state, due_at) values ('{uuid_of(1)}', '{TENANT}', '{uuid_of(1)}', 'x', "
        "'webhook', 'test', 0, 0, '{}', now(), 'waiting', now())",
    ],
)
async def test_the_apis_role_can_do_no_more_than_the_routes(world: World, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await count_changed(world, sql)


async def test_tables_are_migrated_once(migrated_database: str) -> None:
    assert await migrate_notifications(migrated_database) == []

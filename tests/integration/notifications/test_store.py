"""Rules and deliveries behind the walls: a tenant manages its own, and the API's role can do no more than that."""

from dataclasses import replace

import asyncpg
import pytest

from horolog.cli.notification_schema import migrate_notifications
from horolog.domain.notifications.rules import KeptRule, Target
from projections.connections import connect
from projections.roles import API_ROLE, TENANT_SETTING
from projections.views import Cursor
from tests.integration.notifications.world import World
from tests.unit.notifications.telling import rule
from tests.unit.projections.facts import OTHER_TENANT, START, TENANT, uuid_of

SOMEWHERE = Target("https://example.com/hook", "a-secret-of-a-hook")


async def test_rule_is_kept_found_replaced_and_deleted(world: World) -> None:
    made = await world.add_rule(SOMEWHERE)
    kept = await world.store.rule(TENANT, made.id)
    assert kept is not None
    assert kept.rule == made
    changed = replace(kept, rule=replace(made, name="other", enabled=False), version=2)
    assert await world.store.replace_rule(changed)
    assert not await world.store.replace_rule(changed)
    assert await world.store.rule(TENANT, made.id) == changed
    assert await world.store.delete_rule(TENANT, made.id)
    assert await world.store.rule(TENANT, made.id) is None


async def test_rules_and_deliveries_come_in_pages_newest_first(world: World) -> None:
    rules = [await world.add_rule(SOMEWHERE) for _ in range(3)]
    by_id = sorted((made.id for made in rules), reverse=True)
    first = await world.store.rules(TENANT, None, 2)
    rest = await world.store.rules(TENANT, Cursor(first[-1].created_at, first[-1].rule.id), 2)
    assert [kept.rule.id for kept in (*first, *rest)] == by_id
    ids = {await world.add_trial(made): made.id for made in rules}
    assert {delivery.id for delivery in await world.deliveries()} == set(ids)
    assert [delivery.rule_id for delivery in await world.deliveries(rule_id=by_id[0])] == [by_id[0]]
    assert await world.deliveries(state="dead") == []


async def test_tenant_has_a_bounded_number_of_rules(world: World) -> None:
    await world.add_rule(SOMEWHERE)
    more = KeptRule(rule(id=world.ids.new()), "sealed", 1, "user:test", START, START)
    assert not await world.store.add_rule(more, 1)
    assert await world.store.add_rule(replace(more, rule=rule(id=world.ids.new(), tenant_id=OTHER_TENANT)), 1)


async def test_what_is_another_tenants_is_not_there(world: World) -> None:
    made = await world.add_rule(SOMEWHERE)
    id_ = await world.add_trial(made)
    kept = await world.store.rule(TENANT, made.id)
    assert kept is not None
    foreign = replace(kept, rule=replace(made, tenant_id=OTHER_TENANT, name="taken"), version=2)
    assert await world.store.rule(OTHER_TENANT, made.id) is None
    assert await world.store.delivery(OTHER_TENANT, id_) is None
    assert not await world.store.replace_rule(foreign)
    assert not await world.store.delete_rule(OTHER_TENANT, made.id)
    assert not await world.store.redeliver(OTHER_TENANT, id_, START)
    assert await world.store.rule(TENANT, made.id) == kept


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

"""What every place that keeps rules and deliveries promises: a tenant's are its own, in pages, newest first."""

from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from horolog.domain.notifications.deliveries import DeliveryFilter, DeliveryState
from horolog.domain.notifications.rules import KeptRule, Pace, Scope
from projections.connections import open_pool
from projections.notifications.store import PostgresNotifications
from projections.views import Cursor
from services.api.notification_store import NotificationStore
from tests.contract.notifications.memory import MemoryNotifications
from tests.unit.notifications.telling import rule
from tests.unit.projections.facts import OTHER_TENANT, TENANT, at, uuid_of

_numbers = count(1)


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, migrated_database: str) -> AsyncIterator[NotificationStore]:
    """Nothing is kept yet."""
    pool = await open_pool(migrated_database, 2)
    yield MemoryNotifications() if request.param == "memory" else PostgresNotifications(pool)
    await pool.close()


async def kept_in(store: NotificationStore, seconds: float = 0, **changes: Any) -> KeptRule:
    """A new rule."""
    made = rule(**{"id": uuid_of(next(_numbers)), **changes})
    kept = KeptRule(made, "sealed", 1, "user:test", at(seconds), at(seconds))
    assert await store.add_rule(kept, 100)
    return kept


async def tried(store: NotificationStore, kept: KeptRule, seconds: float = 0) -> str:
    """A delivery of the rule; its id."""
    id_ = uuid_of(next(_numbers))
    await store.add_trial(kept, id_, "{}", at(seconds))
    return id_


async def test_rule_is_kept_as_it_is_replaced_by_its_next_version_and_deleted(store: NotificationStore) -> None:
    kept = await kept_in(store, scope=Scope((uuid_of(1),), ("billing", "ü")), pace=Pace(1, 2, 3))
    assert await store.rule(TENANT, kept.rule.id) == kept
    changed = replace(kept, rule=replace(kept.rule, name="other", enabled=False), version=2, updated_at=at(5))
    assert [await store.replace_rule(changed) for _ in range(2)] == [True, False]
    assert await store.rule(TENANT, kept.rule.id) == changed
    assert [await store.delete_rule(TENANT, kept.rule.id) for _ in range(2)] == [True, False]
    assert await store.rule(TENANT, kept.rule.id) is None


async def test_rules_come_in_pages_newest_first(store: NotificationStore) -> None:
    made = [await kept_in(store, seconds) for seconds in (0, 1, 1, 2)]
    newest = sorted(made, key=lambda kept: (kept.created_at, kept.rule.id), reverse=True)
    first = await store.rules(TENANT, None, 2)
    rest = await store.rules(TENANT, Cursor(first[-1].created_at, first[-1].rule.id), 9)
    assert [*first, *rest] == newest


async def test_tenant_has_a_bounded_number_of_rules_of_its_own(store: NotificationStore) -> None:
    kept = await kept_in(store)
    another, theirs = rule(id=uuid_of(next(_numbers))), rule(id=uuid_of(next(_numbers)), tenant_id=OTHER_TENANT)
    assert not await store.add_rule(replace(kept, rule=another), 1)
    assert not await store.add_rule(kept, 100)
    assert await store.add_rule(replace(kept, rule=theirs), 1)


async def test_deliveries_are_found_by_what_they_are_and_come_newest_first(store: NotificationStore) -> None:
    one, other = await kept_in(store), await kept_in(store)
    ids = [await tried(store, kept, seconds) for kept, seconds in ((one, 0), (one, 1), (other, 2))]

    async def found(**where: Any) -> list[str]:
        return [delivery.id for delivery in await store.deliveries(TENANT, DeliveryFilter(**where), None, 9)]

    assert await found() == ids[::-1]
    assert await found(rule_id=one.rule.id) == [ids[1], ids[0]]
    assert await found(start=at(1), end=at(2)) == [ids[1]]
    assert await found(state=DeliveryState.DEAD) == []
    assert await found(job_id=uuid_of(1)) == []
    after = await store.deliveries(TENANT, DeliveryFilter(), Cursor(at(1), ids[1]), 9)
    assert [delivery.id for delivery in after] == [ids[0]]


async def test_redelivery_is_due_at_once_and_begins_anew(store: NotificationStore) -> None:
    id_ = await tried(store, await kept_in(store))
    assert await store.redeliver(TENANT, id_, at(9))
    delivery = await store.delivery(TENANT, id_)
    assert delivery is not None
    assert (delivery.state, delivery.due_at, delivery.attempt, delivery.failure) == ("waiting", at(9), 0, None)


async def test_what_is_another_tenants_is_not_there_and_stays_as_it_is(store: NotificationStore) -> None:
    kept = await kept_in(store)
    id_ = await tried(store, kept)
    foreign = replace(kept, rule=replace(kept.rule, tenant_id=OTHER_TENANT, name="taken"), version=2)
    assert await store.rule(OTHER_TENANT, kept.rule.id) is None
    assert await store.delivery(OTHER_TENANT, id_) is None
    assert not await store.replace_rule(foreign)
    assert not await store.delete_rule(OTHER_TENANT, kept.rule.id)
    assert not await store.redeliver(OTHER_TENANT, id_, at(9))
    assert await store.rules(OTHER_TENANT, None, 9) == []
    assert await store.deliveries(OTHER_TENANT, DeliveryFilter(), None, 9) == []
    assert await store.rule(TENANT, kept.rule.id) == kept

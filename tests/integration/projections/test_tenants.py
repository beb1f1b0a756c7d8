"""Tenants in the read models: their latest state, every change, what they used, and that all of it is a fold."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from projections.connections import open_pool
from projections.queries import PostgresReadModel
from projections.rebuild import rebuild
from projections.tenants import PostgresTenants
from projections.verification_tables import verify_projections
from projections.views import Cursor, UsageView
from schemas.events.executions import ExecutionCompleted, ExecutionMissed, ExecutionSkipped
from schemas.events.tenants import ActorBarred, TenantChanged, TenantCreated, TenantSuspended
from schemas.tenants import CLOSED, DisabledOwner, Quotas, Tenant, TenantSettings, TenantState
from tests.integration.projections.world import StillClock, World, project
from tests.unit.projections.facts import OTHER_TENANT, START, TENANT, accepted, admitted, at, event, uuid_of

SETTINGS = TenantSettings(name="bakery", quotas=Quotas(max_jobs=5), barred_actors=("user:7",))


@pytest.fixture
async def tenants(world: World) -> AsyncIterator[PostgresTenants]:
    pool = await open_pool(world.dsn, 2)
    yield PostgresTenants(pool)
    await pool.close()


def tenant(tenant_id: str = TENANT, version: int = 1, seconds: float = 0, **fields: Any) -> Tenant:
    common = {"settings": SETTINGS, "created_by": "user:1", "created_at": at(seconds), "updated_at": at(version)}
    return Tenant.model_validate({"tenant_id": tenant_id, "version": version, **common, **fields})


def change(kind: type[TenantChanged], after: Tenant, number: int, before: Tenant | None = None) -> TenantChanged:
    told = {"tenant_id": after.tenant_id, "actor": "user:1", "at": at(number), "command_id": uuid_of(number)}
    return kind.model_validate({**told, "tenant": after, "before": before})


FIRST = tenant()
SUSPENDED = tenant(version=2, state=TenantState.SUSPENDED)
HISTORY = (change(TenantCreated, FIRST, 1), change(TenantSuspended, SUSPENDED, 2, FIRST))


async def test_a_tenant_is_read_as_it_was_changed_last(world: World, tenants: PostgresTenants) -> None:
    await project(world, *HISTORY)
    found = await tenants.tenant(TENANT)
    assert found is not None
    assert (found.version, found.state, found.updated_at) == (2, "suspended", at(2))
    assert TenantSettings.model_validate(found.settings) == SETTINGS
    assert await tenants.tenant(OTHER_TENANT) is None


async def test_a_tenant_that_nobody_created_is_another_once_somebody_does(
    world: World, tenants: PostgresTenants
) -> None:
    owners = (DisabledOwner(actor="user:ada", since=at(1)),)
    stopped = tenant(settings=CLOSED, own_settings=False, disabled_owners=owners)
    await project(world, change(ActorBarred, stopped, 1))
    found = await tenants.tenant(TENANT)
    assert found is not None
    assert (found.own_settings, list(found.disabled_owners)) == (False, ["user:ada"])
    created = tenant(version=2, created_by="user:root", disabled_owners=owners)
    await project(world, change(TenantCreated, created, 2, stopped))
    found = await tenants.tenant(TENANT)
    assert found is not None
    assert (found.own_settings, list(found.disabled_owners), found.created_by) == (True, ["user:ada"], "user:root")


async def test_every_change_of_a_tenant_is_kept_with_who_made_it(world: World) -> None:
    await project(world, *HISTORY)
    rows = await world.eye.fetch("select version, action, actor, before ->> 'state' from tenant_changes order by 1")
    assert [tuple(row) for row in rows] == [
        (1, TenantCreated.TYPE, "user:1", None),
        (2, TenantSuspended.TYPE, "user:1", "active"),
    ]


async def test_tenants_are_listed_newest_first_in_pages(world: World, tenants: PostgresTenants) -> None:
    ids = [uuid_of(100 + n) for n in range(3)]
    await project(world, *(change(TenantCreated, tenant(i, seconds=n), n) for n, i in enumerate(ids)))
    first = await tenants.tenants(None, 2)
    rest = await tenants.tenants(Cursor(first[-1].created_at, first[-1].tenant_id), 2)
    assert [t.tenant_id for t in (*first, *rest)] == ids[::-1]


async def test_an_outcome_is_visible_once_its_tenant_has_come_that_far(world: World) -> None:
    pool = await open_pool(world.dsn, 1)
    await project(world, accepted(2, tenant_version=2), HISTORY[0])
    model = PostgresReadModel(pool)
    assert [(o.visible, o.tenant_version) for o in await model.outcomes([uuid_of(2)])] == [(False, 2)]
    await project(world, HISTORY[1])
    assert [o.visible for o in await model.outcomes([uuid_of(2)])] == [True]
    await pool.close()


async def test_usage_counts_instants_and_running_time_by_day_and_end(world: World, tenants: PostgresTenants) -> None:
    ran: dict[str, Any] = {"attempt": 1, "started_at": at(1), "completed_at": at(3)}
    common: dict[str, Any] = {"job_version": 1, "job_type": "function"}
    theirs = {"tenant_id": OTHER_TENANT, "job_id": uuid_of(90)}
    tomorrow = START + timedelta(days=1)
    await project(
        world,
        *(admitted(number) for number in (1, 2)),
        event(ExecutionCompleted, 1, 2, **ran),
        event(ExecutionCompleted, 2, 2, **ran),
        event(ExecutionSkipped, 3, 1, trigger_type="scheduled", reason="tenant_suspended", **common),
        event(ExecutionMissed, 4, 1, missed_until=at(60), missed_count=7, scheduled_for=tomorrow, **common),
        admitted(5, **theirs),
    )
    assert await tenants.usage(TENANT, START, tomorrow + timedelta(days=1)) == [
        UsageView(START.date(), "completed", 2, 4000),
        UsageView(START.date(), "skipped", 1, 0),
        UsageView(tomorrow.date(), "missed", 7, 0),
    ]
    assert [u.status for u in await tenants.usage(TENANT, tomorrow, tomorrow + timedelta(days=1))] == ["missed"]


async def test_rows_of_tenants_are_compared_with_the_log_and_come_back_from_it(world: World) -> None:
    await project(world, *HISTORY)
    await world.eye.execute("update tenants set state = 'active'")
    await world.eye.execute("delete from tenant_changes where version = 2")
    reports = {r.table: r.differences for r in await verify_projections(world.log, world.dsn, StillClock())}
    assert [d.column for d in reports["tenants"]] == ["state"]
    assert [d.key for d in reports["tenant_changes"]] == [(TENANT, "2")]
    await rebuild(world.log, world.dsn, StillClock())
    assert not any(r.differences for r in await verify_projections(world.log, world.dsn, StillClock()))

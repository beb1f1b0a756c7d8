"""Deliveries are made once, whoever reads the log, however often, and wherever a process is killed."""

import asyncio
import json
from typing import Any

import pytest

from horolog.adapters.system import SystemClock
from horolog.domain.notifications.rules import Kind, Pace, Scope, Target
from horolog.log.port import Place, PlaceError
from projections.notifications.consumer import Consumer, Desk
from projections.notifications.reading import SUSPENDED
from projections.writer import PositionsMoved
from schemas.events.executions import AttemptStarted, ExecutionCompleted, ExecutionFailed
from schemas.events.jobs import JobStopped
from schemas.events.tenants import TenantTabled
from schemas.tenants import Tenant, TenantSettings, TenantState
from tests.integration.notifications.world import ALL, World, desk_of, opened, take_all, unread
from tests.unit.projections.facts import FAILURE, OTHER_TENANT, START, TENANT, at, changed, event, job, uuid_of

SOMEWHERE = Target("https://example.com/hook", "a-secret-of-a-hook")
ENDED = {"worker_id": "w", "attempt": 1, "started_at": START, "completed_at": START}
DEADLINE_S = 30.0


def failed(number: int, seconds: float = 1, **fields: Any) -> ExecutionFailed:
    return event(ExecutionFailed, number, 3, seconds, failure=FAILURE, **{**ENDED, **fields})


def completed(number: int, seconds: float = 1, **fields: Any) -> ExecutionCompleted:
    return event(ExecutionCompleted, number, 3, seconds, **{**ENDED, **fields})


def tenant_tabled(version: int, state: TenantState) -> TenantTabled:
    settings = TenantSettings(http_allowed=("10.0.0.0/8",))
    row = Tenant(
        tenant_id=TENANT,
        state=state,
        settings=settings,
        version=version,
        created_by="user:1",
        created_at=START,
        updated_at=at(version),
    )
    return TenantTabled(tenant_id=TENANT, tenant=row)


async def take_and_crash(world: World, desk: Desk, positions: dict[Place, int]) -> None:
    """Make what there is to be made, and break off before the commit."""
    async with desk.connection.transaction():
        await take_all(world, desk, positions)
        raise ConnectionResetError


async def test_failure_becomes_one_delivery_that_names_its_job(world: World) -> None:
    made = await world.add_rule(SOMEWHERE)
    await world.make(changed(job()), failed(1))
    (delivery,) = await world.deliveries()
    assert (delivery.rule_id, delivery.job_id, delivery.kind) == (made.id, uuid_of(1), "failed")
    assert (delivery.state, delivery.fact_count, delivery.attempt) == ("waiting", 1, 0)
    document = await world.pool.fetchval("select document from deliveries")
    assert '"name":"job 1"' in document


async def test_records_delivered_again_make_nothing(world: World) -> None:
    await world.add_rule(SOMEWHERE)
    await world.write(changed(job()), failed(1))
    async with desk_of(world) as (zombie, stale), desk_of(world) as (owner, positions):
        records = await unread(world, stale)
        assert await take_all(world, owner, positions) == 1
        with pytest.raises(PositionsMoved):
            await zombie.take(records, stale)
    assert len(await world.deliveries()) == 1


async def test_process_killed_before_its_commit_leaves_neither_deliveries_nor_positions(world: World) -> None:
    await world.add_rule(SOMEWHERE)
    await world.write(changed(job()), failed(1))
    async with desk_of(world) as (desk, positions):
        with pytest.raises(ConnectionResetError):
            await take_and_crash(world, desk, positions)
    assert await world.deliveries() == []
    await world.make()
    assert len(await world.deliveries()) == 1


async def test_group_is_remembered_from_one_process_to_the_next_and_told_once(world: World) -> None:
    await world.add_rule(SOMEWHERE, pace=Pace(60, 10, 3600))
    await world.make(changed(job()), failed(1, 1), failed(2, 2))
    await world.make(failed(3, 3))
    world.clock.at = at(62)
    async with desk_of(world) as (desk, _), desk_of(world) as (other, _):
        counts = await asyncio.gather(desk.close_groups(sorted(ALL)), other.close_groups(sorted(ALL)))
    assert sorted(counts) == [0, 1]
    assert sorted(delivery.fact_count for delivery in await world.deliveries()) == [1, 2]
    assert await world.pool.fetchval("select count(*) from rule_groups") == 0


async def test_throttle_is_remembered_and_told(world: World) -> None:
    await world.add_rule(SOMEWHERE, pace=Pace(0, 1, 100))
    await world.make(changed(job()), failed(1, 1), failed(2, 2))
    await world.make(failed(3, 3))
    await world.make(failed(4, 200))
    told = sorted((delivery.fact_count, delivery.dropped_count) for delivery in await world.deliveries())
    assert told == [(1, 0), (1, 2)]


async def test_recovery_needs_a_failure_before_it_in_whichever_batch(world: World) -> None:
    await world.add_rule(SOMEWHERE, kinds=frozenset({Kind.RECOVERED}))
    await world.make(changed(job()), completed(1))
    assert await world.deliveries() == []
    await world.make(failed(2, 2))
    await world.make(changed(job(version=2, seconds=3)), completed(3, 3))
    await world.make(completed(4, 4))
    assert [delivery.kind for delivery in await world.deliveries()] == ["recovered"]


async def test_a_run_too_short_to_tell_its_start_is_told_as_late_once(world: World) -> None:
    await world.add_rule(SOMEWHERE, kinds=frozenset({Kind.LATE}))
    short, long = {"started_at": at(90), "tells_start": True}, {"started_at": at(90)}
    begun = event(AttemptStarted, 2, 3, 90, attempt=1, worker_id="w", started_at=at(90))
    await world.make(changed(job()), completed(1, 91, **short), begun)
    await world.make(completed(2, 99, **long))
    told = await world.deliveries()
    assert [(delivery.kind, delivery.fact_count) for delivery in told] == [("late", 1), ("late", 1)]
    documents = [row["document"] for row in await world.pool.fetch("select document from deliveries")]
    assert sorted(json.loads(one)["data"]["last"]["executionId"] for one in documents) == [uuid_of(1001), uuid_of(1002)]


async def test_tags_are_those_that_the_job_has_now(world: World) -> None:
    await world.add_rule(SOMEWHERE, scope=Scope(tags=("billing",)))
    await world.make(changed(job()), failed(1))
    assert await world.deliveries() == []
    await world.make(failed(2, 2), changed(job(version=2, seconds=1, tags=("billing",))))
    assert len(await world.deliveries()) == 1


async def test_stopped_job_and_suspended_tenant_are_told_as_disabled(world: World) -> None:
    await world.add_rule(SOMEWHERE)
    await world.make(changed(job(version=2, seconds=1), JobStopped), tenant_tabled(1, TenantState.ACTIVE))
    await world.make(tenant_tabled(2, TenantState.SUSPENDED))
    await world.make(tenant_tabled(3, TenantState.SUSPENDED))
    causes = await world.pool.fetch("select document::jsonb -> 'data' -> 'last' ->> 'cause' as cause from deliveries")
    assert sorted(row["cause"] for row in causes) == ["stopped", SUSPENDED]


async def test_facts_of_another_tenant_or_from_before_the_rule_are_none_of_its_business(world: World) -> None:
    await world.add_rule(SOMEWHERE, since=at(100))
    theirs = {"tenant_id": OTHER_TENANT, "job_id": uuid_of(2)}
    await world.make(failed(1, 99), failed(2, 200, **theirs))
    assert (await world.deliveries(), await world.deliveries(OTHER_TENANT)) == ([], [])
    assert await world.pool.fetchval("select count(*) from known_jobs where tenant_id = $1", OTHER_TENANT) == 0


async def test_rule_that_is_deleted_takes_its_groups_along_and_leaves_its_deliveries(world: World) -> None:
    made = await world.add_rule(SOMEWHERE, pace=Pace(60, 10, 3600))
    await world.make(changed(job()), failed(1))
    assert await world.store.delete_rule(TENANT, made.id)
    await world.make(failed(2))
    assert await world.pool.fetchval("select count(*) from rule_groups") == 0
    assert len(await world.deliveries()) == 1


async def test_consumer_makes_deliveries_until_it_is_stopped(world: World) -> None:
    await world.add_rule(SOMEWHERE)
    stop, made = asyncio.Event(), asyncio.Event()
    consumer = Consumer(world.log, SystemClock(), "test", world.dsn, made=made.set)
    running = asyncio.create_task(consumer.run(stop))
    await world.write(changed(job()), failed(1))
    async with asyncio.timeout(DEADLINE_S):
        await made.wait()
        stop.set()
        await running
    assert (len(await world.deliveries()), consumer.counters.made, consumer.counters.failures) == (1, 1, 0)


async def test_consumer_that_was_away_groups_as_if_it_had_been_there(world: World) -> None:
    await world.add_rule(SOMEWHERE, pace=Pace(60, 10, 3600))
    await world.make(changed(job()), failed(1, 1))
    await world.write(failed(2, 2), failed(3, 3))
    stop, made = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(Consumer(world.log, SystemClock(), "test", world.dsn, made=made.set).run(stop))
    async with asyncio.timeout(DEADLINE_S):
        await made.wait()
        stop.set()
        await running
    assert sorted(delivery.fact_count for delivery in await world.deliveries()) == [1, 2]


async def test_positions_of_another_log_are_refused(world: World) -> None:
    await world.make(changed(job()), failed(1))
    async with opened(world.dsn) as other:
        with pytest.raises(PlaceError, match="notifications are of another log"):
            await other.make(changed(job()))

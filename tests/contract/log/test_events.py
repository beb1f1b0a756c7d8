"""Commands written by a producer, and events read by a consumer, on every log alike."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.client.consumer import Event, EventConsumer, Position, Undecodable
from horolog.client.producer import EventProducer, Sender
from horolog.log.port import Log, Outgoing
from schemas.codec import headers_of
from schemas.commands import CreateJob, PauseJob, TriggerJob
from schemas.events.fires import FireMissed
from schemas.jobs import CommandConfig, JobDefinition, JobType
from schemas.topics import COMMANDS, FIRES, JOBS, partition_of
from tests.contract.log.records import DEADLINE_S

TENANT = "11111111-2222-4333-8444-555555555555"
OTHER = "99999999-2222-4333-8444-555555555555"
AT = datetime(2026, 3, 1, tzinfo=UTC)
DISK = JobDefinition(
    name="disk", cron_expression="0 * * * * *", job_type=JobType.COMMAND, config=CommandConfig(command="df")
)


def producer(log: Log, tenant_id: str = TENANT) -> EventProducer:
    return EventProducer(log, Sender(tenant_id, "service:billing"), SystemClock(), RandomIds())


async def all_of(consumer: EventConsumer) -> list[Event | Undecodable]:
    """What there is now."""
    async with asyncio.timeout(DEADLINE_S):
        return [event async for event in consumer.events(follow=False)]


def types_of(events: list[Event | Undecodable]) -> list[str]:
    return [type(event.message).__name__ if isinstance(event, Event) else "?" for event in events]


async def test_what_is_sent_can_be_read_in_order_as_what_it_was(log: Log) -> None:
    command_id, job_id = await producer(log).create_job(DISK)
    await producer(log).send(TriggerJob, job_id=job_id, reason="now")
    [created, triggered] = await all_of(EventConsumer(log, [COMMANDS], tenant_id=TENANT))
    assert isinstance(created, Event)
    assert isinstance(created.message, CreateJob)
    assert (created.message.command_id, created.message.job_id, created.message.actor) == (
        command_id,
        job_id,
        "service:billing",
    )
    assert isinstance(triggered, Event)
    assert (type(triggered.message), triggered.at is not None) == (TriggerJob, True)


async def test_the_same_key_makes_the_same_command(log: Log) -> None:
    first, second, other = [
        await producer(log, tenant_id).create_job(DISK, key="once") for tenant_id in (TENANT, TENANT, OTHER)
    ]
    assert first == second
    assert other != first
    hashes = {
        event.message.request_hash
        for event in await all_of(EventConsumer(log, [COMMANDS], tenant_id=TENANT))
        if isinstance(event, Event) and isinstance(event.message, CreateJob)
    }
    assert len(hashes) == 1


async def test_a_tenants_events_are_its_own(log: Log) -> None:
    for tenant_id in (TENANT, OTHER):
        await producer(log, tenant_id).create_job(DISK)
    assert len(await all_of(EventConsumer(log, [COMMANDS], tenant_id=TENANT))) == 1
    assert len(await all_of(EventConsumer(log, [COMMANDS]))) == 2


async def test_a_kept_position_goes_on_after_the_event_that_was_dealt_with(log: Log) -> None:
    for number in range(3):
        await producer(log).send(PauseJob, job_id=TENANT, reason=str(number))
    consumer = EventConsumer(log, [COMMANDS], tenant_id=TENANT)
    events: AsyncGenerator[Event | Undecodable, None] = consumer.events()
    async with asyncio.timeout(DEADLINE_S):
        await anext(events)
    kept = consumer.position.to_json()
    await events.aclose()
    rest = await all_of(EventConsumer(log, [COMMANDS], Position.from_json(kept), tenant_id=TENANT))
    reasons = [
        event.message.reason for event in rest if isinstance(event, Event) and isinstance(event.message, PauseJob)
    ]
    assert reasons == ["1", "2"]


async def test_what_cannot_be_decoded_is_handed_over_as_such(log: Log) -> None:
    home = partition_of(TENANT, log.partition_count)
    missed = FireMissed(
        tenant_id=TENANT,
        job_id=OTHER,
        miss_id=OTHER,
        first=AT,
        last=AT,
        count=1,
        schedule_version=1,
        emitted_at=AT,
    )
    await log.append([Outgoing(FIRES.name, home, b"x", b"not json", headers_of(missed, "test", AT))])
    await log.append([Outgoing(FIRES.name, home, TENANT.encode(), missed.to_json(), headers_of(missed, "test", AT))])
    found = await all_of(EventConsumer(log, [FIRES], tenant_id=TENANT))
    assert types_of(found) == ["?", "FireMissed"]
    assert isinstance(found[0], Undecodable)
    assert (found[0].record.value, "JSON" in found[0].reason) == (b"not json", True)


async def test_from_the_end_on_there_is_only_what_comes(log: Log) -> None:
    await producer(log).send(PauseJob, job_id=TENANT, reason="before")
    consumer = EventConsumer(log, [COMMANDS, JOBS], tenant_id=TENANT)
    await consumer.skip_to_end()
    assert await all_of(consumer) == []
    waiting = asyncio.ensure_future(anext(consumer.events()))
    await producer(log).send(PauseJob, job_id=TENANT, reason="after")
    event = await asyncio.wait_for(waiting, DEADLINE_S)
    assert isinstance(event, Event)
    assert isinstance(event.message, PauseJob)
    assert event.message.reason == "after"


@pytest.mark.parametrize("text", ["", "[1]", '[{"topic": "x"}]', "7"])
def test_what_is_no_position_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="position"):
        Position.from_json(text)

"""Two analytics workers on a real Kafka: one is killed, the other takes its windows over, and another one comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from schemas.base import Message
from schemas.topics import EXECUTIONS, partition_of
from tests.integration.analytics.world import DEADLINE_S, POLL_S, World, assert_counted, at_work
from tests.unit.projections.facts import PARTITIONS, admitted, at
from tests.unit.projections.test_windows import started

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]

_CANDIDATES = tuple(f"{digit * 8}-2222-4333-8444-555555555555" for digit in "0123456789")
TENANTS = tuple(
    next(one for one in _CANDIDATES if partition_of(one, PARTITIONS) == partition) for partition in range(PARTITIONS)
)
ROUND_COUNT = 160
"""Admissions in a round, of all tenants; those of every round are in the same `SPAN_S`, and so in the same windows."""
SPAN_S = 180


def round_of(number: int) -> list[Message]:
    """So many admissions, and half as many starts, of each tenant."""
    found: list[Message] = []
    for one in range(number * ROUND_COUNT, (number + 1) * ROUND_COUNT):
        who, seconds = {"tenant_id": TENANTS[one % len(TENANTS)]}, one * 7 % SPAN_S
        found.append(admitted(one, **who, at=at(seconds)))
        if one % 8 < len(TENANTS):
            found.append(started(one, 0.25, seconds).model_copy(update=who))
    return found


@asynccontextmanager
async def asking(world: World) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that tells of the workers' group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=world.settings.bootstrap_servers)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def until_shared(world: World, worker_count: int) -> None:
    """Wait until so many workers have the same number of the ledger's partitions, and all of them together."""
    async with asking(world) as admin:
        await _until(lambda: _shares(world, admin), lambda shares: _is_even(shares, worker_count))


async def until_acknowledged(world: World) -> None:
    """Wait until nothing that is in the ledger would be handed over again to whoever comes next."""
    ends = {record.partition: record.offset + 1 for record in await world.records(EXECUTIONS.name)}
    async with asking(world) as admin:
        await _until(lambda: _positions(world, admin), lambda found: found == ends)


async def _until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds(await ask()):
            await asyncio.sleep(POLL_S)


async def _shares(world: World, admin: AIOKafkaAdminClient) -> list[list[int]]:
    """The ledger's partitions of each worker; nobody's while they are being shared out."""
    (answer,) = await admin.describe_consumer_groups([world.settings.topic("analytics")])
    ((_, _, state, _, _, members, *_),) = answer.groups
    if state != "Stable":
        return []
    assignments = [ConsumerProtocolMemberAssignment.decode(member[-1]) for member in members]
    ledger = world.settings.topic(EXECUTIONS.name)
    return [[place.partition for place in one.partitions() if place.topic == ledger] for one in assignments]


def _is_even(shares: list[list[int]], worker_count: int) -> bool:
    everything = sorted(partition for share in shares for partition in share)
    is_complete = everything == list(range(PARTITIONS))
    return is_complete and [len(share) for share in shares] == [PARTITIONS // worker_count] * worker_count


async def _positions(world: World, admin: AIOKafkaAdminClient) -> dict[int, int]:
    ledger = world.settings.topic(EXECUTIONS.name)
    places = [TopicPartition(ledger, partition) for partition in range(PARTITIONS)]
    told = await admin.list_consumer_group_offsets(world.settings.topic("analytics"), partitions=places)
    return {place.partition: position.offset for place, position in told.items()}


async def test_windows_outlive_the_worker_that_counted_them_wherever_their_partitions_go(world: World) -> None:
    await world.write(*round_of(0))
    with at_work(world) as deployment:
        await world.until(lambda count: count >= ROUND_COUNT)
        deployment.start("analytics")
        await until_shared(world, 2)
        await world.write(*round_of(1))
        # What is acknowledged is not handed over again: its heir can only have it from the table's own topic.
        await until_acknowledged(world)
        deployment.kill("analytics")
        await world.write(*round_of(2))
        await until_shared(world, 1)
        await world.until(lambda count: count >= 3 * ROUND_COUNT)
        deployment.start("analytics")
        await until_shared(world, 2)
        await world.write(*round_of(3))
        await world.until(lambda count: count >= 4 * ROUND_COUNT)
        # The table's topic follows what is told: it is written before the facts are acknowledged.
        await until_acknowledged(world)
        assert deployment.living() == 2
    await assert_counted(world, 4 * ROUND_COUNT)

"""What happens to the log when the broker stalls, or dies and comes back. It is a broker of these tests' own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.cluster import LocalKafka
from horolog.log.kafka import KafkaLog
from horolog.log.port import CommitUnknown, LogUnavailable, Membership
from tests.contract.log.adapters import PARTITION_COUNT, kafka_settings
from tests.contract.log.records import DEADLINE_S, EXECUTIONS, JOBS, everything, numbered, outgoing, read, values

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LocalKafka, str]]:
    """A broker that may be ill-treated, and its address."""
    kafka = LocalKafka(Path(tmp_path_factory.mktemp("kafka")), nodes=1)
    try:
        yield kafka, kafka.start()
    finally:
        kafka.stop()


@pytest.fixture
async def log(broker: tuple[LocalKafka, str], prefix: str) -> AsyncIterator[KafkaLog]:
    """A log that does not wait for long."""
    settings = replace(
        kafka_settings(broker[1], prefix),
        commit_timeout_ms=1_000,
        append_timeout_ms=1_000,
        open_timeout_ms=3_000,
        lookup_timeout_ms=3_000,
        request_timeout_ms=2_000,
    )
    opened = await KafkaLog.open(settings)
    await opened.create_topics()
    yield opened
    await opened.close()


async def owns(membership: Membership, count: int) -> None:
    """Wait until a member owns so many partitions."""
    async with asyncio.timeout(DEADLINE_S):
        while len(membership.owned) != count:
            await membership.changed(membership.generation)


async def test_commit_during_a_stall_is_unknown_and_found_whole_or_absent(
    broker: tuple[LocalKafka, str], log: KafkaLog
) -> None:
    for step_count in (1, 15, 30, 60):
        writer = await log.open_writer("dispatcher", 0)
        commit = asyncio.create_task(writer.commit([*numbered(JOBS, 10), *numbered(EXECUTIONS, 10)]))
        for _ in range(step_count):
            await asyncio.sleep(0)
        broker[0].child(1).notify(signal.SIGSTOP)
        try:
            (outcome,) = await asyncio.gather(commit, return_exceptions=True)
            assert isinstance(outcome, CommitUnknown) or outcome is None
        finally:
            broker[0].child(1).notify(signal.SIGCONT)
        await log.open_writer("dispatcher", 0)
        counts = [len(await everything(log, place)) for place in (JOBS, EXECUTIONS)]
        assert counts[0] == counts[1]


async def test_everything_goes_on_after_the_broker_died_and_came_back(
    broker: tuple[LocalKafka, str], log: KafkaLog
) -> None:
    await log.append([outgoing(JOBS, b"before")])
    writer = await log.open_writer("dispatcher", 0)
    member = await log.join("ticker", "a")
    await owns(member, PARTITION_COUNT)
    reader = log.reader()
    reader.assign({JOBS: 0})
    assert values(await read(reader, 1)) == [b"before"]
    broker[0].kill_node(1)
    with pytest.raises(LogUnavailable):
        await log.append([outgoing(JOBS, b"lost")])
    with pytest.raises(CommitUnknown):
        await writer.commit([outgoing(JOBS, b"lost")])
    with pytest.raises(LogUnavailable):
        await log.open_writer("dispatcher", 0)
    with pytest.raises(LogUnavailable):
        await log.ends([JOBS])
    assert list(await reader.poll(10, 0.2)) == []
    broker[0].restart_node(1)
    writer = await log.open_writer("dispatcher", 0)
    await writer.commit([outgoing(JOBS, b"committed")])
    await log.append([outgoing(JOBS, b"appended")])
    assert values(await read(reader, 2)) == [b"committed", b"appended"]
    generation = member.generation
    late = await log.join("ticker", "b")
    await owns(late, 1)
    await owns(member, 1)
    assert member.generation > generation


async def test_reader_opened_before_the_broker_waits_for_it(broker: tuple[LocalKafka, str], log: KafkaLog) -> None:
    await log.append([outgoing(JOBS, b"kept")])
    broker[0].kill_node(1)
    reader = log.reader()
    reader.assign({JOBS: 0})
    assert list(await reader.poll(10, 0.2)) == []
    member = await log.join("ticker", "a")
    broker[0].restart_node(1)
    assert values(await read(reader, 1)) == [b"kept"]
    await owns(member, PARTITION_COUNT)

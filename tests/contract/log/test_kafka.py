"""What the log on Kafka promises besides: strangers, other writers' transactions, and failures in mid-commit."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.conn import CloseReason
from aiokafka.errors import MessageSizeTooLargeError

from horolog.log.kafka import KafkaLog
from horolog.log.kafka.settings import KafkaSettings
from horolog.log.port import CommitUnknown, LogError, LogUnavailable
from schemas.topics import TOPICS
from tests.contract.log.adapters import PARTITION_COUNT
from tests.contract.log.records import (
    CHECKPOINTS,
    COMMANDS,
    DEADLINE_S,
    EXECUTIONS,
    JOBS,
    everything,
    numbered,
    outgoing,
    read,
    values,
)

pytestmark = pytest.mark.kafka


@pytest.fixture
async def log(settings: KafkaSettings) -> AsyncIterator[KafkaLog]:
    """A log on these topics."""
    opened = await KafkaLog.open(settings)
    yield opened
    await opened.close()


@pytest.fixture
async def admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that may change topics."""
    client = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap_servers)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
async def stranger(settings: KafkaSettings) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else's producer."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, max_request_size=11 << 20, max_batch_size=11 << 20
    )
    await producer.start()
    yield producer
    await producer.stop()


async def configure(admin: AIOKafkaAdminClient, topic: str, **configs: str) -> None:
    """Change a topic's configuration."""
    named = {name.replace("_", "."): value for name, value in configs.items()}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, named)])


async def takes(stranger: AIOKafkaProducer, place: TopicPartition, value: bytes, expected: bool) -> None:
    """Send until a changed configuration is in force: until the record is taken, or refused, as expected."""
    async with asyncio.timeout(DEADLINE_S):
        taken = not expected
        while taken is not expected:
            sent = await stranger.send(place.topic, value, partition=place.partition)
            await asyncio.wait((sent,))
            taken = not isinstance(sent.exception(), MessageSizeTooLargeError)


async def test_huge_record_of_a_stranger_is_delivered_and_stalls_nothing(
    settings: KafkaSettings, log: KafkaLog, admin: AIOKafkaAdminClient, stranger: AIOKafkaProducer
) -> None:
    await configure(admin, settings.topic(JOBS.topic), max_message_bytes=str(12 << 20))
    huge = b"h" * (10 << 20)
    await takes(stranger, TopicPartition(settings.topic(JOBS.topic), 1), huge, expected=True)
    await takes(stranger, TopicPartition(settings.topic(JOBS.topic), 0), huge, expected=True)
    await stranger.send_and_wait(settings.topic(JOBS.topic), None, b"key", 0, headers=[("none", None)])
    await log.append([*numbered(EXECUTIONS, 3), outgoing(JOBS, b"ours")])
    reader = log.reader()
    reader.assign({JOBS: 0, JOBS._replace(partition=1): 0, EXECUTIONS: 0})
    records = await read(reader, 7)
    jobs = [record for record in records if (record.topic, record.partition) == JOBS]
    assert values(jobs) == [huge, None, b"ours"]
    assert (jobs[0].key, jobs[1].headers) == (b"", (("none", b""),))
    assert values(await everything(log, JOBS)) == values(jobs)


async def test_open_and_aborted_transactions_stay_invisible(settings: KafkaSettings, log: KafkaLog) -> None:
    zombie = await open_transaction(settings, "ticker.0", CHECKPOINTS, b"open")
    reader = log.reader()
    reader.assign({CHECKPOINTS: 0})
    await log.append([outgoing(CHECKPOINTS, b"behind")])
    assert list(await reader.poll(10, 0.5)) == []
    assert await everything(log, CHECKPOINTS) == []
    successor = await log.open_writer("ticker", 0)
    assert values(await read(reader, 1)) == [b"behind"]
    await successor.commit([outgoing(CHECKPOINTS, b"committed")])
    assert values(await read(reader, 1)) == [b"committed"]
    assert values(await everything(log, CHECKPOINTS)) == [b"behind", b"committed"]
    await zombie.stop()


async def test_latest_waits_for_what_another_roles_open_transaction_hides(
    settings: KafkaSettings, log: KafkaLog
) -> None:
    dispatcher = await log.open_writer("dispatcher", 0)
    await dispatcher.commit([outgoing(CHECKPOINTS, b"old", b"dispatcher")])
    zombie = await open_transaction(settings, "ticker.0", CHECKPOINTS, b"open")
    await dispatcher.commit([outgoing(CHECKPOINTS, b"new", b"dispatcher")])
    latest = asyncio.create_task(log.latest(CHECKPOINTS, b"dispatcher"))
    await asyncio.wait((latest,), timeout=0.5)
    assert not latest.done()
    await log.open_writer("ticker", 0)
    async with asyncio.timeout(DEADLINE_S):
        found = await latest
    assert found is not None
    assert found.value == b"new"
    await zombie.stop()


async def open_transaction(settings: KafkaSettings, name: str, place: Any, value: bytes) -> AIOKafkaProducer:
    """A writer that stopped in the middle of its commit."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers, transactional_id=settings.prefix + name, acks="all"
    )
    await producer.start()
    await producer.begin_transaction()
    await producer.send_and_wait(settings.topic(place.topic), value, b"key", place.partition)
    return producer


async def test_refused_record_spoils_one_commit_and_leaves_nothing_of_it(
    settings: KafkaSettings, log: KafkaLog, admin: AIOKafkaAdminClient, stranger: AIOKafkaProducer
) -> None:
    await configure(admin, settings.topic(COMMANDS.topic), max_message_bytes="1000")
    await takes(stranger, TopicPartition(settings.topic(COMMANDS.topic), 0), b"early" * 1000, expected=False)
    writer = await log.open_writer("dispatcher", 0)
    with pytest.raises(CommitUnknown):
        await writer.commit([outgoing(JOBS, b"torn"), outgoing(COMMANDS, b"x" * 5000)])
    with pytest.raises(LogUnavailable):
        await log.append([outgoing(COMMANDS, b"x" * 5000)])
    await log.append([outgoing(COMMANDS, b"appended")])
    writer = await log.open_writer("dispatcher", 0)
    await writer.commit([outgoing(JOBS, b"committed"), outgoing(COMMANDS, b"committed")])
    assert values(await everything(log, JOBS)) == [b"committed"]
    found = [value for value in values(await everything(log, COMMANDS)) if value != b"early" * 1000]
    assert found == [b"appended", b"committed"]


async def test_commit_that_takes_too_long_is_unknown_and_its_successor_finds_it_whole_or_absent(
    settings: KafkaSettings,
) -> None:
    hasty = await KafkaLog.open(replace(settings, commit_timeout_ms=4))
    batch = [*numbered(JOBS, 100), *numbered(EXECUTIONS, 100)]
    outcomes: list[bool] = []
    for _ in range(10):
        writer = await hasty.open_writer("dispatcher", 0)
        try:
            await writer.commit(batch)
            outcomes.append(True)
        except CommitUnknown:
            outcomes.append(False)
            with pytest.raises(CommitUnknown):
                await writer.commit(batch)
    await hasty.open_writer("dispatcher", 0)
    counts = [len(await everything(hasty, place)) for place in (JOBS, EXECUTIONS)]
    assert counts[0] == counts[1]
    assert counts[0] in range(100 * outcomes.count(True), 1001, 100)
    await hasty.close()


async def test_connection_that_breaks_in_mid_commit_makes_the_outcome_unknown(log: KafkaLog) -> None:
    outcomes: list[BaseException | None] = []
    for step_count in (4, 8, 16, 32, 64):
        writer = await log.open_writer("dispatcher", 0)
        assert writer._producer is not None
        client = writer._producer.client
        commit = asyncio.create_task(writer.commit([*numbered(JOBS, 10), *numbered(EXECUTIONS, 10)]))
        for _ in range(step_count):
            await asyncio.sleep(0)
        for connection in list(client._conns.values()):
            connection.close(reason=CloseReason.CONNECTION_BROKEN)
        outcomes += await asyncio.gather(commit, return_exceptions=True)
        await log.open_writer("dispatcher", 0)
        counts = [len(await everything(log, place)) for place in (JOBS, EXECUTIONS)]
        assert counts[0] == counts[1]
        assert counts[0] in range(10 * outcomes.count(None), 51, 10)
    # The client may mend its connections in time, so that a commit ends well; but it never ends in halves.
    assert all(outcome is None or isinstance(outcome, CommitUnknown) for outcome in outcomes)


async def test_writer_that_wakes_up_after_its_succession_is_fenced_and_its_late_commit_leaves_nothing(
    settings: KafkaSettings, log: KafkaLog
) -> None:
    command = (sys.executable, "-m", "tests.contract.log.stopped_writer", settings.bootstrap_servers, settings.prefix)
    for _ in range(3):
        before = len(await everything(log, EXECUTIONS))
        zombie = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
        )
        assert zombie.stdout is not None
        async with asyncio.timeout(DEADLINE_S):
            for _ in range(20):
                assert (await zombie.stdout.readline()).strip() == b"committed"
            zombie.send_signal(signal.SIGSTOP)
            successor = await log.open_writer("dispatcher", 0)
            written = len(await everything(log, EXECUTIONS)) - before
            await successor.commit([outgoing(COMMANDS, b"taken over")])
            zombie.send_signal(signal.SIGCONT)
            *committed, last = (await zombie.stdout.read()).split()
            await zombie.wait()
        # The commit under way when it was stopped may have taken effect; it is told of late, or unknown.
        assert last in (b"Fenced", b"CommitUnknown")
        assert written - 20 - len(committed) in ((0,) if last == b"Fenced" else (0, 1))
        assert len(await everything(log, EXECUTIONS)) - before == written
    assert len(await everything(log, JOBS)) == 2 * len(await everything(log, EXECUTIONS))


async def test_partitions_of_a_killed_member_are_taken_over(settings: KafkaSettings, log: KafkaLog) -> None:
    member = await log.join("ticker", "survivor")
    command = (sys.executable, "-m", "tests.contract.log.group_member", settings.bootstrap_servers, settings.prefix)
    mortal = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    assert mortal.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        assert (await mortal.stdout.readline()).strip() == b"1"
        while len(member.owned) != 1:
            await member.changed(member.generation)
        mortal.kill()
        await mortal.wait()
        while len(member.owned) != PARTITION_COUNT:
            await member.changed(member.generation)


async def test_topics_have_the_configured_size_and_keep_what_they_say(
    settings: KafkaSettings, log: KafkaLog, admin: AIOKafkaAdminClient
) -> None:
    found = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    assert {found.get(settings.topic(topic.name)) for topic in TOPICS} == {PARTITION_COUNT}
    resource = ConfigResource(ConfigResourceType.TOPIC, settings.topic(CHECKPOINTS.topic))
    (answer,) = await admin.describe_configs([resource])
    configs = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert configs["cleanup.policy"] == "compact"
    assert int(configs["segment.ms"]) <= 600_000
    await admin.delete_topics([settings.topic(JOBS.topic)])
    created: Sequence[str] = []
    async with asyncio.timeout(DEADLINE_S):
        # Brokers hear of the deletion one after the other.
        while not created:
            created = await log.create_topics()
    assert created == [JOBS.topic]
    larger = await KafkaLog.open(replace(settings, partition_count=PARTITION_COUNT + 1))
    with pytest.raises(LogError, match="partitions"):
        await larger.create_topics()
    await larger.close()


async def test_writer_that_ends_what_the_broker_left_open_keeps_all_that_was_committed(log: KafkaLog) -> None:
    first = await log.open_writer("ticker", JOBS.partition)
    await first.commit([outgoing(JOBS, b"before")])
    log._bounds.stuck_at.add(JOBS.partition)
    second = await log.open_writer("ticker", JOBS.partition)
    await second.commit([outgoing(JOBS, b"after")])
    assert await log._bounds.settled(JOBS) > 0
    assert values(await everything(log, JOBS)) == [b"before", b"after"]
    assert not log._bounds.stuck_at

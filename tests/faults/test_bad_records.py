"""A record that makes no sense becomes one dead letter with the reason, on every topic that somebody reads.

Whoever writes the letter goes on, as does everybody else who reads the topic, at once and after a new start. The one
exception to "one letter" is a record in a worker's inbox that names no worker: each worker of that inbox refuses it.
"""

from datetime import timedelta

import pytest

from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Outgoing, Place
from schemas.topics import CHECKPOINTS, DLQ, OUTPUT, RECORD_BYTES_MAX, TENANTS, TOPICS, Topic
from tests.faults.bad_records import (
    REFUSED_BY,
    Letters,
    bad_records,
    expected_letters,
    letters,
    offsets_of,
    place_of,
    refused,
    under_an_owners_key,
)
from tests.faults.client import EACH_SECOND
from tests.faults.ledger import accounted_until
from tests.faults.one_process import scheduler


def test_every_topic_that_somebody_reads_has_someone_who_writes_its_letters() -> None:
    # What runs print is no fact: streams of the API pass over what makes no sense.
    unread = {TENANTS, DLQ, OUTPUT}
    assert set(REFUSED_BY) | unread == set(TOPICS)


async def write_bad(log: EmbeddedLog, topic: Topic) -> Letters:
    """Write every kind of bad record to the topic, and return the letters that are to follow."""
    place = Place(topic.name, await place_of(log, topic))
    records = list(bad_records(topic, place.partition, log.partition_count).values())
    await log.append(records)
    offsets = await offsets_of(log, place, records)
    return expected_letters(topic, place.partition, offsets)


@pytest.mark.timeout(240)
async def test_bad_records_become_dead_letters_and_jobs_go_on_now_and_after_a_new_start(migrated_database: str) -> None:
    log = EmbeddedLog.open(None, SystemClock())
    await log.create_topics()
    expected = Letters()
    async with scheduler(migrated_database, log) as client:
        for topic in REFUSED_BY:
            expected += await write_bad(log, topic)
            await refused(log, expected)
            await client.run_once()
    async with scheduler(migrated_database, log) as client:
        await client.run_once()
        assert await letters(log) == expected


async def test_owners_begin_from_their_newest_checkpoint_whatever_lies_under_their_keys(migrated_database: str) -> None:
    log = EmbeddedLog.open(None, SystemClock())
    await log.create_topics()
    place = Place(CHECKPOINTS.name, await place_of(log, CHECKPOINTS))
    async with scheduler(migrated_database, log) as client:
        job_id = await client.created(EACH_SECOND)
        await accounted_until(migrated_database, job_id, SystemClock().now() + timedelta(seconds=1))
    bad = [
        r for role in ("ticker", "dispatcher") for r in under_an_owners_key(role, place.partition, log.partition_count)
    ]
    await log.append(bad)
    expected = expected_letters(CHECKPOINTS, place.partition, await offsets_of(log, place, bad))
    async with scheduler(migrated_database, log) as client:
        await refused(log, expected)
        await client.run_once()
        await accounted_until(migrated_database, job_id, SystemClock().now() + timedelta(seconds=1))
        assert await letters(log) == expected


async def test_a_record_beyond_the_limit_does_not_enter_the_embedded_log() -> None:
    log = EmbeddedLog.open(None, SystemClock())
    for topic in TOPICS:
        with pytest.raises(ValueError, match="at most"):
            await log.append([Outgoing(topic.name, 0, b"", b"x" * (RECORD_BYTES_MAX + 1))])
    assert set((await log.ends([Place(topic.name, 0) for topic in TOPICS])).values()) == {0}

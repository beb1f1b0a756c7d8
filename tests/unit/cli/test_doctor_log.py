"""What the doctor finds in the log: topics that are not as they are to be, and records where none of theirs belongs."""

import pytest

from horolog.adapters.system import SystemClock
from horolog.cli.doctor_log import SAMPLED, SAMPLED_RECORD_COUNT_MAX, SHOWN_COUNT, judge_topics, sample_places
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.kafka.topic_check import EXISTENCE, PARTITIONS, REPLICAS, Difference
from horolog.log.port import Outgoing
from schemas.codec import headers_of
from schemas.commands import PauseJob
from schemas.topics import COMMANDS, TOPICS, partition_of
from tests.unit.deciding.kit import START, TENANT, command, uuid_of

PARTITION_COUNT = 4
HOME = partition_of(TENANT, PARTITION_COUNT)


def pausing(partition: int, number: int, value: bytes | None = None) -> Outgoing:
    message = command(PauseJob, number, job_id=uuid_of(1))
    headers = headers_of(message, "test", START)
    return Outgoing(COMMANDS.name, partition, TENANT.encode(), value or message.to_json(), headers)


async def log_with(*records: Outgoing) -> EmbeddedLog:
    log = EmbeddedLog.open(None, SystemClock(), PARTITION_COUNT)
    await log.create_topics()
    if records:
        await log.append(records)
    return log


async def test_records_where_they_belong_are_in_order() -> None:
    log = await log_with(*(pausing(HOME, number) for number in range(5)))
    found = await sample_places(log)
    assert (found.state, found.found[:2]) == ("ok", "5 ")
    await log.close()


async def test_records_of_a_client_with_another_partitioner_are_told_with_an_example() -> None:
    strange = (HOME + 1) % PARTITION_COUNT
    log = await log_with(pausing(HOME, 1), pausing(strange, 2))
    found = await sample_places(log)
    assert found.state == "fail"
    assert found.found.startswith("1 on commands.v1 of 2 lie elsewhere")
    assert f"tenant {TENANT} belongs to partition {HOME}, not {strange}" in found.found
    assert "murmur2" in str(found.advice)
    await log.close()


async def test_what_cannot_be_read_is_another_matter() -> None:
    log = await log_with(pausing((HOME + 1) % PARTITION_COUNT, 1, b"not JSON"))
    assert (await sample_places(log)).state == "ok"
    await log.close()


async def test_only_the_last_records_are_looked_at() -> None:
    each = SAMPLED_RECORD_COUNT_MAX // (len(SAMPLED) * PARTITION_COUNT)
    strange = (HOME + 1) % PARTITION_COUNT
    log = await log_with(pausing(strange, 1), *(pausing(strange, 2, b"{}") for _ in range(each)))
    found = await sample_places(log)
    assert (found.state, found.found.partition(" ")[0]) == ("ok", str(each))
    await log.close()


@pytest.mark.parametrize(
    ("part", "found", "state"),
    [
        (EXISTENCE, "missing", "warn"),
        (REPLICAS, "1", "warn"),
        ("segment.ms", "1", "warn"),
        ("retention.ms", "1", "fail"),
        ("cleanup.policy", "delete", "fail"),
        (PARTITIONS, "8", "fail"),
    ],
)
def test_a_difference_is_as_bad_as_what_is_lost_by_it(part: str, found: str, state: str) -> None:
    judged = judge_topics([Difference("jobs.v1", part, found, "other")], PARTITION_COUNT)
    assert (judged.state, judged.advice is None) == (state, False)
    assert f"jobs.v1: {part} is {found}" in judged.found


def test_of_many_differences_a_few_are_shown() -> None:
    many = [Difference(topic.name, EXISTENCE, "missing", "there") for topic in TOPICS]
    assert judge_topics(many, PARTITION_COUNT).found.endswith(f"and {len(TOPICS) - SHOWN_COUNT} more")
    assert judge_topics([], PARTITION_COUNT).state == "ok"

"""Records that no consumer can make use of, for every topic that one reads, and the letters that tell of them."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from horolog.log.port import Log, Outgoing, Place, Record
from schemas.base import Message
from schemas.codec import Headers, decode, headers_of
from schemas.events.owners import OwnerCheckpointed, RecordRefused
from schemas.events.workers import AttemptRevoked, TaskAssigned, WorkerBeat
from schemas.registry import MESSAGES_OF_TOPIC
from schemas.topics import (
    ANALYTICS,
    AUDIT,
    CHECKPOINTS,
    COMMANDS,
    CONTROL,
    DLQ,
    EXECUTIONS,
    FIRES,
    JOB_TABLE,
    JOBS,
    OUTCOMES,
    RESULTS,
    TASKS,
    TENANT_CHANGES,
    WORKERS,
    Topic,
    partition_of,
)
from tests.faults.deployment import TENANT
from tests.unit.schemas.goldens import all_samples
from tests.unit.schemas.samples import AT, samples

DEADLINE_S = 60.0
KEY = b"\xff\x00"
"""The key of every bad record: no text."""
POLL_S = 0.02
REFUSED_BY: Mapping[Topic, str] = {
    COMMANDS: "horolog/dispatcher",
    FIRES: "horolog/dispatcher",
    RESULTS: "horolog/dispatcher",
    JOB_TABLE: "horolog/ticker",
    JOBS: "horolog/projections",
    EXECUTIONS: "horolog/projections",
    TENANT_CHANGES: "horolog/projections",
    AUDIT: "horolog/projections",
    OUTCOMES: "horolog/projections",
    WORKERS: "horolog/projections",
    CHECKPOINTS: "horolog/projections",
    ANALYTICS: "horolog/projections",
    TASKS: "horolog/executor",
    CONTROL: "horolog/executor",
}
"""Who writes the one letter about a bad record on the topic, whoever else reads it."""
OF_A_WORKER = (TASKS, CONTROL)

Letters = Counter[tuple[str, int, int, str]]
"""How often each record was refused: its topic, partition and offset, and by which part."""


def bad_records(topic: Topic, partition: int, partition_count: int) -> dict[str, Outgoing]:
    """One record of each bad kind, to be written to this partition of the topic."""
    kinds = MESSAGES_OF_TOPIC[topic]
    sample = _sample_of(kinds[0], partition, partition_count)
    stranger = next(message for message in samples() if type(message) not in kinds)
    good, type_ = sample.to_json(), (("ce_type", sample.TYPE.encode()),)

    def bad(value: bytes | None, headers: Headers = type_) -> Outgoing:
        return Outgoing(topic.name, partition, KEY, value, headers)

    records = {
        "garbage": bad(b"\x00\xff\xfe" * 100, ()),
        "no JSON": bad(b"{" + good),
        "cut off": bad(good[:-1]),
        "no object": bad(b"[]"),
        "deep": bad(b"[" * 200_000),
        "unknown field": bad(good[:-1] + b',"surprise":1}'),
        "unknown type": bad(good, (("ce_type", b"io.horolog.no.such.v1"),)),
        "no type": bad(good, ()),
        "other topic's type": bad(stranger.to_json(), headers_of(stranger, "test", AT)),
    }
    if not topic.compacted:
        records["no value"] = bad(None)
    records["other partition"] = bad(good, headers_of(sample, "test", AT))
    return records


def under_an_owners_key(role: str, partition: int, partition_count: int) -> list[Outgoing]:
    """Every kind of bad checkpoint, where an owner of the role looks for its own."""
    return [replace(r, key=role.encode()) for r in bad_records(CHECKPOINTS, partition, partition_count).values()]


def _sample_of(kind: type[Message], partition: int, partition_count: int) -> Message:
    """A message that is right in itself, but of a tenant, or for a worker, that belongs to another partition."""
    sample = next(message for message in all_samples() if type(message) is kind)
    numbers = range(1, 100)
    names = (f"worker-{number}" for number in numbers)
    if isinstance(sample, TaskAssigned | AttemptRevoked):
        name = next(name for name in names if partition_of(name, partition_count) != partition)
        return sample.model_copy(update={"worker_id": name})
    if isinstance(sample, WorkerBeat):
        name = next(name for name in names if partition_of(name, partition_count) != partition)
        return sample.model_copy(update={"worker_id": name, "inbox": partition_of(name, partition_count)})
    if isinstance(sample, OwnerCheckpointed):
        return sample.model_copy(update={"partition": (partition + 1) % partition_count})
    ids = (f"6f1c1f7e-0000-4000-8000-0000000001{number:02x}" for number in numbers)
    tenant_id = next(id_ for id_ in ids if partition_of(id_, partition_count) != partition)
    return sample.model_copy(update={"tenant_id": tenant_id})


async def place_of(log: Log, topic: Topic) -> int:
    """The partition of the topic through which the tenant's jobs go: its own, or its worker's inbox."""
    if topic not in OF_A_WORKER:
        return partition_of(TENANT, log.partition_count)
    workers = [Place(WORKERS.name, partition) for partition in range(log.partition_count)]
    async with asyncio.timeout(DEADLINE_S):
        while not (beats := [record for record in await _everything(log, workers) if record.key != KEY]):
            await asyncio.sleep(POLL_S)
    # Not that of a worker that is gone: nobody reads its inbox any more.
    return _inbox(max(beats, key=lambda record: record.timestamp_ms))


def _inbox(record: Record) -> int:
    beat = decode(record.topic, record.headers, record.value)
    assert isinstance(beat, WorkerBeat)
    return beat.inbox


async def dead_letters(log: Log) -> list[RecordRefused]:
    """Every dead letter so far."""
    places = [Place(DLQ.name, partition) for partition in range(log.partition_count)]
    found = [decode(record.topic, record.headers, record.value) for record in await _everything(log, places)]
    assert all(isinstance(letter, RecordRefused) and letter.reason for letter in found)
    return [letter for letter in found if isinstance(letter, RecordRefused)]


async def letters(log: Log) -> Letters:
    """How often each record was refused so far."""
    found: Letters = Counter()
    for letter in await dead_letters(log):
        part = "/".join(letter.refused_by.split("/")[:2])
        found[letter.topic, letter.partition, letter.offset, part] += 1
    return found


async def refused(log: Log, expected: Letters) -> None:
    """Wait until all of these letters are there; none may be there that is not expected, and none twice."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while (found := await letters(log)) != expected and not found - expected:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"never refused: {expected - await letters(log)}") from None
    assert not found - expected, f"refused twice, or without need: {found - expected}"


def expected_letters(topic: Topic, partition: int, offsets: Iterable[int]) -> Letters:
    """One letter for each of these records."""
    return Counter((topic.name, partition, offset, REFUSED_BY[topic]) for offset in offsets)


async def _everything(log: Log, places: Sequence[Place]) -> list[Record]:
    starts, ends = await log.starts(places), await log.ends(places)
    found: list[Record] = []
    for place in places:
        async for records in log.scan(place, starts[place], ends[place]):
            found += records
    return found


async def offsets_of(log: Log, place: Place, sent: Sequence[Outgoing], start: int = 0) -> list[int]:
    """Where the records were written, one for each, from this offset on.

    A transaction of somebody else that is still open keeps what was written after it from being read.
    """
    wanted = Counter((record.key, record.value, record.headers) for record in sent)
    async with asyncio.timeout(DEADLINE_S):
        while True:
            written = [r for r in await _everything(log, [place]) if r.offset >= start]
            found = [r.offset for r in written if (r.key, r.value, r.headers) in wanted]
            if len(found) >= len(sent):
                return found
            await asyncio.sleep(POLL_S)

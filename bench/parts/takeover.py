"""What a dispatcher's successor reads, and what a record costs it: `python -m bench.parts.takeover [memory] [kafka]`.

Jobs, and then the facts of executions that have ended, are written as the product writes them, all of one tenant; then
the product's own role rebuilds the partition from them. Costs are microseconds of this process's CPU per record, all
threads, without the broker. Kafka is a private one with a single node.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from bench.lives import HOME, INSTANT, PARTITION_COUNT, life, tabled
from deploy.local.cluster import LocalKafka
from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Log, Outgoing
from schemas.codec import decode
from schemas.events.executions import ExecutionEvent
from schemas.events.jobs import JobTabled
from schemas.topics import EXECUTIONS
from services.dispatcher.dispatcher import DispatcherRole

JOB_COUNT = 20_000
EXECUTION_COUNT = 10_000
BATCH_COUNT = 1000


def jobs() -> Iterator[Outgoing]:
    """Rows of the job table."""
    row = tabled()
    tabled_job = decode(row.topic, row.headers, row.value)
    assert isinstance(tabled_job, JobTabled)
    for number in range(JOB_COUNT):
        job = tabled_job.job.model_copy(update={"job_id": str(uuid5(NAMESPACE_URL, f"job {number}"))})
        one = JobTabled(tenant_id=job.tenant_id, job=job)
        yield Outgoing(row.topic, HOME, one.subject().encode(), one.to_json(), row.headers)


def facts() -> Iterator[Outgoing]:
    """The ledger of executions, one after the other."""
    written = [record for record in life() if record.topic == EXECUTIONS.name]
    events = [decode(record.topic, record.headers, record.value) for record in written]
    for number in range(EXECUTION_COUNT):
        ids = {"execution_id": str(uuid5(NAMESPACE_URL, f"execution {number}"))}
        instant = {"scheduled_for": INSTANT + timedelta(seconds=number)}
        for event, record in zip(events, written, strict=True):
            assert isinstance(event, ExecutionEvent)
            one = event.model_copy(update={**ids, **instant})
            yield Outgoing(EXECUTIONS.name, HOME, one.subject().encode(), one.to_json(), record.headers)


async def measure(log: Log, label: str) -> None:
    """Rebuild from jobs alone, then from jobs and facts; the difference is what the facts cost."""
    await log.create_topics()
    job_count = await _write(log, jobs())
    with_jobs = await _rebuilt_in_s(log)
    fact_count = await _write(log, facts())
    with_facts = await _rebuilt_in_s(log)
    print(
        f"{label}: {with_jobs / job_count * 1e6:.1f} us for each of {job_count:,} jobs, "
        f"{(with_facts - with_jobs) / fact_count * 1e6:.1f} us for each of {fact_count:,} facts"
    )


async def _write(log: Log, records: Iterator[Outgoing]) -> int:
    count = 0
    while batch := list(islice(records, BATCH_COUNT)):
        await log.append(batch)
        count += len(batch)
    return count


async def _rebuilt_in_s(log: Log) -> float:
    role = DispatcherRole()
    start = time.process_time()
    await role.rebuild(log, HOME, None, INSTANT)
    return time.process_time() - start


async def _memory() -> None:
    log = EmbeddedLog.open(None, SystemClock(), PARTITION_COUNT)
    try:
        await measure(log, "memory")
    finally:
        await log.close()


async def _kafka(servers: str) -> None:
    log = await KafkaLog.open(KafkaSettings(servers, "takeover.", PARTITION_COUNT))
    try:
        await measure(log, "kafka")
    finally:
        await log.close()


@contextmanager
def _broker() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="horolog-bench-") as folder:
        kafka = LocalKafka(Path(folder), nodes=1)
        try:
            yield kafka.start()
        finally:
            kafka.stop()


def main(chosen: Sequence[str]) -> None:
    """Measure the logs that are named, or both."""
    for name in chosen or ("memory", "kafka"):
        if name == "memory":
            asyncio.run(_memory())
        else:
            with _broker() as servers:
                asyncio.run(_kafka(servers))


if __name__ == "__main__":
    main(sys.argv[1:])

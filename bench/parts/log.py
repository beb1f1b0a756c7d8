"""Throughput, CPU and latency of every adapter of the log: `python -m bench.parts.log [memory] [file] [kafka]`.

Records look like ours: 300 bytes of value, a key, seven headers. Rates are records per second of wall time, costs are
microseconds of this process's CPU per record (all threads, without the broker). Kafka is the broker that
KAFKA_BOOTSTRAP_SERVERS names, else a private one with a single node. Latency is from the start of a commit to the
record's arrival in a reader that waits for it.
"""

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from deploy.local.cluster import LocalKafka
from horolog.adapters.system import SystemClock
from horolog.log.embedded import EmbeddedLog
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Log, Outgoing, Place

PARTITION_COUNT = 4
BATCH_COUNTS = (1, 10, 100, 1000)
MEASURE_S = 2.0
CALLER_COUNT = 50
LATENCY_COUNT = 200
IDLE_S = 5.0
IDLE_PLACE_TOPICS = ("commands.v1", "fires.v1", "results.v1", "workers.v1")
HEADERS = (
    ("ce_specversion", b"1.0"),
    ("content-type", b"application/json"),
    ("ce_type", b"io.horolog.execution.completed.v1"),
    ("ce_id", b"6f1c1b7e-8c43-5a0e-9d53-0b4a2e1c0001"),
    ("ce_source", b"horolog/dispatcher"),
    ("ce_time", b"2026-11-23T00:00:00.000000+00:00"),
    ("ce_subject", b"6f1c1b7e-8c43-5a0e-9d53-0b4a2e1c0001"),
)


def batch(topic: str, count: int) -> list[Outgoing]:
    """Records spread over the partitions of a topic."""
    return [Outgoing(topic, n % PARTITION_COUNT, b"k%d" % n, b"v" * 300, HEADERS) for n in range(count)]


async def rate(label: str, count: int, act: Callable[[], Awaitable[object]]) -> None:
    """Do it again and again, and print how fast `count` records are each time."""
    await act()
    rounds, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < MEASURE_S:
        await act()
        rounds += 1
    wall, cpu = time.perf_counter() - start, time.process_time() - cpu
    total = rounds * count
    each = f"{wall / rounds * 1000:8.2f} ms each"
    print(f"  {label:32} {total / wall:10,.0f} records/s {cpu / total * 1e6:9.1f} us {each}")


async def measure(log: Log) -> None:
    """All figures of one adapter."""
    await log.create_topics()
    writer = await log.open_writer("bench", 0)
    for count in BATCH_COUNTS:
        records = batch("jobs.v1", count)
        await rate(f"commit of {count}", count, partial(writer.commit, records))
    for count in BATCH_COUNTS:
        records = batch("commands.v1", count)
        await rate(f"append of {count}", count, partial(log.append, records))
    single = batch("results.v1", CALLER_COUNT)
    await rate(
        f"append of 1 by {CALLER_COUNT} callers",
        CALLER_COUNT,
        lambda: asyncio.gather(*(log.append([record]) for record in single)),
    )
    await measure_poll(log)
    await measure_latency(log)
    await measure_idle(log)


async def measure_poll(log: Log) -> None:
    """How fast a reader gets what is there already."""
    places = [Place("jobs.v1", partition) for partition in range(PARTITION_COUNT)]
    reader = log.reader()
    reader.assign(await log.starts(places))
    total, wall, spent = 0, 0.0, 0.0
    start, cpu = time.perf_counter(), time.process_time()
    while records := await reader.poll(5000, 0.5 if not total else 0.05):
        total += len(records)
        wall, spent = time.perf_counter() - start, time.process_time() - cpu
    await reader.close()
    print(f"  {'poll of 5000':32} {total / wall:10,.0f} records/s {spent / total * 1e6:9.1f} us")


async def measure_latency(log: Log) -> None:
    """From the start of a commit to the arrival in a waiting reader."""
    place = Place("executions.v1", 0)
    writer = await log.open_writer("bench", 1)
    reader = log.reader()
    reader.assign(await log.ends([place]))
    await reader.poll(1, 0.2)
    taken = []
    for _ in range(LATENCY_COUNT):
        start = time.perf_counter()
        commit = asyncio.create_task(writer.commit([Outgoing(*place, b"k", b"v" * 300, HEADERS)]))
        await reader.poll(10, 30.0)
        taken.append((time.perf_counter() - start) * 1000)
        await commit
    await reader.close()
    cuts = statistics.quantiles(taken, n=100)
    print(f"  {'commit to reader':32} p50 {cuts[49]:.2f} ms, p99 {cuts[98]:.2f} ms")


async def measure_idle(log: Log) -> None:
    """What waiting costs: a reader of many places, a member and a writer, with nothing to do."""
    places = [Place(topic, partition) for topic in IDLE_PLACE_TOPICS for partition in range(PARTITION_COUNT)]
    reader = log.reader()
    reader.assign(await log.ends(places))
    member = await log.join("bench", "idle")
    await reader.poll(1, 1.0)
    cpu = time.process_time()
    await reader.poll(1, IDLE_S)
    print(f"  {'idle':32} {(time.process_time() - cpu) / IDLE_S * 100:.2f} % of one core")
    await member.leave()
    await reader.close()


@contextmanager
def kafka_bootstrap(folder: Path) -> Iterator[str]:
    """The broker in the environment, or a private one."""
    given = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    if given:
        yield given
        return
    kafka = LocalKafka(folder / "kafka", nodes=1)
    try:
        yield kafka.start()
    finally:
        kafka.stop()


async def run(log: Log) -> None:
    """Measure a log and close it."""
    try:
        await measure(log)
    finally:
        await log.close()


async def run_kafka(bootstrap: str) -> None:
    """Measure Kafka, on topics of a prefix of their own."""
    settings = KafkaSettings(bootstrap, prefix=f"bench-{os.getpid()}.", partition_count=PARTITION_COUNT)
    await run(await KafkaLog.open(settings))


async def run_embedded(path: Path | None) -> None:
    """Measure the embedded log."""
    await run(EmbeddedLog.open(path, SystemClock(), PARTITION_COUNT))


def measure_adapter(adapter: str, folder: Path) -> None:
    """Measure one adapter, with its files in `folder`."""
    if adapter != "kafka":
        asyncio.run(run_embedded(folder / "log.db" if adapter == "file" else None))
        return
    with kafka_bootstrap(folder) as bootstrap:
        asyncio.run(run_kafka(bootstrap))


def main(adapters: list[str]) -> None:
    """Measure the named adapters, or all."""
    for adapter in adapters or ["memory", "file", "kafka"]:
        print(adapter)
        with tempfile.TemporaryDirectory(prefix="horolog-bench-") as folder:
            measure_adapter(adapter, Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])

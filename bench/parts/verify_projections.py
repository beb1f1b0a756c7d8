"""How fast read models are compared with their log: `python -m bench.parts.verify_projections [--executions 70000]`.

An embedded log is filled with the whole lives of executions, the read models are built from it in a private server,
and the proof of `horolog verify projections` builds them a second time. One column is changed, and must be named.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from bench.parts.verify import START_S, TENANT
from horolog.adapters.servers import PrivatePostgres
from horolog.adapters.system import SystemClock
from horolog.log.embedded.log import EmbeddedLog
from horolog.log.port import Outgoing, Place
from projections.connections import connect
from projections.migrate import migrate
from projections.rebuild import rebuild
from projections.verification_tables import verify_projections
from schemas.base import Message
from schemas.codec import headers_of
from schemas.events.executions import AttemptStarted, ExecutionAdmitted, ExecutionCompleted, ExecutionEvent, TriggerType
from schemas.jobs import JobType
from schemas.topics import EXECUTIONS, partition_of

PARTITION_COUNT = 4
PART_COUNT = 3000
TENANT_COUNT, JOB_COUNT = 20, 200
_START = datetime.fromtimestamp(START_S, UTC)
_NAMES = UUID(TENANT)


def _life(number: int) -> Iterator[ExecutionEvent]:
    """All events of one execution."""
    at = _START + timedelta(seconds=number // JOB_COUNT)
    common: dict[str, Any] = {
        "tenant_id": str(uuid5(_NAMES, f"tenant {number % TENANT_COUNT}")),
        "execution_id": str(uuid5(_NAMES, f"execution {number}")),
        "job_id": str(uuid5(_NAMES, f"job {number % JOB_COUNT}")),
        "scheduled_for": at,
    }
    yield ExecutionAdmitted(
        **common, seq=1, at=at - timedelta(seconds=1), trigger_type=TriggerType.SCHEDULED, job_version=1,
        job_type=JobType.COMMAND,
    )  # fmt: skip
    yield AttemptStarted(**common, seq=2, at=at, attempt=1, worker_id="bench", started_at=at)
    yield ExecutionCompleted(
        **common, seq=3, at=at, attempt=1, worker_id="bench", started_at=at, completed_at=at, result="done"
    )


def _outgoing(message: Message) -> Outgoing:
    place = partition_of(message.tenant_id, PARTITION_COUNT)
    key, headers = message.subject().encode(), headers_of(message, "bench", _START)
    return Outgoing(EXECUTIONS.name, place, key, message.to_json(), headers)


async def _fill(log: EmbeddedLog, execution_count: int) -> None:
    await log.create_topics()
    for first in range(0, execution_count, PART_COUNT):
        numbers = range(first, min(first + PART_COUNT, execution_count))
        await log.append([_outgoing(event) for number in numbers for event in _life(number)])


async def _measure(folder: Path, dsn: str, execution_count: int) -> None:
    clock = SystemClock()
    log = EmbeddedLog.open(folder / "log.db", clock, PARTITION_COUNT)
    await migrate(dsn)
    connection = await connect(dsn, "bench")
    try:
        await _fill(log, execution_count)
        ends = await log.ends([Place(EXECUTIONS.name, partition) for partition in range(PARTITION_COUNT)])
        event_count = sum(ends.values())
        for place, end in ends.items():
            await connection.execute(
                "insert into projection_offsets (topic, partition, next) values ($1, $2, $3)",
                place.topic, place.partition, end,
            )  # fmt: skip
        began_s = time.perf_counter()
        await rebuild(log, dsn, clock)
        print(f"rebuilt from {event_count} events in {time.perf_counter() - began_s:.1f} s", flush=True)
        began_s, began_cpu_s = time.perf_counter(), time.process_time()
        reports = await verify_projections(log, dsn, clock)
        taken_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
        assert not [difference for report in reports for difference in report.differences]
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        row_count = sum(report.row_count for report in reports)
        print(
            f"compared {row_count} rows with {event_count} events in {taken_s:.1f} s: "
            f"{event_count / taken_s:,.0f} events/s, {cpu_s:.1f} s of CPU here, {memory_mb:.0f} MiB at most",
            flush=True,
        )
        await connection.execute("update job_executions set progress = 50 where id = $1", uuid5(_NAMES, "execution 7"))
        reports = await verify_projections(log, dsn, clock)
        (found,) = [difference for report in reports for difference in report.differences]
        assert (found.key[0], found.column) == (str(uuid5(_NAMES, "execution 7")), "progress"), found
        print("the changed column is named", flush=True)
    finally:
        await connection.close()
        await log.close()


def main() -> None:
    """Fill a log, compare its read models, print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--executions", type=int, default=70_000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="horolog-bench-") as name, PrivatePostgres(Path(name) / "postgres") as dsn:
        asyncio.run(_measure(Path(name), dsn, given.executions))


if __name__ == "__main__":
    main()

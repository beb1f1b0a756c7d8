"""What one attempt costs the worker in CPU: `python -m bench.parts.executor [function|http|command]`.

The log is one in memory that costs next to nothing. CPU is counted for the worker and for all that it started; the
HTTP server that HTTP attempts call is not.
"""

import argparse
import asyncio
import os
import time
from datetime import datetime

from bench.loads import sink
from bench.parts.memory_log import PARTITION_COUNT, MemoryLog
from bench.processes import family, snapshot
from bench.services import REPOSITORY
from horolog.adapters.system import RandomIds, SystemClock
from horolog.domain.addresses import networks
from horolog.log.port import Record
from schemas.codec import headers_of
from schemas.events.executions import TriggerType
from schemas.events.workers import TaskAssigned
from schemas.jobs import CommandConfig, FunctionConfig, HttpConfig, JobConfig, JobType
from schemas.topics import TASKS, partition_of
from services.executor.composition import keep_apart, open_worker
from services.executor.isolation_settings import isolation_from
from services.executor.settings import WorkerSettings

WORKER_ID = "bench"
WARM_UP_COUNT = 20
PUT_PER_S = 100
"""How often a second attempts arrive, when they come at a rate."""


def _task(number: int, tenant_id: str, job_type: JobType, config: JobConfig, now: datetime) -> Record:
    ids = RandomIds()
    task = TaskAssigned(
        tenant_id=tenant_id,
        execution_id=ids.new(),
        job_id=ids.new(),
        attempt=1,
        worker_id=WORKER_ID,
        scheduled_for=now,
        not_before=now,
        trigger_type=TriggerType.SCHEDULED,
        timeout_ms=30_000,
        job_name=f"bench {number}",
        job_type=job_type,
        config=config,
    )
    partition = partition_of(WORKER_ID, PARTITION_COUNT)
    return Record(TASKS.name, partition, number, b"", task.to_json(), headers_of(task, "bench", now), 0)


async def _run(log: MemoryLog, records: list[Record], rate: float) -> None:
    """Hand out the records, all at once or at a rate, and wait until all have ended."""
    wanted = log.ended_by.total() + len(records)
    size = max(1, int(rate / PUT_PER_S)) if rate else len(records)
    for first in range(0, len(records), size):
        log.put(records[first : first + size])
        if rate:
            await asyncio.sleep(size / rate)
    await log.ended(wanted)


def _started_cpu_ms() -> float:
    processes = snapshot()
    return sum(processes[pid].cpu_ms for pid in family(os.getpid(), processes)[1:])


async def measure(job_type: JobType, count: int, tenant_count: int, rate: float, url: str) -> str:
    """Run the attempts; a line with what they cost."""
    configs: dict[JobType, JobConfig] = {
        JobType.FUNCTION: FunctionConfig(module_path="bench.functions", function_name="nothing"),
        JobType.HTTP: HttpConfig(url=url, method="POST", body={"a": 1}),
        JobType.COMMAND: CommandConfig(command="/bin/true"),
    }
    log, clock, stop = MemoryLog(), SystemClock(), asyncio.Event()
    settings = WorkerSettings(
        WORKER_ID, prefetch=count, function_paths=(str(REPOSITORY),), http_allowed=networks(["127.0.0.0/8"])
    )
    isolation = isolation_from(os.environ, is_root=os.geteuid() == 0)
    apartness = await keep_apart(isolation, settings.function_paths, ())
    worker = asyncio.create_task(open_worker(log, clock, settings, apartness).run(stop))
    ids = RandomIds()
    tenants = [ids.new() for _ in range(tenant_count)]
    # As dispatchers hand them out: the tenants take turns.
    records = [
        _task(number, tenants[number % tenant_count], job_type, configs[job_type], clock.now())
        for number in range(WARM_UP_COUNT + count)
    ]
    await _run(log, records[:WARM_UP_COUNT], 0)
    own, started, begun = time.process_time(), _started_cpu_ms(), time.perf_counter()
    await _run(log, records[WARM_UP_COUNT:], rate)
    own, started = time.process_time() - own, _started_cpu_ms() - started
    wall = time.perf_counter() - begun
    stop.set()
    await worker
    return (
        f"{job_type}: {count} attempts of {tenant_count} tenants, {count / wall:.0f}/s in {log.append_count} appends; "
        f"CPU for each: worker "
        f"{own / count * 1000:.3f} ms, what it started {started / count:.3f} ms; ends {dict(log.ended_by)}"
    )


def main() -> None:
    """Measure the kinds that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.parts.executor", description=__doc__)
    parser.add_argument("types", nargs="*", type=JobType, default=list(JobType), help="function, http, command")
    parser.add_argument("--count", type=int, default=5000)
    parser.add_argument("--tenants", type=int, default=8, help="whose attempts these are, in turn")
    parser.add_argument("--rate", type=float, default=0.0, help="attempts a second; 0 for all at once")
    options = parser.parse_args()
    with sink() as url:
        for job_type in options.types:
            print(asyncio.run(measure(job_type, options.count, options.tenants, options.rate, url)), flush=True)


if __name__ == "__main__":
    main()

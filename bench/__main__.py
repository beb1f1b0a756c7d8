"""`python -m bench`: the whole system on the embedded log, one process tree, measured through the ledger.

Two loads, both of no-op functions: a herd (many jobs due in the same second) and a steady stream (many jobs firing
each second). Printed: how many executions, lost and doubled ones, start lateness in milliseconds, executions a
second, and CPU milliseconds for each execution over all processes, database included.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg

from horolog.adapters.servers import PrivatePostgres
from horolog.adapters.system import RandomIds, SystemClock
from horolog.cli.composition import Parts, open_log, run_dispatcher, run_executor, run_projections, run_ticker
from horolog.log.port import Outgoing
from horolog.runtime.settings import Settings, from_environment
from projections.migrate import migrate
from schemas.codec import headers_of
from schemas.commands import CreateJob
from schemas.jobs import FunctionConfig, JobDefinition, JobType
from schemas.topics import COMMANDS, partition_of

TENANTS = tuple(f"{n:08x}-0000-4000-8000-000000000000" for n in range(1, 9))
TICKS_MS = 1000 / os.sysconf("SC_CLK_TCK")
CHUNK = 500

_FIGURES = """
select count(*) filter (where status = 'completed') as completed, count(*) as rows,
    count(distinct (job_id, scheduled_at)) as instants,
    percentile_disc(array[0.5, 0.99, 1]) within group (
        order by extract(epoch from started_at - scheduled_at) * 1000
    ) filter (where started_at is not null) as late,
    extract(epoch from max(completed_at) - min(scheduled_at)) as span_s
from job_executions where scheduled_at >= $1 and scheduled_at < $2
"""


def cpu_ms() -> float:
    """CPU time of this process and all its descendants, dead or alive, in milliseconds."""
    spent = 0.0
    for pid in _family(os.getpid()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent += sum(int(value) for value in fields[11:15]) * TICKS_MS
    return spent


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from _family(int(child))


async def load_jobs(parts: Parts, count: int, cron: str, end: datetime) -> None:
    """Ask for `count` no-op function jobs, spread over eight tenants."""
    for begin in range(0, count, CHUNK):
        records = [_create(parts, n, cron, end) for n in range(begin, min(count, begin + CHUNK))]
        await parts.log.append(records)


def _create(parts: Parts, number: int, cron: str, end: datetime) -> Outgoing:
    tenant, now = TENANTS[number % len(TENANTS)], parts.clock.now()
    definition = JobDefinition(
        name=f"bench {number}",
        cron_expression=cron,
        job_type=JobType.FUNCTION,
        config=FunctionConfig(module_path="bench.functions", function_name="nothing"),
        end_date=end,
        max_concurrent=10,
    )
    command = CreateJob(
        tenant_id=tenant,
        command_id=parts.ids.new(),
        actor="system:bench",
        issued_at=now,
        job_id=parts.ids.new(),
        definition=definition,
    )
    partition = partition_of(tenant, parts.log.partition_count)
    headers = headers_of(command, "bench", now)
    return Outgoing(COMMANDS.name, partition, tenant.encode(), command.to_json(), headers)


async def measure(settings: Settings, jobs: int, seconds: int) -> str:
    """One load: `jobs` jobs firing in each of `seconds` seconds; a line with the figures."""
    assert settings.database_url is not None
    clock = SystemClock()
    log = await open_log(settings, clock)
    await log.create_topics()
    parts, stop = Parts(settings, log, clock, RandomIds()), asyncio.Event()
    runs = [run_ticker, run_dispatcher, run_projections, run_executor]
    tasks = [asyncio.create_task(run(parts, stop)) for run in runs]
    connection = await asyncpg.connect(settings.database_url)
    begin = (clock.now() + timedelta(seconds=6 + jobs / 1000)).replace(microsecond=0)
    end = begin + timedelta(seconds=seconds)
    expression = "* * * * * *" if seconds > 1 else f"{begin.second} {begin.minute} * * * *"
    await load_jobs(parts, jobs, expression, end)
    await clock.sleep((begin - clock.now()).total_seconds() - 1)
    before = cpu_ms()
    row = None
    async with asyncio.timeout(120):
        while row is None or row["completed"] < jobs * seconds:
            await clock.sleep(0.5)
            row = await connection.fetchrow(_FIGURES, begin, end)
    spent = cpu_ms() - before
    stop.set()
    await asyncio.gather(*tasks)
    await connection.close()
    await log.close()
    p50, p99, latest = (float(value) for value in row["late"])
    doubled = row["rows"] - row["instants"]
    return (
        f"{jobs:>6} jobs x {seconds:>3} s  completed {row['completed']:>7}  doubled {doubled}  "
        f"late p50 {p50:.0f} p99 {p99:.0f} max {latest:.0f} ms  "
        f"{row['completed'] / float(row['span_s']):.0f}/s  {spent / row['completed']:.2f} ms CPU each"
    )


def main() -> None:
    """Run the loads and print their lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=500, help="jobs of the steady stream")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--herd", type=int, default=5000, help="jobs due in one second")
    options = parser.parse_args()
    base = replace(from_environment(os.environ), kafka_bootstrap=None, redis_url=None, concurrent_count_max=1000)
    for jobs, seconds in ((options.jobs, options.seconds), (options.herd, 1)):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)
            with PrivatePostgres(Path(folder) / "postgres") as dsn:
                asyncio.run(migrate(dsn))
                settings = replace(base, home=Path(folder), database_url=dsn)
                print(asyncio.run(measure(settings, jobs, seconds)), flush=True)


if __name__ == "__main__":
    main()

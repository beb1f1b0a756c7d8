"""How fast a ledger in PostgreSQL is proved: `python -m bench.parts.verify_database [--rows 2000000] [--jobs 200]`.

A private server is filled with jobs and with the rows that the ticker's own evaluator names for them; then the proof
of `horolog verify ledger` reads it. One row is deleted, and must be named, by that proof and by one of its job alone.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from bench.parts.verify import EXPRESSIONS, START_S, TENANT, ZONES
from horolog.adapters.servers import PrivatePostgres
from horolog.domain.cron import fires_between_s, parse, zone
from horolog.verify import Window
from projections.connections import connect
from projections.migrate import migrate
from projections.verification import LedgerQuestion, verify_ledger
from schemas.jobs import CommandConfig, Job, JobDefinition, JobType

_START = datetime.fromtimestamp(START_S, UTC)
_NAMES = UUID(TENANT)
_JOB_COLUMNS = ("job_id", "version", "tenant_id", "valid_from", "change", "actor", "job")
_ROW_COLUMNS = (
    "id", "scheduled_at", "tenant_id", "job_id", "seq", "carried", "attempt", "created_at", "started_at", "status",
    "trigger_type",
)  # fmt: skip


def _job(number: int, end: datetime) -> Job:
    definition = JobDefinition(
        name=f"job {number}",
        cron_expression=EXPRESSIONS[number % len(EXPRESSIONS)],
        timezone=ZONES[number % len(ZONES)],
        job_type=JobType.COMMAND,
        config=CommandConfig(command="true"),
        end_date=end,
    )
    return Job(
        job_id=str(uuid5(_NAMES, str(number))), tenant_id=TENANT, definition=definition, effective_from=_START,
        created_by="bench", created_at=_START, updated_at=_START,
    )  # fmt: skip


def _rows(job_id: UUID, instants: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    for instant in instants:
        at = datetime.fromtimestamp(instant, UTC)
        before, after = at - timedelta(seconds=1), at + timedelta(milliseconds=10)
        key = uuid5(job_id, str(instant))
        yield key, at, _NAMES, job_id, 3, 3, 1, before, after, "completed", "scheduled"


async def _fill(connection: asyncpg.Connection, row_count: int, job_count: int) -> int:
    """Jobs and their rows; returns when the last of their instants is over, in epoch seconds."""
    latest = START_S
    share = row_count // job_count
    for number in range(job_count):
        spec, place = parse(EXPRESSIONS[number % len(EXPRESSIONS)]), zone(ZONES[number % len(ZONES)])
        instants = fires_between_s(spec, place, START_S, START_S + 10**10, share)
        job = _job(number, datetime.fromtimestamp(instants[-1], UTC))
        version = (UUID(job.job_id), 1, _NAMES, _START, "created", "bench", job.to_json().decode())
        await connection.copy_records_to_table("job_versions", records=[version], columns=_JOB_COLUMNS)
        rows = _rows(UUID(job.job_id), instants)
        await connection.copy_records_to_table("job_executions", records=rows, columns=_ROW_COLUMNS)
        latest = max(latest, instants[-1] + 1)
    await connection.execute("vacuum analyze job_executions")
    return latest


async def _prove(connection: asyncpg.Connection, end_s: int, gone: tuple[str, float], job_id: str | None) -> None:
    """Prove it, check what was found, print the figures."""
    question = LedgerQuestion(Window(START_S, end_s, end_s, end_s + 600.0), job_id=job_id)
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    report = await verify_ledger(connection, question)
    taken_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    assert [(one.job_id, one.first_s, one.kind) for one in report.findings] == [(*gone, "missing")], report.findings
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{report.row_count} rows of {report.job_count} jobs in {taken_s:.1f} s: {report.row_count / taken_s:,.0f} "
        f"rows/s, {cpu_s:.1f} s of CPU here, {memory_mb:.0f} MiB at most; the deleted row is named",
        flush=True,
    )


async def _measure(dsn: str, row_count: int, job_count: int) -> None:
    await migrate(dsn)
    connection = await connect(dsn, "bench")
    try:
        began_s = time.perf_counter()
        end_s = await _fill(connection, row_count, job_count)
        print(f"filled in {time.perf_counter() - began_s:.0f} s", flush=True)
        victim = uuid5(_NAMES, str(job_count // 2))
        deleted = await connection.fetchval(
            """delete from job_executions where job_id = $1 and scheduled_at = (
                select scheduled_at from job_executions where job_id = $1 order by scheduled_at offset $2 limit 1
            ) returning date_part('epoch', scheduled_at)""",
            victim, row_count // job_count // 2,
        )  # fmt: skip
        gone = (str(victim), deleted)
        await _prove(connection, end_s, gone, None)
        await _prove(connection, end_s, gone, str(victim))
    finally:
        await connection.close()


def main() -> None:
    """Fill a ledger, prove it, print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=2_000_000)
    options.add_argument("--jobs", type=int, default=200)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="horolog-bench-") as folder, PrivatePostgres(Path(folder)) as dsn:
        asyncio.run(_measure(dsn, given.rows, given.jobs))


if __name__ == "__main__":
    main()

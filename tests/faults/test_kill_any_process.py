"""`kill -9` of any one process, on real Kafka and PostgreSQL: nothing lost, nothing doubled."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from horolog.adapters.system import SystemClock
from horolog.domain.command_seals import CommandKey
from horolog.log.kafka import KafkaLog, KafkaSettings
from horolog.log.port import Outgoing
from schemas.codec import headers_of
from schemas.commands import CreateJob
from schemas.jobs import CommandConfig, JobDefinition, JobType
from schemas.topics import COMMANDS, partition_of
from tests.faults.deployment import COMMAND_KEY, TENANT, deployed

JOB_COUNT = 5
DEADLINE_S = 60
POLL_S = 0.2
BETWEEN_KILLS = timedelta(seconds=4)
VICTIMS = ("dispatcher", "ticker", "executor", "projections")


async def create_jobs(bootstrap: str, prefix: str) -> None:
    settings = KafkaSettings(bootstrap_servers=bootstrap, prefix=prefix, partition_count=4)
    log = await KafkaLog.open(settings)
    now = SystemClock().now()
    definition = JobDefinition(
        name="each second",
        cron_expression="* * * * * *",
        job_type=JobType.COMMAND,
        config=CommandConfig(command="/bin/true"),
        max_concurrent=100,
    )
    records: list[Outgoing] = []
    for _ in range(JOB_COUNT):
        command = CreateJob(
            tenant_id=TENANT,
            command_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{prefix}{len(records)}")),
            actor="system:test",
            issued_at=now,
            job_id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{prefix}{len(records)}")),
            definition=definition,
        )
        partition, value = partition_of(TENANT, 4), command.to_json()
        headers = (*headers_of(command, "test", now), CommandKey(COMMAND_KEY.encode()).seal(command.TYPE, value))
        records.append(Outgoing(COMMANDS.name, partition, TENANT.encode(), value, headers))
    await log.append(records)
    await log.close()


async def completed_until(connection: asyncpg.Connection, instant: datetime, after: str) -> None:
    """Wait until every job has an ended row for the instant."""
    query = "select count(*) from job_executions where scheduled_at = $1 and status not in ('pending', 'running')"
    try:
        async with asyncio.timeout(DEADLINE_S):
            while await connection.fetchval(query, instant) < JOB_COUNT:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pytest.fail(f"after {after}, not every job has ended at {instant}: {await state(connection, instant)}")


async def in_force(connection: asyncpg.Connection) -> datetime:
    """Wait until an owner has created every job; an instant from which on all of them owe fires."""
    async with asyncio.timeout(DEADLINE_S):
        while await connection.fetchval("select count(*) from scheduled_jobs") < JOB_COUNT:
            await asyncio.sleep(POLL_S)
    return SystemClock().now().replace(microsecond=0) + timedelta(seconds=1)


async def state(connection: asyncpg.Connection, instant: datetime) -> str:
    """What the read models say around the instant, to explain a failure."""
    query = """select scheduled_at, status, count(*) from job_executions where scheduled_at >= $1
    group by 1, 2 order by 1, 2"""
    rows = await connection.fetch(query, instant - BETWEEN_KILLS)
    ledger = [f"{row['scheduled_at']:%H:%M:%S} {row['status']} {row['count']}" for row in rows]
    query = "select role, partition, owner, epoch, last_checkpoint_at, watermark from partition_owners order by 1, 2"
    owners = await connection.fetch(query)
    return f"at {SystemClock().now()}: ledger {ledger}, owners {[tuple(row.values()) for row in owners]}"


async def all_ended(connection: asyncpg.Connection, begin: datetime, end: datetime) -> None:
    """Wait until what was lost with a worker has been handed out again and has ended."""
    query = """select count(*) from job_executions
    where scheduled_at between $1 and $2 and status in ('pending', 'running')"""
    async with asyncio.timeout(DEADLINE_S):
        while await connection.fetchval(query, begin, end):
            await asyncio.sleep(POLL_S)


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_killing_any_one_process_loses_and_doubles_nothing(
    kafka_bootstrap: str, migrated_database: str, tmp_path: Path
) -> None:
    prefix = f"faults-{tmp_path.name}."
    connection = await asyncpg.connect(migrated_database)
    with deployed(kafka_bootstrap, migrated_database, prefix, tmp_path) as deployment:
        await create_jobs(kafka_bootstrap, prefix)
        begin = await in_force(connection)
        await completed_until(connection, begin, "the start")
        for victim in VICTIMS:
            deployment.kill(victim)
            instant = SystemClock().now().replace(microsecond=0) + BETWEEN_KILLS
            await completed_until(connection, instant, f"the death of a process of the role {victim}")
        end = SystemClock().now().astimezone(UTC).replace(microsecond=0)
        await completed_until(connection, end, "all deaths")
        await all_ended(connection, begin, end)
        rows = await connection.fetch(
            "select job_id, scheduled_at, status from job_executions where scheduled_at between $1 and $2", begin, end
        )
    await connection.close()
    owed = JOB_COUNT * (int((end - begin).total_seconds()) + 1)
    assert len({(row["job_id"], row["scheduled_at"]) for row in rows}) == owed, "lost"
    assert len(rows) == owed, "doubled"
    assert {row["status"] for row in rows} == {"completed"}

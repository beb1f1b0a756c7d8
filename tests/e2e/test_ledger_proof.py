"""The ledger that the whole system writes stands the proof; every fault planted into it is named."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from horolog.adapters.system import SystemClock
from horolog.verify import Kind, Report, Window
from projections.connections import connect
from projections.verification import LedgerQuestion, verify_ledger
from tests.e2e.system import DEADLINE_S, PAUSE_S, PREFIX, TENANT, System, command_job, job, running
from tests.plugins.servers import with_database

EVERY_SECOND = "* * * * * *"
HOUR_S = 3600
THIRD = "(select id from job_executions where job_id = '{steady}' order by scheduled_at offset 2 limit 1)"
COPIED = "tenant_id, job_id, seq, carried, created_at, status, trigger_type, attempt, started_at"
COPY = """insert into job_executions (id, scheduled_at, {copied})
select gen_random_uuid(), {at}, {copied} from job_executions where id = {third}"""
FAULTS = {
    "deleted row": ("delete from job_executions where id = {third}", Kind.MISSING),
    "second row": (COPY.replace("{at}", "scheduled_at"), Kind.DOUBLE),
    "early start": (
        "update job_executions set started_at = scheduled_at - interval '1 us' where id = {third}",
        Kind.EARLY,
    ),
    "wrong status": ("update job_executions set status = 'skipped' where id = {third}", Kind.UNEXPLAINED),
    "wrong reason": (
        "update job_executions set reason = 'misfire' where job_id = '{slow}' and status = 'skipped'",
        Kind.UNEXPLAINED,
    ),
    "phantom": (COPY.replace("{at}", "scheduled_at - interval '500 ms'"), Kind.UNEXPLAINED),
    "endless run": ("update job_executions set status = 'running' where id = {third}", Kind.UNENDED),
}
RANGE = """with gone as (
    delete from job_executions where id in (
        select id from job_executions where job_id = '{steady}' order by scheduled_at offset 2 limit 3
    ) returning *
)
insert into job_executions (id, scheduled_at, tenant_id, job_id, seq, carried, created_at, status, trigger_type, reason,
    missed_until, missed_count)
select gen_random_uuid(), min(scheduled_at), '{tenant}', '{steady}', 1, 1,
    max(scheduled_at) + interval '{late_s} s', 'missed', 'scheduled', 'misfire', max(scheduled_at), {count} from gone"""


@dataclass(frozen=True, slots=True)
class Run:
    """What the system was asked to do, and when."""

    window: Window
    jobs: dict[str, str]

    def sql(self, text: str, **names: Any) -> str:
        third = THIRD.format(**self.jobs)
        return text.format(**{"third": third, "copied": COPIED, "tenant": TENANT, **self.jobs, **names})


async def act(system: System) -> dict[str, str]:
    """Let jobs of every fate run for some seconds; returns their ids."""
    bodies = {
        "steady": job(cronExpression=EVERY_SECOND, maxConcurrent=5),
        "slow": command_job("sleep 2.5", cronExpression=EVERY_SECOND),
        "paused": job(cronExpression=EVERY_SECOND),
        "changed": job(cronExpression=EVERY_SECOND),
        "limited": job(cronExpression=EVERY_SECOND, maxExecutions=2),
        "deleted": job(cronExpression="*/2 * * * * *"),
        "failing": command_job("exit 1", cronExpression="*/2 * * * * *", retryConfig={"maxRetries": 1}),
    }
    ids = {}
    for name, body in bodies.items():
        answer = await system.client.post(f"{PREFIX}/jobs", json={**body, "name": name})
        ids[name] = answer.json()["id"]
    await completed(system, ids["steady"], 3)
    await system.client.post(f"{PREFIX}/jobs/{ids['paused']}/pause")
    await system.client.put(f"{PREFIX}/jobs/{ids['changed']}", json=job(cronExpression="*/2 * * * * *"))
    await system.client.delete(f"{PREFIX}/jobs/{ids['deleted']}")
    await completed(system, ids["steady"], 5)
    await system.client.post(f"{PREFIX}/jobs/{ids['paused']}/resume")
    await completed(system, ids["steady"], 8)
    return ids


async def completed(system: System, job_id: str, count: int) -> None:
    path = f"/jobs/{job_id}/executions?status=completed"
    await system.eventually(path, lambda page: len(page["items"]) >= count)


async def proof(dsn: str, window: Window) -> Report:
    connection = await connect(dsn, "test")
    try:
        return await verify_ledger(connection, LedgerQuestion(window))
    finally:
        await connection.close()


async def clean_at_last(dsn: str, window: Window) -> Report:
    """The report, once all that was due in the window has reached the ledger."""
    async with asyncio.timeout(DEADLINE_S):
        while not (report := await proof(dsn, window)).is_clean:
            await asyncio.sleep(PAUSE_S)
    return report


@asynccontextmanager
async def copied(server: str, dsn: str) -> AsyncIterator[str]:
    """A copy of the database, dropped afterwards."""
    name = dsn.partition("?")[0].rpartition("/")[2]
    connection = await asyncpg.connect(server)
    try:
        await connection.execute(f'create database "{name}_copy" template "{name}"')
        try:
            yield with_database(server, f"{name}_copy")
        finally:
            await connection.execute(f'drop database "{name}_copy" with (force)')
    finally:
        await connection.close()


async def planted(server: str, dsn: str, sql: str, window: Window) -> Report:
    """The report on a copy with this fault."""
    async with copied(server, dsn) as copy:
        connection = await connect(copy, "test")
        try:
            # A second row of an instant is refused before it could be found.
            await connection.execute("drop index job_executions_instant")
            assert await connection.execute(sql) not in ("DELETE 0", "UPDATE 0", "INSERT 0 0")
        finally:
            await connection.close()
        return await proof(copy, window)


async def lived(dsn: str) -> Run:
    """A run of the whole system; its ledger is clean."""
    begin_s = int(SystemClock().now().timestamp())
    async with running(dsn) as system:
        jobs = await act(system)
        end_s = int(SystemClock().now().timestamp())
        report = await clean_at_last(dsn, Window(begin_s, end_s, end_s, float(end_s)))
        assert report.job_count == len(jobs)
        assert report.owed_count > 20
        answer = await system.client.get(f"{PREFIX}/ledger/verify")
        assert answer.status_code == 200, answer.text
        assert answer.json()["jobCount"] == len(jobs)
        strangers = await system.other.get(f"{PREFIX}/ledger/verify")
        assert strangers.json()["jobCount"] == 0
    return Run(Window(begin_s, end_s, end_s, float(end_s + HOUR_S)), jobs)


@pytest.mark.timeout(180)
async def test_real_ledger_is_clean_and_every_planted_fault_is_named(postgres_dsn: str, migrated_database: str) -> None:
    run = await lived(migrated_database)
    before = await proof(migrated_database, run.window)
    assert before.counts.keys() <= {Kind.UNENDED}, "only what the stop has cut off"
    for name, (sql, kind) in FAULTS.items():
        report = await planted(postgres_dsn, migrated_database, run.sql(sql), run.window)
        news = [one for one in report.findings if one not in before.findings]
        assert news, name
        assert {one.kind for one in news} == {kind}, name
        assert {one.job_id for one in news} <= {run.jobs["steady"], run.jobs["slow"]}, name
    right = await planted(postgres_dsn, migrated_database, run.sql(RANGE, count=3, late_s=61), run.window)
    assert right.counts == before.counts
    hasty = await planted(postgres_dsn, migrated_database, run.sql(RANGE, count=3, late_s=-1), run.window)
    assert [one.kind for one in hasty.findings if one not in before.findings] == [Kind.EARLY]
    wrong = await planted(postgres_dsn, migrated_database, run.sql(RANGE, count=2, late_s=61), run.window)
    (finding,) = [one for one in wrong.findings if one not in before.findings]
    assert finding.text == "2 instants are told to be missed, but 3 were owed in the range"

"""The SDK against a running system: from nothing to a scheduled function, and all that a client can ask for."""

import asyncio
import os
import sys
from datetime import UTC

import pytest

from horolog.adapters.system import RandomIds, SystemClock
from horolog.client import (
    AsyncClient,
    Event,
    EventConsumer,
    EventProducer,
    ExecutionFilter,
    JobFilter,
    JobNotFound,
    Sender,
    VersionConflict,
    command_job,
    definition_of,
    function_job,
    output_of,
)
from schemas.commands import TriggerJob
from schemas.events.executions import ExecutionCompleted, ExecutionStatus
from schemas.jobs import JobStatus
from schemas.topics import EXECUTIONS
from tests.documents.blocks import block
from tests.e2e.system import DEADLINE_S, TENANT, TOKEN, System, running
from tests.tidy.tree import ROOT

NEVER = "0 0 0 1 1 *"
SAMPLE = "tests.integration.executor.sample_worker"


def client_of(system: System) -> AsyncClient:
    """A client with the first tenant's token."""
    return AsyncClient(str(system.client.base_url), TOKEN)


async def printed_by(system: System, module: str) -> str:
    """What a program prints that finds the system by its environment."""
    environment = {**os.environ, "HOROLOG_URL": str(system.client.base_url), "HOROLOG_TOKEN": TOKEN}
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, env=environment, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(program.communicate(), DEADLINE_S)
    assert program.returncode == 0
    return output.decode()


def test_the_lines_of_the_readme_are_those_of_the_example_and_ten_at_most() -> None:
    shown = block("README.md", "python").text
    example = (ROOT / "examples" / "month_end.py").read_text(encoding="utf-8").rpartition('"""')[2]
    lines = [line for line in example.splitlines() if line]
    assert [line for line in shown.splitlines() if line] == lines
    assert len(lines) <= 10


async def test_ten_lines_lead_from_nothing_to_a_scheduled_function(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        system.host("examples.month_end")
        assert "02:00:00" in await printed_by(system, "examples.month_end")
        assert "completed closed us" in await printed_by(system, "examples.run_now")
        assert (await printed_by(system, "examples.next_fires")).startswith("month end ")
        [job] = [job async for job in horolog.list_jobs(JobFilter(named="month end"))]
        ended = await horolog.wait_for_execution((await horolog.trigger_job(job.id)).id, timeout_s=DEADLINE_S)
        assert (ended.status, ended.result) == (ExecutionStatus.COMPLETED, "closed eu")


async def test_a_registered_function_waits_for_its_worker_and_knows_who_it_is(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        job = await horolog.create_job(function_job("end", NEVER, "billing.close_month", {"region": "eu"}))
        execution = await horolog.trigger_job(job.id)
        # The worker that is there could import nothing of that name; it is not even asked.
        assert execution.status is ExecutionStatus.PENDING
        system.host(SAMPLE)
        ended = await horolog.wait_for_execution(execution.id, timeout_s=DEADLINE_S)
        assert (ended.status, ended.result, ended.attempt) == ("completed", ["eu", execution.id], 1)
        assert output_of(ended).stderr == "INFO closing eu\n"


async def test_a_function_hears_that_it_was_cancelled(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        system.host(SAMPLE)
        job = await horolog.create_job(function_job("patient", NEVER, "billing.patient"))
        execution = await horolog.trigger_job(job.id)
        await system.eventually(f"/executions/{execution.id}", lambda e: e["progress"] == 1)
        await horolog.cancel_execution(execution.id, reason="enough")
        ended = await horolog.wait_for_execution(execution.id, timeout_s=DEADLINE_S)
        assert (ended.status, ended.reason) == ("cancelled", "requested")


async def test_a_job_is_changed_only_from_the_version_that_was_seen(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        job = await horolog.create_job(command_job("disk", NEVER, "/bin/sh", "-c", "echo a; echo b >&2"), key="once")
        assert (
            await horolog.create_job(command_job("disk", NEVER, "/bin/sh", "-c", "echo a; echo b >&2"), key="once")
        ) == job
        changed = await horolog.update_job(job.id, {**definition_of(job), "priority": 5}, version=job.version)
        assert (changed.priority, changed.version) == (5, job.version + 1)
        with pytest.raises(VersionConflict):
            await horolog.update_job(job.id, definition_of(job), version=job.version)
        assert [version.version async for version in horolog.list_versions(job.id)] == [2, 1]
        assert (await horolog.roll_back_job(job.id, 1)).priority == 0
        fires = await horolog.preview_fires(job.id, limit=2)
        assert [fire.at.astimezone(UTC).month for fire in fires.items] == [1, 1]


async def test_a_job_is_paused_run_and_deleted(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        job = await horolog.create_job(command_job("disk", NEVER, "/bin/sh", "-c", "echo a; echo b >&2"))
        assert (await horolog.pause_job(job.id, reason="why not")).status is JobStatus.PAUSED
        assert (await horolog.preview_resume(job.id)).status is JobStatus.PAUSED
        assert (await horolog.resume_job(job.id)).status is JobStatus.ACTIVE
        execution = await horolog.trigger_job(job.id)
        await horolog.wait_for_execution(execution.id, timeout_s=DEADLINE_S)
        output = await horolog.execution_output(execution.id)
        assert (output.stdout, output.stderr) == ("a\n", "b\n")
        listed = [one.id async for one in horolog.list_executions(ExecutionFilter(job.id), limit=5)]
        assert listed == [execution.id]
        assert (await horolog.execution_statistics(job_id=job.id)).total == 1
        assert (await horolog.get_status()).partition_count > 0
        await horolog.delete_job(job.id)
        with pytest.raises(JobNotFound):
            await horolog.get_job(job.id)


async def test_a_command_from_a_topic_is_carried_out_and_its_events_can_be_followed(migrated_database: str) -> None:
    async with running(migrated_database) as system, client_of(system) as horolog:
        producer = EventProducer(system.log, Sender(TENANT, "service:billing"), SystemClock(), RandomIds())
        consumer = EventConsumer(system.log, [EXECUTIONS], tenant_id=TENANT)
        _, job_id = await producer.create_job(command_job("disk", NEVER, "/bin/sh", "-c", "echo a"))
        await producer.send(TriggerJob, job_id=job_id, reason="a topic said so")
        completed = await asyncio.wait_for(_completed(consumer), DEADLINE_S)
        assert (completed.job_id, completed.result) == (job_id, {"stdout": "a\n", "stderr": "", "exitCode": 0})
        await system.eventually(f"/executions/{completed.execution_id}", lambda e: e["status"] == "completed")
        job = await horolog.get_job(job_id)
        assert (job.name, job.created_by) == ("disk", "service:billing")


async def _completed(consumer: EventConsumer) -> ExecutionCompleted:
    async for event in consumer.events():
        if isinstance(event, Event) and isinstance(event.message, ExecutionCompleted):
            return event.message
    raise AssertionError("there is no end to what is followed")

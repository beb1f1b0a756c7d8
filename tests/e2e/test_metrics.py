"""The figures of a whole system, from a schedule's instant to the end of its run."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from horolog.log.port import Outgoing
from horolog.runtime.metrics import Metrics
from schemas.codec import headers_of
from schemas.events.executions import ExecutionAdmitted, TriggerType
from schemas.jobs import JobType
from schemas.topics import EXECUTIONS, partition_of
from tests.e2e.system import DEADLINE_S, PAUSE_S, PREFIX, TENANT, System, job, running

EMITTED = "scheduler_fire_emitted_lateness_seconds_count"
DISPATCH = "scheduler_execution_dispatch_lateness_seconds_count"
START = "scheduler_execution_start_lateness_seconds_count"
DURATION = "scheduler_execution_duration_seconds_count"
INSTANT = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = ("scheduler_executions_total", "scheduler_job_executions_total")


def values(metrics: Metrics, *names: str) -> dict[str, float]:
    """The sum over all labels of each of these samples."""
    families = text_string_to_metric_families(metrics.render().decode())
    samples = [sample for family in families for sample in family.samples if sample.name in names]
    return {name: sum(sample.value for sample in samples if sample.name == name) for name in names}


def count(page: Any, *statuses: str) -> int:
    """How many executions of the page have one of these statuses."""
    return sum(item["status"] in statuses for item in page["items"])


async def test_every_completed_fire_has_its_lateness_its_duration_and_its_end(migrated_database: str) -> None:
    async with running(migrated_database) as system:
        made = await system.client.post(f"{PREFIX}/jobs", json=job(cronExpression="* * * * * *"))
        path = f"/jobs/{made.json()['id']}/executions"
        await system.eventually(path, lambda page: count(page, "completed") >= 3)
        await system.client.post(f"{PREFIX}/jobs/{made.json()['id']}/pause")
        done = await system.eventually(path, lambda page: count(page, "pending", "running") == 0)
        ran = count(done, "completed")
        async with asyncio.timeout(DEADLINE_S):
            while values(system.metrics, START)[START] < ran:
                await asyncio.sleep(PAUSE_S)
        shown = values(system.metrics, START, DURATION, DISPATCH, EMITTED, *ENDS)
        assert shown[START] == shown[DURATION] == ran >= 3
        assert shown[DISPATCH] >= ran
        assert [shown[name] for name in ENDS] == [len(done["items"])] * 2
        assert shown[EMITTED] >= len(done["items"])
        served = system.metrics.render().decode()
    assert f'{{job_type="function",status="completed",tenant_id="{TENANT}"}} {ran}.0' in served
    assert 'scheduler_operations_total{method="POST",route="/api/v1/scheduler/jobs",status="201"} 1.0' in served
    # While it started, its health was asked for, and answered with 503.
    assert 'scheduler_operations_total{method="GET",route="/health",status="503"}' in served
    assert 'scheduler_errors_total{role="api"} 0.0' in served
    assert 'scheduler_errors_total{role="projections"} 0.0' in served


async def test_second_row_of_an_instant_is_counted_as_a_violation_of_the_ledger(migrated_database: str) -> None:
    violations = "scheduler_ledger_violations_total"
    async with running(migrated_database) as system:
        for number in (1, 2):
            await plant(system, f"{number:08x}-0000-5000-8000-000000000000")
        async with asyncio.timeout(DEADLINE_S):
            while values(system.metrics, violations)[violations] < 1:
                await asyncio.sleep(PAUSE_S)
        assert f'{violations}{{kind="instant"}} 1.0' in system.metrics.render().decode()


async def plant(system: System, execution_id: str) -> None:
    """Write of an execution that no dispatcher has admitted, always of the same instant."""
    admitted = ExecutionAdmitted(
        tenant_id=TENANT,
        execution_id=execution_id,
        job_id="0000000a-0000-4000-8000-000000000000",
        scheduled_for=INSTANT,
        seq=1,
        at=INSTANT,
        job_version=1,
        job_type=JobType.FUNCTION,
        trigger_type=TriggerType.SCHEDULED,
    )
    place = (EXECUTIONS.name, partition_of(TENANT, system.log.partition_count))
    headers = headers_of(admitted, "test", INSTANT)
    await system.log.append([Outgoing(*place, execution_id.encode(), admitted.to_json(), headers)])

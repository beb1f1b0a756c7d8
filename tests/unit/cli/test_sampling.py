"""What the API samples is shown while the database answers, and not when it does not."""

import asyncio
from collections.abc import Mapping

import pytest

from horolog.cli.sampling import sample, sample_once
from horolog.runtime.metrics import Metrics
from projections.views import QueueView, ReadModelUnavailable

DEADLINE_S = 30.0


class Sampled:
    """Read models of so many jobs and waiting executions; or a fault."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.asked = asyncio.Event()

    async def job_counts(self, tenant_id: str | None) -> Mapping[str, int]:
        assert tenant_id is None
        return {"active": 2}

    async def queue(self, tenant_id: str | None) -> QueueView:
        self.asked.set()
        if self.fault is not None:
            raise self.fault
        return QueueView(pending_count=5, running_count=1, delayed_count=3, oldest_pending_at=None)


def shown(metrics: Metrics) -> list[str]:
    lines = metrics.render().decode().splitlines()
    return [line for line in lines if line.startswith(("scheduler_queue", "scheduler_active_jobs"))]


async def test_jobs_and_queue_of_all_tenants_are_shown() -> None:
    metrics = Metrics()
    await sample_once(Sampled(), metrics)
    assert shown(metrics) == [
        "scheduler_active_jobs 2.0",
        'scheduler_queue_size{queue_name="executions"} 5.0',
        'scheduler_queue_size{queue_name="retries"} 3.0',
        "scheduler_queue_length 5.0",
    ]


@pytest.mark.parametrize("fault", [ReadModelUnavailable("away"), ZeroDivisionError("a defect")])
async def test_old_figures_are_not_shown_for_new_ones(fault: Exception) -> None:
    metrics = Metrics()
    await sample_once(Sampled(), metrics)
    await sample_once(Sampled(fault), metrics)
    assert shown(metrics) == []


async def test_sampling_begins_at_once_and_ends_when_told_to() -> None:
    stop, sampled, metrics = asyncio.Event(), Sampled(), Metrics()
    sampling = asyncio.create_task(sample(sampled, metrics, stop))
    async with asyncio.timeout(DEADLINE_S):
        await sampled.asked.wait()
        stop.set()
        await sampling
    assert shown(metrics)

"""Figures that take a query: how many jobs there are and how many executions wait, sampled by every API process.

Guarantee: at most one query at a time and one round an interval; while the database does not answer, no figure is
shown rather than an old one. All API processes sample the same, so that the largest of their figures is the figure.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Protocol

from horolog.limits import METRICS_SAMPLE_INTERVAL_S
from horolog.runtime.metrics import Metrics
from projections.views import QueueView, ReadModelUnavailable

_logger = logging.getLogger(__name__)


class Sampled(Protocol):
    """What is asked; `projections.views.ReadModel` has it."""

    async def job_counts(self, tenant_id: str | None) -> Mapping[str, int]: ...

    async def queue(self, tenant_id: str | None) -> QueueView: ...


async def sample(read_model: Sampled, metrics: Metrics, stop: asyncio.Event) -> None:
    """Sample until stopped."""
    while not stop.is_set():
        await sample_once(read_model, metrics)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait((waiting,), timeout=METRICS_SAMPLE_INTERVAL_S)
        waiting.cancel()


async def sample_once(read_model: Sampled, metrics: Metrics) -> None:
    """Take one sample."""
    try:
        jobs, queue = await read_model.job_counts(None), await read_model.queue(None)
    except ReadModelUnavailable:
        metrics.forget_samples()
        return
    except Exception:
        _logger.exception("the figures of jobs and queue could not be sampled")
        metrics.forget_samples()
        return
    metrics.set_jobs(jobs)
    metrics.set_queue(queue.pending_count, queue.delayed_count)

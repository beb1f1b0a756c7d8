"""The public routes about the tenant's figures and queues, and the workers; `status_routes` has the rest."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic.alias_generators import to_camel
from starlette.responses import Response

from horolog.limits import LEASE_S
from schemas.http import MetricsResponse, QueuesResponse, WorkersResponse
from services.api.answers import Answer
from services.api.context import Api, SystemReader
from services.api.documents import errors
from services.api.queries import MetricsQuery, time_range
from services.api.requests import PREFIX

router = APIRouter(prefix=PREFIX, tags=["scheduler"])
_LISTED_FOR = timedelta(hours=1)


@router.get("/metrics", responses=errors(MetricsResponse))
async def get_metrics(api: Api, caller: SystemReader, query: Annotated[MetricsQuery, Query()]) -> Response:
    """The tenant's figures over a time range (the last 24 hours unless told); times in milliseconds."""
    now = api.ports.clock.now()
    start, end = time_range(query.start, query.end, now)
    counted = await api.read_model.statistics(caller.tenant_id, None, start, end)
    jobs = await api.read_model.job_counts(caller.tenant_id)
    queue = await api.read_model.queue(caller.tenant_id)
    workers = await api.read_model.workers(now - timedelta(seconds=LEASE_S))
    statuses = counted.by_status
    ran = sum(statuses.get(status, 0) for status in ("completed", "failed", "cancelled"))
    body = {
        "totalJobs": sum(jobs.values()),
        "activeJobs": jobs.get("active", 0),
        "pausedJobs": jobs.get("paused", 0),
        "totalExecutions": counted.total,
        "successfulExecutions": statuses.get("completed", 0),
        "failedExecutions": statuses.get("failed", 0),
        "cancelledExecutions": statuses.get("cancelled", 0),
        "averageExecutionTime": counted.average_duration_ms or 0.0,
        "queueLength": queue.pending_count,
        "activeWorkers": sum(1 for worker in workers if worker.state == "ready"),
        "errorRate": statuses.get("failed", 0) / ran if ran else 0.0,
        "timeoutRate": counted.timeout_count / ran if ran else 0.0,
        "retryRate": counted.retried_count / ran if ran else 0.0,
    }
    return Answer(body)


@router.get("/queues", responses=errors(QueuesResponse))
async def get_queues(api: Api, caller: SystemReader) -> Response:
    """What of the tenant's waits and runs."""
    queue, now = await api.read_model.queue(caller.tenant_id), api.ports.clock.now()
    oldest = queue.oldest_pending_at
    body = {
        "queueName": "executions",
        **{to_camel(name): value for name, value in asdict(queue).items()},
        "oldestPendingAgeSeconds": None if oldest is None else max(0.0, (now - oldest).total_seconds()),
    }
    return Answer({"queues": [body]})


@router.get("/workers", responses=errors(WorkersResponse))
async def get_workers(api: Api, caller: SystemReader) -> Response:
    """The workers heard of within the last hour."""
    now = api.ports.clock.now()
    workers = await api.read_model.workers(now - _LISTED_FOR)
    alive = now - timedelta(seconds=LEASE_S)
    bodies = [
        {
            **{to_camel(name): value for name, value in asdict(worker).items()},
            "live": worker.last_beat_at > alive and worker.state != "stopped",
        }
        for worker in workers
    ]
    return Answer({"workers": bodies})

"""Rows of the read models in the shapes that callers get."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from pydantic.alias_generators import to_camel

from projections.views import ExecutionView, JobView
from schemas.jobs import JobDefinition
from services.api.schedules import next_execution

_DEFAULTS: Mapping[str, Any] = {
    to_camel(name): list(field.default) if isinstance(field.default, tuple) else field.default
    for name, field in JobDefinition.model_fields.items()
    if not field.is_required()
}
_ONLY_IN_FULL = ("result", "metadata", "errorStack")


def job_body(job: JobView, now: datetime) -> dict[str, Any]:
    """A job, with its next instant as of `now`."""
    return {
        "id": job.id,
        **_DEFAULTS,
        **job.definition,
        "status": job.status,
        "nextExecutionAt": next_execution(job, now),
        "lastExecutionAt": job.last_execution_at,
        "executionCount": job.execution_count,
        "version": job.version,
        "createdBy": job.created_by,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
    }


def execution_body(execution: ExecutionView) -> dict[str, Any]:
    """An execution with all that is known of it."""
    body = {to_camel(name): value for name, value in asdict(execution).items() if name != "tenant_id"}
    return {"id": execution.execution_id, **body}


def execution_summary(execution: ExecutionView) -> dict[str, Any]:
    """An execution as it stands in lists: without what may be large."""
    body = execution_body(execution)
    for name in _ONLY_IN_FULL:
        del body[name]
    return body

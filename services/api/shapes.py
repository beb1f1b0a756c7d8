"""Rows of the read models in the shapes that callers get."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from pydantic.alias_generators import to_camel
from pydantic_core import to_jsonable_python

from projections.views import ExecutionView, JobView
from schemas.jobs import JobDefinition
from services.api.masking import masked_definition
from services.api.schedules import next_execution

_DEFAULTS: Mapping[str, Any] = {
    to_camel(name): to_jsonable_python(field.default)
    for name, field in JobDefinition.model_fields.items()
    if not field.is_required()
}
_MILLISECOND = timedelta(milliseconds=1)
_ONLY_IN_FULL = frozenset({"result", "metadata", "error_stack"})
_SUMMARY = tuple(
    field.name for field in fields(ExecutionView) if field.name != "tenant_id" and field.name not in _ONLY_IN_FULL
)
_SUMMARY_NAMES = tuple(map(to_camel, _SUMMARY))
# Named once: a page of executions would otherwise spend most of its time on turning the names of its fields.
_summary_of = attrgetter(*_SUMMARY)


def job_body(job: JobView, now: datetime, is_erased: bool = False) -> dict[str, Any]:
    """A job, with its next instant as of `now` and its secrets masked; `is_erased` says that their key is gone."""
    return {
        "id": job.id,
        **_DEFAULTS,
        **masked_definition(job.definition, is_erased),
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
    return {
        **execution_summary(execution),
        "result": execution.result,
        "metadata": execution.metadata,
        "errorStack": execution.error_stack,
    }


def execution_summary(execution: ExecutionView) -> dict[str, Any]:
    """An execution as it stands in lists: without what may be large."""
    started_at = execution.started_at
    return {
        "id": execution.execution_id,
        **dict(zip(_SUMMARY_NAMES, _summary_of(execution), strict=True)),
        "lateBy": None if started_at is None else (started_at - execution.scheduled_at) // _MILLISECOND,
    }

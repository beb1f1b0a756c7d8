"""Permissions that depend on what is asked for, besides the one that each route declares.

Guarantee: a definition that has a program or a function run is taken only from who may create such jobs, by whichever
route it comes, and also where it is an earlier one of the same job. What a run has put out is told only to who may read
outputs; while nobody can tell whether that is so, it is not told.
"""

from dataclasses import replace
from typing import Any

from fastapi import Request

from projections.views import ExecutionView
from schemas.jobs import JobDefinition, JobType
from services.api.context import demand
from services.api.errors import ApiError
from services.api.permissions import Permission
from services.api.shapes import execution_body

CODE = frozenset({JobType.COMMAND, JobType.FUNCTION})
"""The types of jobs that run code on a worker."""


async def demand_for(request: Request, definition: JobDefinition) -> None:
    """Let a definition pass that the caller may give a job.

    Raises:
        ApiError: FORBIDDEN, for one that runs code; AUTH_UNAVAILABLE.
    """
    if definition.job_type not in CODE:
        return
    try:
        await demand(request, Permission.JOBS_CREATE_COMMAND)
    except ApiError as error:
        if error.code != "FORBIDDEN":
            raise
        text = f"Jobs that run commands or functions take the permission {Permission.JOBS_CREATE_COMMAND} as well."
        raise ApiError("FORBIDDEN", text) from None


async def told_of(request: Request, execution: ExecutionView) -> dict[str, Any]:
    """An execution with all that the caller may know of it."""
    try:
        await demand(request, Permission.EXECUTIONS_READ_OUTPUT)
    except ApiError:
        execution = replace(execution, result=None, metadata=None, error_stack=None)
    return execution_body(execution)

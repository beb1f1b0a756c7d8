"""The routes that preview a job's fires, and what a resume would do."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from horolog.domain import catching_up
from horolog.domain.catching_up import Outlook
from horolog.domain.history_fires import Fire
from horolog.limits import MISFIRE_GRACE_S
from schemas.base import Value
from schemas.http import ErrorResponse
from schemas.http_history import FiresResponse
from schemas.http_resume import ResumePreview
from schemas.jobs import JobStatus
from services.api.answers import Answer
from services.api.bodies import JsonRoute
from services.api.context import Api, JobReader
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.job_routes import read_job
from services.api.preview import FIRE_COUNT_MAX, Window, look_ahead
from services.api.queries import End, Start
from services.api.requests import PREFIX

router = APIRouter(prefix=PREFIX, tags=["history"], route_class=JsonRoute)

FIRE_COUNT_DEFAULT = 50
LATE_SHOWN_MAX = 100


class FiresQuery(Value):
    """Which instants: from inclusive (default: now), to exclusive (default: without end)."""

    start: Start = None
    end: End = None
    limit: Annotated[int, Field(ge=1, le=FIRE_COUNT_MAX)] = FIRE_COUNT_DEFAULT


@router.get("/jobs/{job_id}/fires", responses=errors(FiresResponse))
async def list_fires(api: Api, caller: JobReader, job_id: str, query: Annotated[FiresQuery, Query()]) -> Response:
    """The instants that a job owes in a time range, past ones by the versions that were in force then.

    A job that is not active owes none from now on: those it would owe if it were resumed now have `active` false.
    """
    job, now = await read_job(api, caller, job_id), api.ports.clock.now()
    start = query.start or now
    if query.end is not None and query.end <= start:
        raise ApiError("INVALID_PARAMETER", "The time range is empty: `from` must precede `to`.")
    found = await look_ahead(api.ports.history, job, Window(start, query.end, query.limit), now)
    active = job.status == JobStatus.ACTIVE
    items = [*(_body(fire, True) for fire in found.settled), *(_body(fire, active) for fire in found.coming)]
    body = {
        "jobId": job.id,
        "status": job.status,
        "timezone": job.definition.get("timezone", "UTC"),
        "from": start,
        "to": query.end,
        "items": items,
        "nextFrom": found.next_from,
    }
    return Answer(body)


@router.get(
    "/jobs/{job_id}/resume-preview",
    responses={**errors(ResumePreview), 409: {"model": ErrorResponse, "description": "A resume would be refused."}},
)
async def preview_resume(api: Api, caller: JobReader, job_id: str) -> Response:
    """What a resume would do now, without and with `catchUp`: nothing, if the job is active.

    Where a resume would be refused, for the job has run as often as it may, so is this.
    """
    view, now = await read_job(api, caller, job_id), api.ports.clock.now()
    found = await api.ports.history.versions(caller.tenant_id, view.id, None, 1)
    if not found or found[0].job.deleted:
        raise ApiError("JOB_NOT_FOUND")
    job = found[0].job
    left, is_active = catching_up.runs_left(job.definition, view.execution_count), job.status is JobStatus.ACTIVE
    if left == 0 and not is_active:
        raise ApiError("JOB_NOT_ACTIVE", "The job has run as often as maxExecutions allows; raise that first.")
    without, with_ = (
        None
        if is_active
        else _outlook_body(catching_up.look_ahead(job, now, wish, int(MISFIRE_GRACE_S), LATE_SHOWN_MAX))
        for wish in (False, True)
    )
    body = {
        "jobId": job.job_id,
        "status": job.status,
        "version": job.version,
        "timezone": job.definition.timezone,
        "at": now,
        "misfire": job.definition.misfire.to_dict(),
        "runsLeft": left,
        "withoutCatchUp": without,
        "withCatchUp": with_,
    }
    return Answer(body)


def _body(fire: Fire, active: bool) -> dict[str, Any]:
    return {**_instant_body(fire), "active": active}


def _instant_body(fire: Fire) -> dict[str, Any]:
    # As text: an answer's instants are written in UTC otherwise.
    return {"at": fire.at, "localTime": fire.local.isoformat(), "dst": fire.dst}


def _outlook_body(outlook: Outlook) -> dict[str, Any]:
    return {
        "inForceFrom": outlook.in_force_from,
        "instantCount": outlook.instant_count,
        "missedCount": outlook.missed_count,
        "missedFrom": outlook.missed_from,
        "missedUntil": outlook.missed_until,
        "lateCount": outlook.late_count,
        "lateUntil": outlook.late_until,
        "rate": outlook.rate,
        "promptCount": outlook.prompt_count,
        "late": [_instant_body(fire) for fire in outlook.late],
    }

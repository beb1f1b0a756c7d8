"""The route that previews a job's fires."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from horolog.domain.history_fires import Fire
from schemas.base import Value
from schemas.http_history import FiresResponse
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


def _body(fire: Fire, active: bool) -> dict[str, Any]:
    # As text: an answer's instants are written in UTC otherwise.
    return {"at": fire.at, "localTime": fire.local.isoformat(), "dst": fire.dst, "active": active}

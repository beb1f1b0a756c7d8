"""The routes of a job's past: its versions, and going back to one of them as a new change."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from horolog.domain.history import JobVersion
from projections.views import Cursor
from schemas.commands import UpdateJob
from schemas.http import JobResponse, Problem
from schemas.http_history import VERSION_MAX, RollbackBody, VersionPage
from services.api.answers import Answer
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, JobReader, JobWriter
from services.api.cursors import decode_cursor, encode_cursor
from services.api.documents import errors
from services.api.errors import ApiError
from services.api.finer_permissions import demand_for
from services.api.history import version_body
from services.api.job_routes import IfMatch, demanded_version, job_answer, read_job
from services.api.ports import Principal
from services.api.queries import PageQuery
from services.api.requests import PREFIX, carry_out, identity_of, known_uuid
from services.api.validation import read_definition

router = APIRouter(prefix=PREFIX, tags=["history"], route_class=JsonRoute)


@router.get("/jobs/{job_id}/versions", responses=errors(VersionPage))
async def list_versions(api: Api, caller: JobReader, job_id: str, query: Annotated[PageQuery, Query()]) -> Response:
    """A job's versions, newest first, each with what it changed; those of a deleted job as well."""
    rows = await _versions(api, caller, job_id, _below(query.cursor), query.limit + 1)
    if not rows and query.cursor is None:
        raise ApiError("JOB_NOT_FOUND")
    page = rows[: query.limit]
    befores = [*rows[1:], None]
    last = page[-1] if len(rows) > query.limit else None
    cursor = encode_cursor(Cursor(last.at, str(last.job.version))) if last else None
    items = [version_body(version, before) for version, before in zip(page, befores, strict=False)]
    return Answer({"items": items, "nextCursor": cursor})


@router.post("/jobs/{job_id}/rollback", responses=errors(JobResponse))
async def roll_back_job(
    request: Request, api: Api, caller: JobWriter, job_id: str, body: RollbackBody, if_match: IfMatch = None
) -> Response:
    """Give a job the definition of an earlier version, as a new change; its state stays as it is."""
    await read_job(api, caller, job_id)
    rows = await _versions(api, caller, job_id, min(body.to_version, VERSION_MAX - 1) + 1, 1)
    if not rows or rows[0].job.version != body.to_version:
        problem = Problem(field="toVersion", message=f"the job has no version {body.to_version}")
        raise ApiError("INVALID_BODY", "The body has problems.", [problem.to_dict()])
    reason = f"rollback to version {body.to_version}"
    # Judged anew: what was good then need not be so now.
    definition = read_definition(rows[0].job.definition.to_dict(), stored=True)
    await demand_for(request, definition)
    command = UpdateJob(
        **identity_of(request, api, caller, body.to_dict()),
        job_id=job_id,
        expected_version=demanded_version(if_match),
        definition=await api.sealing.sealed(caller.tenant_id, job_id, definition),
        reason=f"{reason}: {body.reason}" if body.reason else reason,
    )
    return await carry_out(request, api, command, lambda _: job_answer(api, caller, job_id))


async def _versions(
    api: ApiContext, caller: Principal, job_id: str, below: int | None, limit: int
) -> Sequence[JobVersion]:
    return await api.ports.history.versions(caller.tenant_id, known_uuid(job_id, "JOB_NOT_FOUND"), below, limit)


def _below(word: str | None) -> int | None:
    cursor = decode_cursor(word)
    if cursor is None:
        return None
    if not cursor.id.isdecimal() or int(cursor.id) > VERSION_MAX:
        raise ApiError("INVALID_CURSOR", "The cursor is not one that an earlier page gave.")
    return int(cursor.id)

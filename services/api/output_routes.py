"""The route of what a run prints, while it goes on.

Guarantee: it demands what the final output demands, and what reading the execution does, whose events it tells; another
tenant's execution, or one beyond the caller's tags, is told like one that does not exist. All of that is asked again
while the stream goes on.
"""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from projections.views import ExecutionView, ReadModelUnavailable
from schemas.base import Value
from schemas.http_events import OutputBody
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, OutputReader, demand
from services.api.documents import Responses, errors
from services.api.errors import ApiError
from services.api.job_routes import read_execution
from services.api.permissions import Permission
from services.api.ports import Principal
from services.api.requests import PREFIX, known_uuid
from services.api.stream_rights import LastEventId, check_of
from services.api.streams.answer import MEDIA_TYPE
from services.api.streams.hub import Ended
from services.api.streams.output import Look
from services.api.streams.output_desk import AskedOutput
from services.api.streams.stream import Check

router = APIRouter(prefix=PREFIX, tags=["executions"], route_class=JsonRoute)
_TOLD = (
    "Server-sent events. Those called `output` have an OutputBody as their `data`, all others are events of the "
    "execution and have an EventBody; the `id` of each is where to go on. The last one is `end`; its `data` says in "
    "`code` and `message` why there is no other: `EXECUTION_ENDED` once everything was told."
)
_SCHEMA = {"$ref": f"#/components/schemas/{OutputBody.__name__}"}
_ANSWERS: Responses = {
    **errors(None),
    200: {"description": _TOLD, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}},
}
_DEMANDED = frozenset({Permission.EXECUTIONS_READ, Permission.EXECUTIONS_READ_OUTPUT})


class OutputQuery(Value):
    """With `follow=false` the stream ends with what there is so far."""

    follow: bool = True


@router.get("/executions/{execution_id}/output/stream", responses=_ANSWERS, response_class=Response)
async def follow_output(
    request: Request,
    api: Api,
    caller: OutputReader,
    execution_id: str,
    query: Annotated[OutputQuery, Query()],
    last_event_id: LastEventId = None,
) -> Response:
    """What a run prints, about a second later, and what becomes of it; at its end the rest of its final output."""
    await demand(request, Permission.EXECUTIONS_READ)
    known = known_uuid(execution_id, "EXECUTION_NOT_FOUND")
    asked = AskedOutput(caller.tenant_id, caller.actor, known, query.follow)
    look = _look_of(api, caller, known)
    return await api.streams.open_output(asked, _check_of(request, caller, look), look, last_event_id or None)


def _look_of(api: ApiContext, caller: Principal, execution_id: str) -> Look:
    async def look() -> ExecutionView:
        return await read_execution(api, caller, execution_id)

    return look


def _check_of(request: Request, caller: Principal, look: Look) -> Check:
    unchanged = check_of(request, caller, _DEMANDED, _DEMANDED)

    async def check() -> None:
        await unchanged()
        if caller.tags is None:
            return
        # The job may have lost the tag.
        try:
            await look()
        except ApiError:
            raise Ended("FORBIDDEN") from None
        except ReadModelUnavailable:
            raise Ended("DATABASE_UNAVAILABLE") from None

    return check

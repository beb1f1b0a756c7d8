"""The route of the streams of events: what happens to the caller's tenant, while it happens.

Guarantee: the tenant is the token's. The route demands what reading executions demands; facts about jobs and the audit
trail are told to whoever may read these as well. A caller within tags is told of jobs within them only. All of that is
asked again while the stream goes on, and every change of it ends the stream.
"""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.base import Text, Uuid, Value
from schemas.http import ErrorResponse
from schemas.http_events import EventBody
from services.api.bodies import JsonRoute
from services.api.context import Api, ApiContext, ExecutionReader
from services.api.documents import Responses, errors
from services.api.errors import ApiError
from services.api.permissions import Permission
from services.api.ports import Principal
from services.api.stream_rights import LastEventId, check_of, granted_of
from services.api.streams.answer import MEDIA_TYPE
from services.api.streams.desk import Asked
from services.api.streams.events import Within
from services.api.streams.facts import PERMISSION_OF_TYPE, types_named
from services.api.streams.stream import Caller

router = APIRouter(prefix="/api/v1", tags=["events"], route_class=JsonRoute)
_TOLD = (
    "Server-sent events. The `event` of each is its type, its `data` one EventBody, its `id` where to go on. The last "
    "one is `end`; its `data` says in `code` and `message` why there is no other."
)
_SCHEMA = {"$ref": f"#/components/schemas/{EventBody.__name__}"}
_ANSWERS: Responses = {
    **errors(None),
    200: {"description": _TOLD, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}},
    410: {"model": ErrorResponse, "description": "What follows the id is not told in a stream any more: begin anew."},
}
_TELLABLE = frozenset(PERMISSION_OF_TYPE.values())


class EventsQuery(Value):
    """Which events: all conditions must hold. `types` are types or their first words, with commas between them.

    With `follow=false` the stream ends with what there is so far.
    """

    types: Annotated[Text, Field(min_length=1, max_length=1000)] | None = None
    job_id: Uuid | None = None
    execution_id: Uuid | None = None
    follow: bool = True


@router.get("/events", responses=_ANSWERS, response_class=Response)
async def follow_events(
    request: Request,
    api: Api,
    caller: ExecutionReader,
    query: Annotated[EventsQuery, Query()],
    last_event_id: LastEventId = None,
) -> Response:
    """What happens to jobs and executions, and the audit trail where it may be read, as it happens."""
    granted = await granted_of(request, _TELLABLE)
    types = _types(query.types, granted)
    asked = Asked(caller.tenant_id, caller.actor, types, query.job_id, query.execution_id, query.follow)
    listener = Caller(check_of(request, caller, _TELLABLE, granted), _within_of(api, caller))
    return await api.streams.open(asked, listener, last_event_id or None)


def _types(listed: str | None, granted: frozenset[Permission]) -> frozenset[str]:
    """The types that are to be told.

    Raises:
        ApiError: INVALID_PARAMETER for a word that is none, FORBIDDEN for one that the caller may not see.
    """
    if listed is None:
        return frozenset(type_ for type_, demanded in PERMISSION_OF_TYPE.items() if demanded in granted)
    types = frozenset[str]()
    for word in listed.split(","):
        named = types_named(word.strip())
        if not named:
            raise ApiError("INVALID_PARAMETER", "There is a word in `types` that is no type of an event.")
        types |= named
    if not {PERMISSION_OF_TYPE[type_] for type_ in types} <= granted:
        raise ApiError("FORBIDDEN")
    return types


def _within_of(api: ApiContext, caller: Principal) -> Within | None:
    tags = caller.tags
    if tags is None:
        return None

    async def within(job_ids: Sequence[str]) -> Sequence[str]:
        return await api.read_model.jobs_within(caller.tenant_id, job_ids, tags)

    return within

"""From a request to a command: its identity, and how its caller wants to be answered.

Guarantee: the same Idempotency-Key of the same tenant always makes the same command id, and the hash of the request
tells a repeat from another request under the same key. A caller who reaches only jobs with certain tags has keys of its
own, so that none leads it to the outcome of somebody else's command.
Source: RFC 7240 (Prefer: respond-async); the Idempotency-Key header field draft of the IETF HTTPAPI group; W3C Trace
Context, section 3.2 (traceparent).
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

import orjson
from fastapi import Request
from starlette.responses import Response

from horolog.domain.identity import command_id
from horolog.domain.tracing import trace_context
from projections.views import OutcomeView
from schemas.base import UUID_PATTERN, UtcTime
from schemas.commands import Command
from services.api.answers import Answer
from services.api.calls import Origin, call_of, method_of, route_of
from services.api.context import ApiContext
from services.api.errors import ApiError
from services.api.ports import Principal
from services.api.tracing import trace_of

PREFIX = "/api/v1/scheduler"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_UUID = re.compile(UUID_PATTERN)


class Identity(TypedDict):
    """The fields that every command has."""

    tenant_id: str
    command_id: str
    actor: str
    issued_at: UtcTime
    request_hash: str
    within_tags: tuple[str, ...] | None


def identity_of(request: Request, api: ApiContext, caller: Principal, body: Any) -> Identity:
    """The identity of the command that this request asks for.

    Raises:
        ApiError: INVALID_PARAMETER for an Idempotency-Key that is not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise ApiError("INVALID_PARAMETER", "Idempotency-Key takes 1 to 255 visible ASCII characters.")
    # A key has no blanks.
    named = key if key is None or caller.tags is None else f"{caller.actor} {key}"
    return Identity(
        tenant_id=caller.tenant_id,
        command_id=api.ports.ids.new() if named is None else command_id(caller.tenant_id, named),
        actor=caller.actor,
        issued_at=api.ports.clock.now(),
        request_hash="" if key is None else _hash(request, body),
        within_tags=caller.tags,
    )


def _hash(request: Request, body: Any) -> str:
    text = f"{request.method} {request.url.path}\n".encode()
    text += orjson.dumps(body, option=orjson.OPT_SORT_KEYS, default=str)
    match = request.headers.get("if-match", "").encode("latin-1")
    return hashlib.sha256(text + b"\n" + match).hexdigest()


def known_uuid(text: str, code: str) -> str:
    """The id, if it can be one at all; anything else is answered like an unknown one."""
    if not _UUID.fullmatch(text):
        raise ApiError(code)
    return text


async def carry_out(
    request: Request, api: ApiContext, command: Command, answer: Callable[[OutcomeView], Awaitable[Response]]
) -> Response:
    """Send the command, and answer once it is in force; or at once, when the caller prefers that.

    A caller within tags waits in any case: a rejection that it looked up later could not be told from that of others.
    """
    origin = origin_of(request)
    if command.within_tags is not None or not _prefers_async(request):
        return await answer(await api.desk.settle(command, origin))
    await api.desk.send([command], origin)
    place = f"{PREFIX}/commands/{command.command_id}"
    body = {"commandId": command.command_id, "status": "accepted", "links": {"self": place}}
    return Answer(body, 202, {"Preference-Applied": "respond-async", "Location": place})


def origin_of(request: Request) -> Origin:
    """The call that commands are made of, with its own span where there are traces, else the caller's, if there is."""
    scope = request.scope
    trace = trace_of(scope) or trace_context(request.headers.get("traceparent"))
    traceparent = None if trace is None else str(trace)
    return Origin(call_of(scope), scope["client_address"], method_of(scope), route_of(scope), traceparent)


def _prefers_async(request: Request) -> bool:
    wishes = ",".join(request.headers.getlist("prefer")).lower()
    return any(wish.partition(";")[0].strip() == "respond-async" for wish in wishes.split(","))

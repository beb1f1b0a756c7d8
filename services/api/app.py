"""The API, assembled: one function that takes the ports, and one that needs none and writes the document.

Guarantee: nothing is served but through the gate, and every refusal has the shape that its caller expects.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from schemas.http import Problem
from services.api import (
    analytics_routes,
    audit_routes,
    auth_routes,
    erasure_routes,
    event_routes,
    execution_routes,
    history_routes,
    internal_routes,
    internal_tenant_routes,
    job_routes,
    ledger_routes,
    notification_routes,
    output_routes,
    preview_routes,
    secret_routes,
    status_routes,
    system_routes,
    tenant_routes,
    user_routes,
)
from services.api.call_journal import CallJournal
from services.api.calls import call_of
from services.api.context import ApiContext, context_of
from services.api.documents import complete
from services.api.errors import ApiError, error_answer, is_internal
from services.api.gate import Gate
from services.api.health import HealthCheck
from services.api.outcomes import OutcomeWaiter
from services.api.owner_bars import OwnerBars
from services.api.ports import ApiPorts
from services.api.sealing import Sealing
from services.api.sending import CommandDesk
from services.api.settings import ApiSettings
from services.api.streams.desk import StreamDesk
from services.api.validation import problems_of_details

TITLE = "Horolog scheduler"
VERSION = "1.0.0"
ABOUT = (
    "Jobs, their schedules, and the ledger of what came of every fire. A change is answered once it is in force and "
    "can be read. Lists are newest first, in pages."
)
_CODE_OF_STATUS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def create_app(ports: ApiPorts, settings: ApiSettings) -> FastAPI:
    """The API over the given ports. It serves from start-up to shutdown of the ASGI lifespan."""
    waiter = OutcomeWaiter(ports.read_model, ports.wake)
    desk = CommandDesk(ports.log, ports.read_model, ports.clock, ports.ids, waiter, settings)
    journal = CallJournal(ports.log, ports.clock, ports.ids, ports.audit_dropped)
    streams = StreamDesk(ports.log, ports.read_model, ports.clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        listening = asyncio.create_task(waiter.listen())
        noting = asyncio.create_task(journal.run())
        try:
            yield
        finally:
            await streams.close()
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await waiter.close()
            await journal.close(noting)

    app = _bare_app(lifespan)
    app.router.routes.extend(_routes(with_accounts=ports.accounts is not None))
    health = HealthCheck(ports, settings.port)
    bars = None
    if ports.accounts is not None:
        bars = OwnerBars(ports.accounts.administration.store, desk, ports.clock, ports.ids)
    app.state.context = ApiContext(settings, ports, desk, health, Sealing(ports.keys), streams, bars)
    app.add_middleware(Gate, ports=ports, settings=settings, journal=journal)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; needs no running parts."""
    routes = _routes(with_accounts=True)
    return complete(get_openapi(title=TITLE, version=VERSION, description=ABOUT, routes=routes))


@lru_cache
def _routes(*, with_accounts: bool) -> Sequence[BaseRoute]:
    """Every route. What they work with is in the state of the app that is called, so the apps of a process share them:
    FastAPI needs half a second of CPU for them at an app's first request."""
    app = _bare_app(None)
    for router in (
        status_routes.open_router,
        job_routes.router,
        history_routes.router,
        preview_routes.router,
        execution_routes.router,
        output_routes.router,
        ledger_routes.router,
        status_routes.router,
        secret_routes.router,
        notification_routes.router,
        system_routes.router,
        tenant_routes.router,
        erasure_routes.router,
        audit_routes.router,
        analytics_routes.router,
        event_routes.router,
        internal_routes.router,
        internal_tenant_routes.router,
        *((auth_routes.router, user_routes.router) if with_accounts else ()),
    ):
        app.include_router(router)
    app.add_api_route("/openapi.json", _document, include_in_schema=False)
    return app.routes


def _bare_app(lifespan: Any) -> FastAPI:
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
    )
    app.add_exception_handler(ApiError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    return app


def _operation_id(route: APIRoute) -> str:
    return f"internal_{route.name}" if is_internal(route.path) else route.name


async def _document() -> Response:
    return Response(_document_json(), media_type="application/json", headers={"Cache-Control": "no-store"})


@lru_cache(maxsize=1)
def _document_json() -> bytes:
    return orjson.dumps(openapi_document())


async def _told(request: Request, error: Exception) -> Response:
    """Any refusal in the shape that its caller expects."""
    now, refusal = context_of(request).ports.clock.now(), _as_api_error(error)
    call_of(request.scope).code = refusal.code
    return error_answer(refusal, request.url.path, now)


def _as_api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        return ApiError(_CODE_OF_STATUS.get(error.status_code, "INVALID_JSON"), headers=error.headers or {})
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return ApiError("INVALID_JSON", "The body is not JSON.")
    # The first part of a field's name says where it stood: query, header, path or body.
    problems = problems_of_details(list(details))
    told: JsonValue = [
        Problem(field=problem.field.partition(".")[2] or "body", message=problem.message).to_dict()
        for problem in problems
    ]
    if any(detail["loc"][:1] == ("body",) for detail in details):
        return ApiError("INVALID_BODY", "The body has problems.", told)
    return ApiError("INVALID_PARAMETER", "A parameter is not what it can be.", told)

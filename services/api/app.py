"""The API, assembled."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.responses import Response

from schemas.http import Problem
from services.api import execution_routes, internal_routes, job_routes, system_routes
from services.api.context import ApiContext, context_of
from services.api.documents import definition_schemas
from services.api.errors import ApiError, error_answer
from services.api.gate import Gate
from services.api.health import HealthCheck
from services.api.outcomes import OutcomeWaiter
from services.api.ports import ApiPorts
from services.api.sending import CommandDesk
from services.api.settings import ApiSettings
from services.api.validation import invalid, problems_of_details

TITLE = "Horolog scheduler"
VERSION = "1.0.0"
_CODE_OF_STATUS = {404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED"}


def create_app(ports: ApiPorts, settings: ApiSettings) -> FastAPI:
    """The API over the given ports. It serves from start-up to shutdown of the ASGI lifespan."""
    waiter = OutcomeWaiter(ports.read_model, ports.wake)
    desk = CommandDesk(ports.log, ports.read_model, ports.clock, waiter, settings.wait_s)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        listening = asyncio.create_task(waiter.listen())
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await waiter.close()

    app = _bare_app(lifespan)
    app.state.context = ApiContext(settings, ports, desk, HealthCheck(ports, settings.port))
    app.add_middleware(Gate, ports=ports)
    return app


def openapi_document() -> dict[str, Any]:
    """The OpenAPI document; needs no running parts."""
    app = _bare_app(None)
    document = get_openapi(title=TITLE, version=VERSION, description=__doc__ or "", routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name, schema in definition_schemas().items():
        schemas.setdefault(name, schema)
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "service": {"type": "apiKey", "in": "header", "name": "X-Service-Token"},
    }
    for path, operations in document["paths"].items():
        scheme = "service" if path.startswith("/internal") else "bearer"
        for operation in operations.values():
            operation["security"] = [] if path.endswith("/health") else [{scheme: []}]
    return document


def _bare_app(lifespan: Any) -> FastAPI:
    app = FastAPI(title=TITLE, version=VERSION, docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    for router in (
        system_routes.open_router,
        job_routes.router,
        execution_routes.router,
        system_routes.router,
        internal_routes.router,
    ):
        app.include_router(router)
    app.add_api_route("/openapi.json", _document, include_in_schema=False)
    app.add_exception_handler(ApiError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    return app


async def _document() -> Mapping[str, Any]:
    return openapi_document()


async def _told(request: Request, error: Exception) -> Response:
    """Any refusal in the shape that its caller expects."""
    now = context_of(request).ports.clock.now()
    return error_answer(_as_api_error(error), request.url.path, now)


def _as_api_error(error: Exception) -> ApiError:
    if isinstance(error, ApiError):
        return error
    if isinstance(error, HTTPException):
        return ApiError(_CODE_OF_STATUS.get(error.status_code, "INVALID_JSON"))
    assert isinstance(error, RequestValidationError)
    details = error.errors()
    if any(detail["type"] == "json_invalid" for detail in details):
        return ApiError("INVALID_JSON", "The body is not JSON.")
    problems = problems_of_details(list(details))
    if all(detail["loc"][:1] in (("query",), ("header",), ("path",)) for detail in details):
        told: JsonValue = [Problem(field=p.field.partition(".")[2], message=p.message).to_dict() for p in problems]
        return ApiError("INVALID_PARAMETER", "A parameter is not what it can be.", told)
    return invalid(problems)

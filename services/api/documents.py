"""What the OpenAPI document says beyond the handlers' own signatures: errors, bodies, headers, examples, security.

Guarantee: the document is made from the routes that serve, so that no route is left out of it.
Source: OpenAPI Specification 3.1.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from schemas.http import ErrorResponse, InternalCreateBody, InternalErrorResponse
from schemas.http_events import EventBody, OutputBody, StreamEnd
from schemas.http_tenants import CreateTenantBody
from schemas.jobs import JobDefinition
from schemas.tenants import TenantSettings
from services.api.errors import is_internal
from services.api.examples import EXAMPLES
from services.api.ports import OPEN_PATHS, OPEN_SUBMISSIONS

Responses = dict[int | str, dict[str, Any]]

TENANTS_PREFIX = "/api/v1/tenants"
"""Changes of tenants are awaited: their outcome belongs to another tenant than its caller's."""
_REF = "#/components/schemas/{model}"
_OF_ALL = {
    400: "The request is malformed: JSON, a parameter, a header or a cursor.",
    401: "A valid token is missing.",
    403: "The token does not allow that.",
    404: "There is no such thing, or it is another tenant's.",
    429: "Too many requests, or a quota is exhausted; Retry-After says when to ask again.",
    500: "A fault of the service; its log has more under the id that is told.",
    503: "The owner of the partition, the log or the database does not answer; Retry-After says when to ask again.",
}
_OF_CHANGES = {
    409: "The state does not allow it, or the Idempotency-Key was used for another request.",
    412: "The version that If-Match names is not the present one.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The body has problems; all of them are listed.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "A repeat with the same key and body is answered with the first one's outcome.",
}
_PREFER = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "`respond-async`: answer 202 as soon as the command is in the log.",
}
_JSON = "application/json"
_OF_COMMANDS = ("/api/v1/scheduler/", TENANTS_PREFIX)
"""Changes below it are commands, and take what commands take."""
_ACCEPTED = {
    "description": "The command is in the log (`Prefer: respond-async`).",
    "content": {_JSON: {"schema": {"$ref": _REF.format(model="CommandAnswer")}}},
}
_OF_STREAMS = (EventBody, OutputBody, StreamEnd)
_BESIDE_ROUTES = (JobDefinition, InternalCreateBody, TenantSettings, CreateTenantBody, *_OF_STREAMS)
"""What no handler's signature names: bodies that routes judge themselves, and what streams are made of."""
_SCHEMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "bearer": {"type": "http", "scheme": "bearer"},
        "service": {"type": "apiKey", "in": "header", "name": "X-Service-Token"},
    }
)


def errors(
    model: type[BaseModel] | None, status: int = 200, *, closed: bool = True, internal: bool = False
) -> Responses:
    """The documented answers of a route: `model` on success, and the errors in their shape."""
    success: dict[str, Any] = {"description": "Done."} if model is None else {"model": model, "description": "Done."}
    found: Responses = {status: success}
    if not closed:
        found[503] = {"model": model, "description": "Something that the scheduler depends on does not answer."}
        return found
    shape = InternalErrorResponse if internal else ErrorResponse
    found.update({code: {"model": shape, "description": text} for code, text in {**_OF_ALL, **_OF_CHANGES}.items()})
    return found


def definition_body(model: type[BaseModel] = JobDefinition, *, required: bool = True) -> dict[str, Any]:
    """The request body of routes that judge a definition themselves, so that every problem is told at once."""
    content = {_JSON: {"schema": {"$ref": _REF.format(model=model.__name__)}}}
    return {"requestBody": {"required": required, "content": content}}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document of the routes' signatures, with all that they do not say."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    _, judged = models_json_schema(
        [(body, "validation") for body in _BESIDE_ROUTES],
        ref_template=_REF,
    )
    for name, schema in judged["$defs"].items():
        schemas.setdefault(name, schema)
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    components["securitySchemes"] = {name: dict(scheme) for name, scheme in _SCHEMES.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete_operation(path, method, operation)
    return document


def _complete_operation(path: str, method: str, operation: dict[str, Any]) -> None:
    internal, answers = is_internal(path), operation["responses"]
    operation["security"] = [] if path in OPEN_PATHS | OPEN_SUBMISSIONS else [{"service" if internal else "bearer": []}]
    if method == "get":
        for status, text in _OF_CHANGES.items():
            # What a route has documented in its own words stays.
            if answers.get(str(status), {}).get("description") == text:
                del answers[str(status)]
        if any(parameter["name"].lower() == "if-none-match" for parameter in operation.get("parameters", [])):
            answers["304"] = {"description": "The job is still at the version that If-None-Match names."}
    elif internal or (path.startswith(_OF_COMMANDS) and not path.endswith(("/validate", "/erase"))):
        operation.setdefault("parameters", []).append(_KEY)
        if not internal and not path.startswith(TENANTS_PREFIX):
            operation["parameters"].append(_PREFER)
            answers["202"] = _ACCEPTED

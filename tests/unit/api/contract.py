"""Holding answers against the OpenAPI document: the route, the status, and the body's schema."""

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from services.api.app import openapi_document

HIDDEN = ("/openapi.json",)
STREAM = "text/event-stream"
_FOLLOWED = ("/api/v1/events", "/api/v1/scheduler/executions/{execution_id}/output/stream")
ENDING: Mapping[str, Mapping[str, str]] = MappingProxyType({path: {"follow": "false"} for path in _FOLLOWED})
"""What to add to the query of a stream, by its path, so that its answer has an end."""


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the API."""
    return openapi_document()


@cache
def operations() -> tuple[tuple[str, str], ...]:
    """Every documented method and path template."""
    paths: dict[str, dict[str, Any]] = document()["paths"]
    return tuple((method.upper(), path) for path, found in paths.items() for method in found)


def check_answer(answer: httpx.Response) -> None:
    """Fail unless the document describes this answer; addresses that are not documented have the error shape."""
    path, method = answer.request.url.path, answer.request.method.lower()
    template = template_of(method, path)
    status = str(answer.status_code)
    if template is None:
        shape = "InternalErrorResponse" if path.startswith("/internal") else "ErrorResponse"
        if path not in HIDDEN or answer.is_error:
            check_shape(shape, answer.json())
        return
    described = document()["paths"][template][method]["responses"]
    assert status in described, f"{method} {template} documents no {status}: {answer.text}"
    content = described[status].get("content")
    if content is None:
        assert answer.content == b""
        return
    if answer.headers["content-type"].startswith(STREAM):
        assert STREAM in content
        return
    check_shape(content["application/json"]["schema"]["$ref"].rpartition("/")[2], answer.json())


def check_shape(name: str, body: Any) -> None:
    """Fail unless the body keeps the schema of that name."""
    problems = [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(body)]
    assert not problems, f"{name}: {problems}\n{body}"


def template_of(method: str, path: str) -> str | None:
    """The documented path that serves this one; a fixed segment wins over a variable one."""
    found = [t for m, t in operations() if m.lower() == method and _pattern(t).fullmatch(path)]
    return min(found, key=lambda template: template.count("{"), default=None)


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", template))


@cache
def _validator(name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return Draft202012Validator(schema)

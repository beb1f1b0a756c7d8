"""What the OpenAPI document says of answers and bodies beyond the handlers' own signatures."""

from typing import Any

from pydantic import BaseModel

from schemas.http import ErrorResponse, InternalErrorResponse
from schemas.jobs import JobDefinition

Responses = dict[int | str, dict[str, Any]]

EXAMPLE_JOB = {
    "name": "nightly settlement",
    "cronExpression": "0 30 2 * * *",
    "timezone": "Europe/Vienna",
    "jobType": "http",
    "config": {"url": "https://billing.internal.test/settle", "method": "POST", "body": {"day": "yesterday"}},
    "retryConfig": {"maxRetries": 3, "retryDelayMs": 1000, "exponentialBackoff": True},
    "timeout": 120,
    "tags": ["billing"],
}
_ERRORS = {
    400: "The request is malformed.",
    401: "A valid token is missing.",
    404: "There is no such thing, or it is another tenant's.",
    409: "The state does not allow it, or the Idempotency-Key was used for another request.",
    412: "The version that If-Match names is not the present one.",
    413: "The body is too large.",
    422: "The definition has problems; all of them are listed.",
    429: "A quota is exhausted.",
    503: "The owner of the partition, the log or the database does not answer.",
}


def errors(
    model: type[BaseModel] | None, status: int = 200, *, closed: bool = True, internal: bool = False
) -> Responses:
    """The documented answers of a route: `model` on success, and the errors in their shape."""
    shape = InternalErrorResponse if internal else ErrorResponse
    found: Responses = {status: {"model": model} if model is not None else {"description": "Done."}}
    if not closed:
        found[503] = {"model": model, "description": "Something that the scheduler depends on does not answer."}
        return found
    found.update({code: {"model": shape, "description": text} for code, text in _ERRORS.items()})
    return found


def job_body_schema() -> dict[str, Any]:
    """The request body of routes that judge a definition themselves, so that every problem is told at once."""
    schema = JobDefinition.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    schema.pop("$defs", None)
    content = {"application/json": {"schema": schema, "example": EXAMPLE_JOB}}
    return {"requestBody": {"required": True, "content": content}}


def definition_schemas() -> dict[str, Any]:
    """The schemas that `job_body_schema` refers to."""
    schema = JobDefinition.model_json_schema(by_alias=True, ref_template="#/components/schemas/{model}")
    defs = schema.get("$defs", {})
    assert isinstance(defs, dict)
    return defs

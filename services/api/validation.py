"""Judging a job's definition at the edge: everything wrong with it, at once, before the log sees it.

Guarantee: the list holds every problem of shape, expression, zone, retries and dates together, in the order of the
definition's fields, bounded in number and length, and repeats no value that the caller sent (it may be a secret).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from horolog.domain import cron
from horolog.domain.request_headers import is_forbidden_header
from horolog.domain.sensitive import refers_to_signing_secrets, refers_wrongly, slots, without_credentials
from schemas.base import UtcTime
from schemas.http import Problem
from schemas.jobs import JOB_TIMEOUT_S_DEFAULT, Delivery, FunctionConfig, JobDefinition, RetryConfig
from schemas.sealed import looks_sealed
from services.api.errors import ApiError

PROBLEM_COUNT_MAX = 100
FIELD_LENGTH_MAX = 200
_FIELDS = [field.alias or name for name, field in JobDefinition.model_fields.items()]
_INSTANT: TypeAdapter[datetime] = TypeAdapter(UtcTime)


def read_definition(raw: object, timeout_s: int = JOB_TIMEOUT_S_DEFAULT, *, stored: bool = False) -> JobDefinition:
    """The definition that a body holds; or one that was `stored`, in which encrypted values may stand.

    What names no timeout has `timeout_s`. It is a part of the definition from then on, and a later default changes
    nothing about it.

    Raises:
        ApiError: INVALID_CRON_EXPRESSION when the expression is the first culprit, else INVALID_JOB_CONFIG.
    """
    definition, problems = judge(raw, stored=stored)
    if definition is None or problems:
        raise invalid(problems)
    return definition if "timeout" in definition.model_fields_set else _timed(definition, timeout_s)


def _timed(definition: JobDefinition, timeout_s: int) -> JobDefinition:
    config = definition.config
    if isinstance(config, FunctionConfig) and "timeout" not in config.model_fields_set:
        config = config.model_copy(update={"timeout": timeout_s * 1000})
    return definition.model_copy(update={"timeout": timeout_s, "config": config})


def invalid(problems: Sequence[Problem]) -> ApiError:
    """The error that lists the problems."""
    code, message = "INVALID_JOB_CONFIG", "The job's definition has problems."
    if problems and problems[0].reason is not None:
        code, message = "INVALID_CRON_EXPRESSION", "The cron expression is refused."
    return ApiError(code, message, [problem.to_dict() for problem in problems])


def judge(raw: object, *, stored: bool = False) -> tuple[JobDefinition | None, list[Problem]]:
    """The definition, if its shape is right, and everything that is wrong with it."""
    definition, shape = None, list[Problem]()
    try:
        definition = JobDefinition.read(raw)
    except ValidationError as error:
        shape = problems_of(error)
    if not isinstance(raw, Mapping):
        return None, shape
    expression = _expression_problems(raw.get("cronExpression"))
    if expression:
        shape = [problem for problem in shape if problem.field != "cronExpression"]
    # The model judges how fields fit together only once all else is right; told here, that is never left out.
    unfitting = [*_retry_problems(raw), *_date_problems(raw)]
    shape = [problem for problem in shape if problem.field != "body"]
    forbidden = [*_header_problems(raw.get("config")), *_secret_problems(raw.get("config"), stored)]
    found = [*shape, *expression, *_zone_problems(raw.get("timezone", "UTC")), *unfitting, *forbidden]
    return definition, sorted(found, key=_position)[:PROBLEM_COUNT_MAX]


def problems_of(error: ValidationError) -> list[Problem]:
    """What a model found wrong."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return problems_of_details(details)


def problems_of_details(details: Sequence[ErrorDetails]) -> list[Problem]:
    """What a model found wrong, from its error details."""
    return [Problem(field=_field(detail["loc"]), message=_message(detail)) for detail in details[:PROBLEM_COUNT_MAX]]


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "union_tag_invalid":
        # The library's own sentence begins with what was sent.
        return f"The type should be one of {detail['msg'].rpartition('expected tags: ')[2]}"
    return _sentence(detail["msg"])


def _expression_problems(expression: object) -> list[Problem]:
    if not isinstance(expression, str):
        return []
    return [
        Problem(field="cronExpression", message=str(error), cron_field=error.field, reason=error.reason)
        for error in cron.problems(expression)
    ]


def _zone_problems(name: object) -> list[Problem]:
    # An empty or overlong name has been reported as such.
    if not isinstance(name, str) or not 0 < len(name) <= 50:
        return []
    try:
        cron.zone(name)
    except cron.ZoneError as error:
        return [Problem(field="timezone", message=str(error))]
    return []


def _header_problems(config: object) -> list[Problem]:
    headers = config.get("headers") if isinstance(config, Mapping) else None
    if not isinstance(headers, Mapping):
        return []
    forbidden = [name for name in headers if isinstance(name, str) and is_forbidden_header(name)]
    return [Problem(field=_field(("config", "headers", name)), message="may not be set by a job") for name in forbidden]


def _secret_problems(config: object, stored: bool) -> list[Problem]:
    if not isinstance(config, Mapping):
        return []
    found = []
    if isinstance(url := config.get("url"), str) and without_credentials(url) != url:
        message = "must not carry credentials; put them into a header, as secret://name"
        found.append(Problem(field="config.url", message=message))
    for slot, value in slots(config):
        field = _field(("config", slot.part, slot.name)) if slot.name else f"config.{slot.part}"
        if slot.part == "signWith" and not (isinstance(value, str) and refers_to_signing_secrets(value)):
            message = "must be secret://name, or up to three of them with spaces between"
            found.append(Problem(field=field, message=message))
        elif looks_sealed(value) and not stored:
            found.append(Problem(field=field, message="may not begin like an encrypted value"))
        elif refers_wrongly(slot, value):
            message = "refers to a secret by a name that none can have: lower-case letters, digits and . _ -"
            found.append(Problem(field=field, message=message))
    return found


def _retry_problems(raw: Mapping[Any, Any]) -> list[Problem]:
    if raw.get("delivery") != Delivery.AT_MOST_ONCE or raw.get("retryConfig") is None:
        return []
    try:
        retry_count = RetryConfig.read(raw["retryConfig"]).max_retries
    except ValidationError:
        return []
    message = "must be 0 when delivery is at_most_once"
    return [Problem(field="retryConfig.maxRetries", message=message)] if retry_count > 0 else []


def _date_problems(raw: Mapping[Any, Any]) -> list[Problem]:
    try:
        start, end = (_read_instant(raw.get(name)) for name in ("startDate", "endDate"))
    except ValidationError:
        return []
    return [] if end > start else [Problem(field="endDate", message="must be after startDate")]


def _read_instant(value: object) -> datetime:
    return _INSTANT.validate_json(json.dumps(value), strict=True)


def _position(problem: Problem) -> int:
    top = problem.field.partition(".")[0]
    return _FIELDS.index(top) if top in _FIELDS else len(_FIELDS)


def _field(location: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in location)[:FIELD_LENGTH_MAX] or "body"


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")

"""Judging a job's definition without a server: its shape, its cron expression, its time zone."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from horolog.domain.cron import ZoneError, problems, zone
from schemas.jobs import JobDefinition


def definition_problems(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Everything wrong with a create body, each as `field` and `message`; empty if it is good."""
    found = [{"field": "cronExpression", "message": str(problem)} for problem in _cron_problems(body)]
    try:
        zone(str(body.get("timezone", "UTC")))
    except ZoneError as error:
        found.append({"field": "timezone", "message": str(error)})
    try:
        JobDefinition.read(body)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_context=False, include_input=False):
            place = ".".join(map(str, problem["loc"])) or "body"
            found.append({"field": place, "message": problem["msg"]})
    return found


def _cron_problems(body: Mapping[str, Any]) -> tuple[Exception, ...]:
    expression = body.get("cronExpression")
    return problems(expression) if isinstance(expression, str) else ()

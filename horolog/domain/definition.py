"""Whether a job's definition makes sense beyond its shape: its expression names instants, its zone exists."""

from dataclasses import dataclass

from horolog.domain.cron import ZoneError, problems, zone
from horolog.domain.sensitive import refers_to_signing_secrets
from schemas.jobs import HttpConfig, JobDefinition

INVALID_CRON_EXPRESSION = "INVALID_CRON_EXPRESSION"
INVALID_JOB_CONFIG = "INVALID_JOB_CONFIG"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a definition: the error code it belongs to, the field, a sentence."""

    code: str
    field: str
    message: str


def schedule_problems(cron_expression: str, timezone: str) -> tuple[Problem, ...]:
    """Everything wrong with an expression and its zone."""
    found = [
        Problem(INVALID_CRON_EXPRESSION, "cronExpression", f"{e.field}: {e.reason}" if e.field else e.reason)
        for e in problems(cron_expression)
    ]
    try:
        zone(timezone)
    except ZoneError as error:
        found.append(Problem(INVALID_JOB_CONFIG, "timezone", str(error)))
    return tuple(found)


def definition_problems(definition: JobDefinition) -> tuple[Problem, ...]:
    """Everything wrong with a definition whose shape is right."""
    found = schedule_problems(definition.cron_expression, definition.timezone)
    signing = definition.config.sign_with if isinstance(definition.config, HttpConfig) else None
    if signing is None or refers_to_signing_secrets(signing):
        return found
    words = "must be secret://name, or up to three of them with spaces between"
    return (*found, Problem(INVALID_JOB_CONFIG, "config.signWith", words))

"""How long an execution may queue follows from its job's policies, retries and delays."""

from typing import Any

import pytest

from projections.verification import version_of
from schemas.jobs import JobDefinition
from tests.unit.projections.facts import job

RUN_S = 10 + 25
"""The timeout, and the grace of one attempt."""
RETRIES = {"maxRetries": 2, "retryDelayMs": 1000}


def waits_s(**fields: Any) -> tuple[float, float]:
    """How long the job's executions may queue, and how long those that catch up."""
    given = job()
    body = {**given.definition.to_dict(), "timeout": 10, **fields}
    version = version_of(given.model_copy(update={"definition": JobDefinition.model_validate(body)}))
    return version.queue_s, version.catch_up_s


@pytest.mark.parametrize(
    ("overlap", "ahead_count"),
    [
        ({"policy": "skip"}, 1),
        ({"policy": "queueOne"}, 2),
        ({"policy": "cancelRunning"}, 2),
        ({"policy": "queueAll", "queueMax": 60}, 61),
    ],
)
def test_each_execution_ahead_may_take_its_longest(overlap: dict[str, Any], ahead_count: int) -> None:
    assert waits_s(overlap=overlap, misfire={"policy": "skip"}) == (ahead_count * RUN_S, ahead_count * RUN_S)


def test_retries_and_their_delays_count() -> None:
    assert waits_s(retryConfig=RETRIES)[0] == 3 * RUN_S + 1 + 2


@pytest.mark.parametrize(
    ("misfire", "late_s"),
    [
        ({"policy": "skip"}, 0),
        ({"policy": "latest", "rate": 0.5}, 2 + RUN_S),
        ({"policy": "all", "maxCount": 20, "rate": 0.02}, 20 * (50 + RUN_S)),
    ],
)
def test_what_catches_up_waits_for_its_turn(misfire: dict[str, Any], late_s: float) -> None:
    assert waits_s(misfire=misfire) == (RUN_S, late_s + RUN_S)

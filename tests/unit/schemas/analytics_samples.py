"""A message of the derived figures, with every field filled."""

from datetime import timedelta

from schemas.base import Message
from schemas.events.analytics import Lateness, Tally, WindowMeasured
from tests.unit.schemas.samples import FIRE, TENANT


def analytics_samples() -> tuple[Message, ...]:
    """One message of each type of the topic."""
    tally = Tally(
        admitted=12,
        started=13,
        completed=9,
        failed=1,
        cancelled=1,
        skipped=2,
        missed=7,
        retried=3,
        lateness=Lateness(count=11, sum_ms=467, max_ms=130),
    )
    start = FIRE - timedelta(seconds=FIRE.second)
    return (WindowMeasured(tenant_id=TENANT, window_start=start, window_seconds=60, through=4711, tally=tally),)

"""What one attempt to deliver came to, when the next one is made, and when none is.

Guarantee: waits are bounded whatever a receiver asks for, and spread by chance that is passed in, so that many
deliveries that failed together are not repeated together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

ATTEMPT_COUNT_MAX = 8
FIRST_WAIT_S = 5.0
GROWTH = 4.0
WAIT_S_MAX = 3600.0
GONE = 410


@dataclass(frozen=True, slots=True)
class Attempted:
    """How an attempt ended. Without a `failure` the message has arrived; `failure` is a code, never a receiver's words.

    `is_final`: another attempt would end the same way. `retry_after_s` is what the receiver asks for.
    """

    failure: str | None = None
    status_code: int | None = None
    is_final: bool = False
    retry_after_s: float | None = None


def next_attempt_at(attempt: int, attempted: Attempted, now: datetime, chance: float) -> datetime | None:
    """When to try again after attempt number `attempt` failed; None for never. `chance` is from 0 up to 1."""
    if attempted.is_final or attempted.status_code == GONE or attempt >= ATTEMPT_COUNT_MAX:
        return None
    wait_s = min(WAIT_S_MAX, FIRST_WAIT_S * GROWTH ** (attempt - 1)) * (0.5 + chance / 2)
    asked_s = min(WAIT_S_MAX, max(0.0, attempted.retry_after_s or 0.0))
    return now + timedelta(seconds=max(wait_s, asked_s))

"""What an answer of the audit service means, and how long to wait after one that is no yes.

Guarantee: no answer, and no chance, makes anybody wait without a bound or not at all.
Source: RFC 9110, sections 10.2.3 (Retry-After) and 15; RFC 6585, section 4 (429); RFC 8470, section 5.2 (425).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from horolog.limits import (
    AUDIT_SINK_HELD_S,
    AUDIT_SINK_LOOK_INTERVAL_S,
    AUDIT_SINK_PAUSE_S_MAX,
    AUDIT_SINK_PAUSE_S_MIN,
    AUDIT_SINK_RETRY_AFTER_S_MAX,
)

_LATER = frozenset({408, 425, 429})
_DOUBLINGS_MAX = 32
UNREACHABLE, TIMED_OUT, BROKEN = "UNREACHABLE", "TIMEOUT", "CHAIN_BROKEN"


class Verdict(Enum):
    """What becomes of a batch."""

    TAKEN = "taken"
    LATER = "later"
    """Try again soon: it is about the service and not about what was sent."""
    HELD = "held"
    """Try again slowly: repeating will not help, and nothing may be passed over."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. `code` is the status, or one of the words above; `retry_after_s` what was asked for."""

    verdict: Verdict
    code: str
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long is waited: between tries at least and at most, at most as the service asks, for a chain that is held,
    and between two looks for new entries."""

    least_s: float = AUDIT_SINK_PAUSE_S_MIN
    most_s: float = AUDIT_SINK_PAUSE_S_MAX
    retry_after_s_max: float = AUDIT_SINK_RETRY_AFTER_S_MAX
    held_s: float = AUDIT_SINK_HELD_S
    look_s: float = AUDIT_SINK_LOOK_INTERVAL_S


def verdict_of(status: int) -> Verdict:
    """What a status means. Redirections are not followed: they are for whoever has set the address."""
    if 200 <= status < 300:
        return Verdict.TAKEN
    return Verdict.LATER if status >= 500 or status in _LATER else Verdict.HELD


def pause_s(pauses: Pauses, answer: Answer, failure_count: int, chance: float) -> float:
    """How long to wait after that many failures in a row, of which this answer is the last.

    `chance`, from 0 to 1, spreads tries out over the upper half of the time.
    """
    if answer.verdict is Verdict.HELD:
        return pauses.held_s * (1 + chance) / 2
    longest = min(pauses.most_s, pauses.least_s * (1 << min(failure_count - 1, _DOUBLINGS_MAX)))
    return max(longest * (1 + chance) / 2, min(answer.retry_after_s or 0.0, pauses.retry_after_s_max))


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for; None for none, and for one that nobody can read."""
    if text is None:
        return None
    if text.strip().isdecimal():
        # More digits than this are more than any bound.
        return float(text.strip()[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())

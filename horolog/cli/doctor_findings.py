"""What `horolog doctor` finds: one value for each check, and how a difference of clocks is judged."""

from dataclasses import dataclass
from typing import Literal

SKEW_WARN_S, SKEW_FAIL_S = 1.0, 10.0

State = Literal["ok", "warn", "fail"]
_ORDER: tuple[State, ...] = ("ok", "warn", "fail")


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, and what to do about it when it is not in order."""

    check: str
    state: State
    found: str
    advice: str | None = None


def worst(findings: list[Finding]) -> State:
    """The worst state among the findings."""
    return max((finding.state for finding in findings), key=_ORDER.index, default="ok")


def clock_skew(skew_s: float, against: str = "database") -> Finding:
    """How far this machine's clock is from a server's; positive when it is ahead."""
    text = f"{skew_s:+.3f} s against the {against}"
    if abs(skew_s) < SKEW_WARN_S:
        return Finding("clock", "ok", text)
    state: State = "warn" if abs(skew_s) < SKEW_FAIL_S else "fail"
    return Finding("clock", state, text, "Let NTP (chrony, systemd-timesyncd) set the clock of both machines.")

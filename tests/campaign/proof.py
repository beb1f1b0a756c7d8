"""What a fault reports: whether it can be shown to have landed, by what, and what the round owes besides."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.campaign.system import System

POLL_S = 0.1
LOAD_S = 30


@dataclass(frozen=True, slots=True)
class Proof:
    """`herd` is the beginning of the name of further jobs, which owe the one instant `herd_s`.

    `outage` is from when to when nobody could have written to the log, or no owner was there to; `problem` is a breach
    that the fault itself saw.
    """

    landed: bool
    what: str
    herd: str = ""
    herd_s: int = 0
    outage: tuple[float, float] = (0.0, 0.0)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault. `dress` prepares it before the load begins; `inject` goes through it and heals it.

    `wall_shift` says that a process's wall clock is moved, so that its instants in the log say nothing. The load lasts
    for `load_s`, fault included.
    """

    name: str
    inject: Callable[[System, Random], Proof]
    dress: Callable[[System, Random], None] | None = None
    nodes: int = 1
    wall_shift: bool = False
    load_s: int = LOAD_S


def hold(seconds: float) -> None:
    """Let time pass: nothing is waited for here, the fault is to last."""
    threading.Event().wait(seconds)


def awaited(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether something came to be so within this time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() >= deadline:
            return False
        hold(POLL_S)
    return True

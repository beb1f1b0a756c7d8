"""What one round of the campaign leaves behind: the ledger, the log, the targets' own records, the client's history.

All values are plain and frozen, so that the checkers can be tested with made-up ones. Instants are seconds since 1970.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Owed = frozenset[tuple[str, int]]
"""Job and nominal second, for everything that the schedules owe."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger; it accounts for the seconds from `first_s` to `last_s`."""

    execution_id: str
    job_id: str
    first_s: int
    last_s: int
    status: str
    attempt: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What a target itself wrote down: that the attempt began (`S`) or ended (`E`) at this instant."""

    phase: str
    execution_id: str
    attempt: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Fire:
    """A committed `fire.due`."""

    fire_id: str
    job_id: str
    second: int


@dataclass(frozen=True, slots=True)
class Event:
    """A committed event of an execution; `kind` is the name of its class, `status` what the execution is after it."""

    kind: str
    execution_id: str
    attempt: int
    status: str = ""


@dataclass(frozen=True, slots=True)
class Sign:
    """A committed checkpoint, in the order of the log."""

    role: str
    partition: int
    owner: str
    epoch: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Request:
    """A trigger that a client asked for; no status means that no answer came, so that its effect is unknown."""

    key: str
    status: int | None
    execution_id: str = ""


@dataclass(frozen=True, slots=True)
class Dump:
    """The log of the round, read committed; and what reading it uncommitted showed besides.

    `aborted_count` records were taken back. `hidden` names places whose committed end lags behind their last record.
    `vanished` names committed records that the uncommitted reader did not see.
    """

    fires: Sequence[Fire] = ()
    events: Sequence[Event] = ()
    signs: Sequence[Sign] = ()
    aborted_count: int = 0
    hidden: Sequence[str] = ()
    vanished: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything about one round. `died` names processes that ended though nobody had ended them."""

    owed: Owed
    rows: Sequence[Row]
    marks: Sequence[Mark]
    log: Dump
    requests: Sequence[Request] = ()
    died: Sequence[str] = ()
    watched: Mapping[tuple[str, int], tuple[float, float]] = field(default_factory=dict)
    """Role and partition of every owner that has work in the round, and from when to when."""
    outage: tuple[float, float] = (0.0, 0.0)
    """From when to when nobody could have written to the log."""

"""One round: load, fault, healing, calm, and the judgement of everything from the load's beginning to the calm.

A round whose fault cannot be shown to have landed was not injected. One in which less than half of what was owed ran,
or whose load was nearly over when the fault began, is inconclusive. Neither has passed.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random

import asyncpg

from horolog.adapters.system import SystemClock
from horolog.log.port import Place
from schemas.topics import partition_of
from tests.campaign import checkers, collecting, load
from tests.campaign.evidence import Evidence, Request
from tests.campaign.kernel import NotPossibleHere
from tests.campaign.process_faults import release
from tests.campaign.proof import Kind, Proof, hold
from tests.campaign.system import PARTITION_COUNT, TENANTS, System
from tests.campaign.targets import marks_of

HEALTHY_S_MAX = 180.0
STEADY_S_MAX = 60.0
BEGUN_COUNT_MAX = 4
STALLED_S_MAX = 45.0
"""A backlog that does not shrink for so long is one no more."""
STEADY_S = 2
PRELUDE_S_MIN = 8.0
PRELUDE_S_MAX = 60.0
QUICK_S = 12.0
"""A machine that takes longer than this to begin the load is given less of it."""
JOB_COUNT_MIN = 12
FAULT_S_MIN = 10.0
"""For so long the load has to go on once the fault begins."""
SHORTER_S_MAX = 10.0
"""A load that will last shorter than it was meant to by more than this is begun anew."""
POLL_S = 0.25
OWED_COUNT_MIN = 100
SHOWN_COUNT = 5
UNAVAILABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
_ENDED_AT = """select count(*) from job_executions
where job_id = any($1::uuid[]) and scheduled_at = $2 and status not in ('pending', 'running')"""
_ENDED = """select count(*) from job_executions
where job_id = any($1::uuid[]) and scheduled_at <= $2 and status not in ('pending', 'running')"""
_OPEN = _ENDED.replace("not in", "in")
_OWNERS = """select count(distinct owner) from partition_owners
where role = any($1) and last_checkpoint_at > now() - interval '12 seconds'"""
_WORKERS = "select count(*) from workers where state <> 'stopped' and last_beat_at > now() - interval '8 seconds'"
_HERD = """select coalesce(array_agg(id::text), '{}') from scheduled_jobs
where name like $1 and effective_from < $2"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a round. Times are in seconds; problems name the first few breaches."""

    kind: str
    seed: int
    verdict: str
    proof: str
    owed: int = 0
    completed: int = 0
    lost: int = 0
    doubled: int = 0
    early: int = 0
    broken: int = 0
    not_run: int = 0
    overlaps: int = 0
    aborted: int = 0
    takeover_s: float | None = None
    earliest_s: float = 0.0
    lateness_p99_s: float = 0.0
    lateness_max_s: float = 0.0
    requests_ok: int = 0
    requests_refused: int = 0
    requests_unknown: int = 0
    took_s: float = 0.0
    problems: Sequence[str] = ()

    def to_dict(self) -> dict[str, object]:
        """As one line of the record."""
        return asdict(self)


@dataclass(slots=True)
class Pace:
    """How many jobs make the load at most, and how long they took lately to be created and to run steadily."""

    job_count_max: int
    prelude_s: float = 2 * QUICK_S

    @property
    def job_count(self) -> int:
        """As many jobs as the machine can bear at present: others may be at work on it."""
        bearable = int(self.job_count_max * QUICK_S / self.prelude_s)
        return min(self.job_count_max, max(JOB_COUNT_MIN, bearable))


@dataclass(frozen=True, slots=True)
class Round:
    """A round under way."""

    kind: Kind
    seed: int
    load: load.Load
    since: Mapping[Place, int]
    begin_s: int

    @property
    def left_s(self) -> float:
        """How long the load goes on from now."""
        return self.load.end_s - _now().timestamp()


def play(system: System, kind: Kind, seed: int, pace: Pace) -> Result:
    """Go through a round, and leave the system as every round may find it."""
    random, began = Random(f"{kind.name}/{seed}"), time.monotonic()
    client: load.Client | None = None
    try:
        if kind.dress is not None:
            kind.dress(system, random)
        _await("the system to be whole", lambda: _is_whole(system), HEALTHY_S_MAX)
        this = _begun(system, kind, seed, pace)
        client = load.Client(system, this.load.triggered, f"{kind.name}-{seed}-{this.begin_s}")
        client.begin()
        hold(random.random())
        load_s = this.left_s
        proof = kind.inject(system, random)
        _drain(system, this, proof)
        evidence = _evidence(system, this, proof, client.end())
        return _judged(this, proof, evidence, load_s, time.monotonic() - began)
    except NotPossibleHere as error:
        return Result(kind.name, seed, "not injected", str(error), took_s=time.monotonic() - began)
    finally:
        if client is not None:
            client.end()
        system.services.refill()
        release()


def _begun(system: System, kind: Kind, seed: int, pace: Pace) -> Round:
    """The round with a steady load; begun anew, and at another pace, while the machine turns out to be slower."""
    for _ in range(BEGUN_COUNT_MAX):
        began = time.monotonic()
        this = _loaded(system, kind, seed, pace)
        is_steady = _holds_within(partial(_is_steady, system, this), began + STEADY_S_MAX)
        pace.prelude_s = min(PRELUDE_S_MAX, max(PRELUDE_S_MIN, time.monotonic() - began))
        if is_steady and this.left_s >= kind.load_s - SHORTER_S_MAX:
            return this
    raise TimeoutError("waited in vain for a steady load")


def _is_steady(system: System, this: Round) -> bool:
    jobs = this.load.jobs
    return _ask(system, _ENDED_AT, jobs, _instant(this.begin_s + STEADY_S)) >= len(jobs)


def _loaded(system: System, kind: Kind, seed: int, pace: Pace) -> Round:
    since = asyncio.run(collecting.ends_of(system))
    now_s = _now().timestamp()
    end_s = int(now_s + pace.prelude_s) + kind.load_s
    jobs = load.create(system, f"{kind.name} {seed} {now_s:.0f}", pace.job_count, end_s)
    return Round(kind, seed, jobs, since, int(_now().timestamp()) + 1)


def _drain(system: System, this: Round, proof: Proof) -> None:
    """Wait until everything owed has ended, or nothing more does."""
    end = _instant(this.load.end_s)
    jobs = [*this.load.jobs, this.load.triggered, *_herd(system, proof)]
    ended, deadline = -1, 0.0

    def is_over() -> bool:
        nonlocal ended, deadline
        now_ended = _ask(system, _ENDED, jobs, end)
        if now_ended > ended or _now() < end:
            ended, deadline = max(ended, now_ended), time.monotonic() + STALLED_S_MAX
        if _ask(system, _ENDED_AT, this.load.jobs, end) < len(this.load.jobs):
            return False
        return _ask(system, _OPEN, jobs, end) == 0

    while not is_over() and time.monotonic() < deadline:
        hold(POLL_S)


def _evidence(system: System, this: Round, proof: Proof, requests: Sequence[Request]) -> Evidence:
    end_s = this.load.end_s
    herd = _herd(system, proof)
    jobs = {*this.load.jobs, this.load.triggered, *herd}
    owed = {(job, second) for job in this.load.jobs for second in range(this.begin_s, end_s + 1)}
    owed |= {(job, proof.herd_s) for job in herd}
    now = _now()
    _holds_within(lambda: _ask(system, _OPEN, list(jobs), now) == 0, time.monotonic() + STALLED_S_MAX)
    partitions = {partition_of(tenant, PARTITION_COUNT) for tenant in TENANTS}
    span = (float(this.begin_s), float(end_s))
    return Evidence(
        owed=frozenset(owed),
        rows=asyncio.run(collecting.rows_of(system, jobs)),
        marks=marks_of(system.marks),
        log=asyncio.run(collecting.dump(system, this.since, jobs)),
        requests=requests,
        died=system.services.died(),
        watched={(role, p): span for role in ("ticker", "dispatcher") for p in partitions},
        outage=proof.outage,
    )


def _judged(this: Round, proof: Proof, evidence: Evidence, load_s: float, took_s: float) -> Result:
    lost, doubled, early = checkers.lost(evidence), checkers.doubled(evidence), checkers.early(evidence)
    broken, not_run = checkers.broken(evidence), checkers.not_run(evidence)
    broken += [proof.problem] if proof.problem else []
    completed, late = checkers.completed_count(evidence), checkers.lateness_s(evidence)
    problems = [problem for found in (lost, doubled, early, broken, not_run) for problem in found[:SHOWN_COUNT]]
    statuses = [request.status for request in evidence.requests]
    verdict = "failed" if problems else "passed"
    if not proof.landed:
        verdict = "failed" if problems else "not injected"
    elif len(evidence.owed) < OWED_COUNT_MIN or 2 * completed < len(evidence.owed) or load_s < FAULT_S_MIN:
        verdict = "failed" if lost or doubled or early else "inconclusive"
    return Result(
        kind=this.kind.name,
        seed=this.seed,
        verdict=verdict,
        proof=proof.what,
        owed=len(evidence.owed),
        completed=completed,
        lost=len(lost),
        doubled=len(doubled),
        early=len(early),
        broken=len(broken),
        not_run=len(not_run),
        overlaps=checkers.overlap_count(evidence),
        aborted=evidence.log.aborted_count,
        takeover_s=None if this.kind.wall_shift else round(checkers.takeover_s(evidence), 2),
        earliest_s=round(max(0.0, -late[0]), 3) if late else 0.0,
        lateness_p99_s=round(late[int(len(late) * 0.99)], 3) if late else 0.0,
        lateness_max_s=round(late[-1], 3) if late else 0.0,
        requests_ok=sum(status in checkers.OK_STATUSES for status in statuses),
        requests_refused=sum(status is not None and status not in checkers.OK_STATUSES for status in statuses),
        requests_unknown=sum(status is None for status in statuses),
        took_s=round(took_s, 1),
        problems=problems,
    )


def _is_whole(system: System) -> bool:
    """Everybody is there: two owners of each role have partitions, two workers beat, and the API is content."""
    system.services.refill_dead()
    counts = [_ask(system, _OWNERS, [role]) for role in ("ticker", "dispatcher")]
    return min(counts) >= 2 and _ask(system, _WORKERS) >= 2 and load.is_healthy(system)


def _herd(system: System, proof: Proof) -> list[str]:
    """The jobs that owe the instant; on a slow machine some may have come too late for it."""
    if not proof.herd:
        return []
    found = asyncio.run(collecting.value(system, _HERD, f"{proof.herd} %", _instant(proof.herd_s)))
    assert isinstance(found, list)
    return found


def _ask(system: System, query: str, *arguments: object) -> int:
    """A count; -1 while the database does not answer."""
    try:
        found = asyncio.run(collecting.value(system, query, *arguments))
    except UNAVAILABLE:
        return -1
    assert isinstance(found, int)
    return found


def _await(what: str, holds: Callable[[], bool], seconds: float) -> None:
    if not _holds_within(holds, time.monotonic() + seconds):
        raise TimeoutError(f"waited in vain for {what}")


def _holds_within(holds: Callable[[], bool], deadline: float) -> bool:
    while not holds():
        if time.monotonic() >= deadline:
            return False
        hold(POLL_S)
    return True


def _now() -> datetime:
    return SystemClock().now()


def _instant(second: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)

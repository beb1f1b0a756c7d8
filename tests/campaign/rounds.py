"""One round: load, fault, healing, calm, and the judgement of everything from the load's beginning to the calm.

A round whose fault cannot be shown to have landed was not injected. One in which less than half of what was owed ran
is inconclusive. Neither has passed.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
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

HEALTHY_S_MAX = 90.0
CALM_S_MAX = 120.0
STEADY_S = 3
CALM_S = 3
POLL_S = 0.25
OWED_COUNT_MIN = 100
SHOWN_COUNT = 5
UNAVAILABLE = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
_COMPLETE = "select count(*) from job_executions where job_id = any($1::uuid[]) and scheduled_at = $2 and status = $3"
_OPEN = """select count(*) from job_executions
where job_id = any($1::uuid[]) and scheduled_at <= $2 and status in ('pending', 'running')"""
_OWNERS = """select count(distinct owner) from partition_owners
where role = any($1) and last_checkpoint_at > now() - interval '12 seconds'"""
_WORKERS = "select count(*) from workers where state <> 'stopped' and last_beat_at > now() - interval '4 seconds'"
_HERD = "select array_agg(id::text) from scheduled_jobs where name like $1"


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


@dataclass(frozen=True, slots=True)
class Round:
    """A round under way."""

    kind: Kind
    seed: int
    load: load.Load
    since: Mapping[Place, int]
    begin_s: int

    @property
    def jobs(self) -> list[str]:
        """The jobs that fire each second."""
        return [job for _, job in self.load.jobs]


def play(system: System, kind: Kind, seed: int, job_count: int) -> Result:
    """Go through a round, and leave the system as every round may find it."""
    random, began = Random(f"{kind.name}/{seed}"), time.monotonic()
    client: load.Client | None = None
    try:
        if kind.dress is not None:
            kind.dress(system, random)
        _await("the system to be whole", lambda: _is_whole(system), HEALTHY_S_MAX)
        this = _begun(system, kind, seed, job_count)
        client = load.Client(system, this.load.triggered, f"{kind.name}-{seed}-{this.begin_s}")
        client.begin()
        hold(random.random())
        proof = kind.inject(system, random)
        end_s = _calm(system, this, proof)
        evidence = _evidence(system, this, proof, end_s, client.end())
        load.delete(system, this.load)
        return _judged(this, proof, evidence, time.monotonic() - began)
    except NotPossibleHere as error:
        return Result(kind.name, seed, "not injected", str(error), took_s=time.monotonic() - began)
    finally:
        if client is not None:
            client.end()
        system.services.refill()
        release()


def _begun(system: System, kind: Kind, seed: int, job_count: int) -> Round:
    since = asyncio.run(collecting.ends_of(system))
    jobs = load.create(system, f"{kind.name} {seed} {time.monotonic():.0f}", job_count)
    this = Round(kind, seed, jobs, since, int(_now().timestamp()) + 1)
    steady_s = this.begin_s + STEADY_S
    _await("a steady load", lambda: _is_complete(system, this.jobs, steady_s), CALM_S_MAX)
    return this


def _calm(system: System, this: Round, proof: Proof) -> int:
    """Wait until everything owed has its account and runs in time again, or no longer; the last second that counts."""
    end_s = int(_now().timestamp()) + CALM_S
    jobs = [*this.jobs, this.load.triggered, *_herd(system, proof)]
    deadline = time.monotonic() + CALM_S_MAX
    _holds_within(lambda: _is_complete(system, this.jobs, end_s), deadline)
    _holds_within(lambda: _ask(system, _OPEN, jobs, _instant(end_s)) == 0, deadline)
    return end_s


def _evidence(system: System, this: Round, proof: Proof, end_s: int, requests: Sequence[Request]) -> Evidence:
    herd = _herd(system, proof)
    jobs = {*this.jobs, this.load.triggered, *herd}
    owed = {(job, second) for job in this.jobs for second in range(this.begin_s, end_s + 1)}
    owed |= {(job, proof.herd_s) for job in herd}
    now = _now()
    _holds_within(lambda: _ask(system, _OPEN, list(jobs), now) == 0, time.monotonic() + CALM_S_MAX)
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
    )


def _judged(this: Round, proof: Proof, evidence: Evidence, took_s: float) -> Result:
    lost, doubled, early = checkers.lost(evidence), checkers.doubled(evidence), checkers.early(evidence)
    broken, not_run = checkers.broken(evidence), checkers.not_run(evidence)
    completed, late = checkers.completed_count(evidence), checkers.lateness_s(evidence)
    problems = [problem for found in (lost, doubled, early, broken, not_run) for problem in found[:SHOWN_COUNT]]
    statuses = [request.status for request in evidence.requests]
    verdict = "failed" if problems else "passed"
    if not proof.landed:
        verdict = "failed" if problems else "not injected"
    elif len(evidence.owed) < OWED_COUNT_MIN or 2 * completed < len(evidence.owed):
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


def _is_complete(system: System, jobs: Sequence[str], second: int) -> bool:
    return _ask(system, _COMPLETE, jobs, _instant(second), "completed") >= len(jobs)


def _herd(system: System, proof: Proof) -> list[str]:
    if not proof.herd:
        return []
    found = asyncio.run(collecting.value(system, _HERD, f"{proof.herd} %"))
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

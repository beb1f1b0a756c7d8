"""Rules and facts to tell of, at seconds after one instant."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from horolog.domain.notifications.facts import Fact, KnownJob
from horolog.domain.notifications.fold import Memory
from horolog.domain.notifications.rules import FACTUAL, ChannelType, Kind, Pace, Rule, Scope
from tests.unit.projections.facts import START, TENANT, uuid_of

RULE_ID = "aaaaaaaa-0000-4000-8000-000000000001"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def rule(**changes: Any) -> Rule:
    """A rule about everything, which groups and throttles nothing that a test does not mean."""
    fields: dict[str, Any] = {
        "id": RULE_ID,
        "tenant_id": TENANT,
        "name": "everything",
        "kinds": frozenset(FACTUAL),
        "scope": Scope(),
        "pace": Pace(0, 1000, 3600),
        "late_s": 60,
        "enabled": True,
        "channel": ChannelType.WEBHOOK,
        "since": START,
    }
    return Rule(**{**fields, **changes})


def fact(number: int, seconds: float, kind: Kind = Kind.FAILED, job: int | None = 1, **fields: Any) -> Fact:
    job_id = None if job is None else uuid_of(job)
    return Fact(f"fact/{number}", TENANT, kind, at(seconds), job_id, **fields)


def memory(*rules: Rule, jobs: Iterable[KnownJob] = ()) -> Memory:
    return Memory({TENANT: list(rules)}, {job.job_id: job for job in jobs})


def known_job(number: int = 1, **fields: Any) -> KnownJob:
    return KnownJob(uuid_of(number), TENANT, f"job {number}", **{"version": 1, **fields})


def counted(told: Memory) -> Counter[Kind]:
    """The facts in all messages that were made."""
    counts: Counter[Kind] = Counter()
    for made in told.made:
        counts.update(made.counts)
    return counts

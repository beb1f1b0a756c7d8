"""What a seed says: how many processes there are, which jobs, which kinds of fault, and when.

Swarm style: every seed has its own random subset of the faults, so that some runs are all but free of them, and
some faults meet in pairs that nobody would have thought of.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from schemas.jobs import (
    Delivery,
    FunctionConfig,
    JobDefinition,
    JobType,
    Misfire,
    MisfirePolicy,
    Overlap,
    OverlapPolicy,
    RetryConfig,
)
from tests.sim.schedules import Schedule, draw_moment, draw_schedule

FAULTS = (
    "kill",
    "stall",
    "long_stall",
    "hand_over",
    "rebalance",
    "zombie",
    "lost_commit",
    "unknown_commit",
    "late_commit",
    "failed_append",
    "unknown_append",
    "late_append",
    "crash_at_commit",
    "reader_failure",
    "cut_off",
    "deaf_worker",
    "clock_step",
    "poison",
    "database",
    "outage",
)
"""The kinds of fault. `outage` is one role dead for longer than a fire may merely be late."""


@dataclass(frozen=True, slots=True)
class JobPlan:
    """One job as a caller will create it; its schedules are those that updates choose from."""

    job_id: str
    tenant_id: str
    schedules: tuple[Schedule, ...]
    max_concurrent: int
    max_executions: int | None
    retry: RetryConfig | None
    timeout_ms: int
    long_share: float
    long_s: tuple[float, float]
    failing_share: float
    misfire: Misfire
    overlap: Overlap
    delivery: Delivery

    def definition(self, schedule: Schedule) -> JobDefinition:
        """What the caller says of it."""
        return JobDefinition(
            name=f"job {self.job_id[:8]}",
            cron_expression=schedule.text,
            timezone=schedule.zone,
            job_type=JobType.FUNCTION,
            config=FunctionConfig(module_path="simulated", function_name="run", timeout=self.timeout_ms),
            retry_config=self.retry,
            max_concurrent=self.max_concurrent,
            max_executions=self.max_executions,
            misfire=self.misfire,
            overlap=self.overlap,
            delivery=self.delivery,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """One run. Seconds are virtual: faults and commands until `harm_s`, then healing until `end_s`."""

    seed: int
    start: datetime
    partition_count: int
    counts: dict[str, int]
    jobs: tuple[JobPlan, ...]
    faults: frozenset[str]
    harm_s: float
    end_s: float
    command_gap_s: float
    fault_gap_s: float
    rate: float
    capacity: int
    patience_s: float
    """How long a run may take to its end with all that belongs to it, once nothing harms it any more."""
    minds_tenants: bool
    """Whether tenants are suspended, and the jobs' owner barred, now and then."""

    def has(self, fault: str) -> bool:
        """Whether the kind of fault belongs to this run."""
        return fault in self.faults


HEALING_S = 12.0
"""What healing takes besides the patience."""
PATIENCE_S = 38.0
OUTLASTING_PATIENCE_S = 75.0
LONG_S = (0.5, 6.0)
OUTLASTING_S = (12.0, 25.0)
"""Runs that outlast a lease."""
HARM_S = (35.0, 60.0)
OUTAGE_S = 80.0
TENANTS_SHARE = 0.35


def uuid_of(random: Random) -> str:
    """A name that nobody else has, in this run."""
    digits = f"{random.getrandbits(128):032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def draw_plan(seed: int) -> Plan:
    """What this seed says."""
    random = Random(f"plan {seed}")
    share = random.choice([0.0, 0.15, 0.3, 0.5])
    faults = frozenset(fault for fault in FAULTS[:-1] if random.random() < share)
    if share and random.random() < 0.12:
        faults |= {"outage"}
    start, zones = draw_moment(random, random.random() < 0.4)
    tenants = [uuid_of(random) for _ in range(random.randint(1, 3))]
    harm_s = random.uniform(*HARM_S) + (OUTAGE_S if "outage" in faults else 0.0)
    jobs = [_draw_job(random, tenants, zones) for _ in range(random.randint(2, 5))]
    patience_s = PATIENCE_S
    if random.random() < 0.2:
        jobs[0] = replace(jobs[0], long_share=0.7, long_s=OUTLASTING_S, timeout_ms=30_000, retry=None)
        patience_s = OUTLASTING_PATIENCE_S
    return Plan(
        seed=seed,
        start=start,
        partition_count=random.randint(1, 3),
        counts={
            "ticker": random.randint(1, 2),
            "dispatcher": random.randint(1, 3),
            "executor": random.randint(1, 3),
            "projector": random.randint(1, 2),
        },
        jobs=tuple(jobs),
        faults=faults,
        harm_s=harm_s,
        end_s=harm_s + patience_s + HEALING_S,
        patience_s=patience_s,
        command_gap_s=random.choice([0.5, 1.5, 4.0]),
        fault_gap_s=random.choice([2.0, 4.0, 8.0]),
        rate=random.choice([0.01, 0.03, 0.1]),
        capacity=random.choice([1, 2, 4, 8, 20]),
        minds_tenants=random.random() < TENANTS_SHARE,
    )


def with_outage(plan: Plan) -> Plan:
    """The plan, with one role dead for longer than a fire may merely be late."""
    if plan.has("outage"):
        return plan
    harm_s, end_s = plan.harm_s + OUTAGE_S, plan.end_s + OUTAGE_S
    return replace(plan, faults=plan.faults | {"outage"}, harm_s=harm_s, end_s=end_s)


def _draw_job(random: Random, tenants: list[str], zones: tuple[str, ...]) -> JobPlan:
    delivery = Delivery.AT_MOST_ONCE if random.random() < 0.2 else Delivery.AT_LEAST_ONCE
    is_retried = random.random() < 0.6 and delivery is Delivery.AT_LEAST_ONCE
    return JobPlan(
        job_id=uuid_of(random),
        tenant_id=random.choice(tenants),
        schedules=tuple(draw_schedule(random, zones) for _ in range(3)),
        max_concurrent=random.choice([1, 1, 2, 3]),
        max_executions=random.choice([None, None, None, 3, 12]),
        retry=_draw_retry(random) if is_retried else None,
        timeout_ms=random.choice([500, 1500, 3000]),
        long_share=random.choice([0.0, 0.1, 0.4]),
        long_s=LONG_S,
        failing_share=random.choice([0.0, 0.1, 0.4]),
        misfire=Misfire(
            policy=random.choice(list(MisfirePolicy)),
            max_age=random.choice([61, 75, 90, 3600]),
            max_count=random.choice([1, 4, 30]),
            rate=random.choice([0.5, 2.0, 50.0]),
        ),
        overlap=Overlap(policy=random.choice(list(OverlapPolicy)), queue_max=random.choice([1, 3])),
        delivery=delivery,
    )


def _draw_retry(random: Random) -> RetryConfig:
    return RetryConfig(
        max_retries=random.randint(0, 3),
        retry_delay_ms=random.choice([0, 100, 900]),
        exponential_backoff=random.random() < 0.5,
        max_retry_delay_ms=random.choice([None, 500, 2000]),
    )
